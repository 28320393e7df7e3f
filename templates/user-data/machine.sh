#!/bin/bash
# Joins the ECS cluster as a machine of one role. The agent is started by systemd when this script has ended.
set -euo pipefail

# Kept inputs, and the directories of jobs that run in containers; whichever user a worker runs as may write there.
install -d -m 1777 /var/lib/hfecs/cache /var/lib/hfecs/jobs

# A machine that cannot reach the file server stops here and never joins: jobs would find an empty directory.
nfs_mount='${nfs_mount}'
if [ -n "$nfs_mount" ]; then
  command -v mount.nfs4 || dnf install -y nfs-utils
  mkdir -p /nfs
  echo "$nfs_mount /nfs nfs4 _netdev,hard,noresvport,timeo=600,retrans=2 0 0" >> /etc/fstab
  mount /nfs
fi

mkdir -p /etc/ecs /etc/hfecs
cat >> /etc/ecs/ecs.config <<'CONFIG'
ECS_CLUSTER=${cluster}
ECS_INSTANCE_ATTRIBUTES={"hfecs.role":"${role}"}
ECS_ENABLE_TASK_IAM_ROLE=true
ECS_CONTAINER_STOP_TIMEOUT=${stop_timeout}s
ECS_IMAGE_PULL_BEHAVIOR=prefer-cached
ECS_DISABLE_PRIVILEGED=true
CONFIG

cat > /etc/hfecs/machine.env <<'SETTINGS'
HFECS_END_WITH_TASK=${end_with_task}
SETTINGS

cat > /usr/local/bin/hfecs-end-with-task <<'SCRIPT'
#!/bin/bash
# Shuts the machine down when its engine has ended, or when none has come within half an hour.
label=com.amazonaws.ecs.container-name=engine
for _ in $(seq 360); do
  container=$(docker ps -aq --filter "label=$label" | head -n 1)
  [ -n "$container" ] && break
  sleep 5
done
[ -n "$container" ] && docker wait "$container"
# The agent still has to report how the task ended.
sleep 30
shutdown -h now
SCRIPT
chmod 755 /usr/local/bin/hfecs-end-with-task

cat > /etc/systemd/system/hfecs-end-with-task.service <<'UNIT'
[Unit]
Description=End this machine with its task
After=docker.service

[Service]
EnvironmentFile=/etc/hfecs/machine.env
ExecCondition=/bin/sh -c 'test "$HFECS_END_WITH_TASK" = true'
ExecStart=/usr/local/bin/hfecs-end-with-task
UNIT
systemctl start --no-block hfecs-end-with-task.service
