#!/bin/bash
# Joins the ECS cluster as a machine of one role. The agent is started by systemd when this script has ended.
set -euo pipefail

# Kept inputs, and the directories of jobs that run in containers; whichever user a worker runs as may write there.
install -d -m 1777 /var/lib/hfecs/cache /var/lib/hfecs/jobs
mkdir -p /etc/ecs /etc/hfecs

cat > /etc/hfecs/machine.env <<'SETTINGS'
HFECS_END_WITH_TASK=${end_with_task}
HFECS_DEADLINE_OF=${deadline_of}
SETTINGS

cat > /usr/local/bin/hfecs-deadline <<'SCRIPT'
#!/bin/bash
# Shuts the machine down when its deadline has passed, which stands in its tag hfecs:ends and may be renewed there; that
# of a worker stands on the master, and ends it although its jobs protect it from scale-in. EC2 itself is asked: the
# metadata of Xen machines such as t2 show a tag as it was at the last start. Without an answer counts what EC2 said last,
# then the metadata, and twelve hours from the boot if nobody has ever said anything.
metadata=http://169.254.169.254/latest
kept=/var/lib/hfecs/ends
seconds_without_deadline=43200

token=$(curl -sf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/api/token")
about() { curl -sf -m 5 -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/$1"; }

ask() {
  local region domain machine role keys which
  region=$(about placement/region) && domain=$(about services/domain) && machine=$(about instance-id) || return
  role=$(about iam/security-credentials/) && keys=$(about "iam/security-credentials/$role") || return
  of() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" <<< "$keys"; }
  which="Filter.1.Name=instance-id&Filter.1.Value.1=$machine"
  if [ "$HFECS_DEADLINE_OF" != itself ]; then
    which="Filter.1.Name=tag%3Ahfecs%3Acluster&Filter.1.Value.1=$HFECS_DEADLINE_OF"
    which="$which&Filter.2.Name=tag%3Ahfecs%3Aname&Filter.2.Value.1=master"
    which="$which&Filter.3.Name=instance-state-name&Filter.3.Value.1=running"
  fi
  # Through stdin: the command line can be read by every process of the machine.
  curl -sf -m 10 -K - <<REQUEST | tr -d ' \n' | sed -n 's/.*<key>hfecs:ends<\/key><value>\([^<]*\)<.*/\1/p'
url = "https://ec2.$region.$domain/"
aws-sigv4 = "aws:amz:$region:ec2"
user = "$(of AccessKeyId):$(of SecretAccessKey)"
header = "X-Amz-Security-Token: $(of Token)"
data = "Action=DescribeInstances&Version=2016-11-15&$which"
REQUEST
}

ends=$(ask)
if [ -n "$ends" ]; then
  echo "$ends" > $kept
else
  ends=$(cat $kept 2> /dev/null || about tags/instance/hfecs:ends)
fi
[ "$ends" = never ] && exit
now=$(date +%s)
if [ -z "$ends" ] || ! last=$(date -d "$ends" +%s); then
  last=$((now - $(cut -d. -f1 /proc/uptime) + seconds_without_deadline))
fi
if [ "$now" -ge "$last" ]; then
  logger -t hfecs "the time of this machine is over: $ends"
  shutdown -h now
fi
SCRIPT
chmod 755 /usr/local/bin/hfecs-deadline

cat > /etc/systemd/system/hfecs-deadline.service <<'UNIT'
[Unit]
Description=End this machine when its time is over

[Service]
Type=oneshot
EnvironmentFile=/etc/hfecs/machine.env
ExecStart=/usr/local/bin/hfecs-deadline
UNIT

cat > /etc/systemd/system/hfecs-deadline.timer <<'UNIT'
[Unit]
Description=Look every minute if the time of this machine is over

[Timer]
OnCalendar=minutely
# Not all machines at once: EC2 takes some 20 calls a second of an account and region.
RandomizedDelaySec=50
AccuracySec=1s

[Install]
WantedBy=timers.target
UNIT
systemctl enable --now --no-block hfecs-deadline.timer

# A machine that cannot reach the file server stops here and never joins: jobs would find an empty directory.
nfs_mount='${nfs_mount}'
if [ -n "$nfs_mount" ]; then
  command -v mount.nfs4 || dnf install -y nfs-utils
  mkdir -p /nfs
  echo "$nfs_mount /nfs nfs4 _netdev,hard,noresvport,timeo=600,retrans=2 0 0" >> /etc/fstab
  mount /nfs
fi

cat >> /etc/ecs/ecs.config <<'CONFIG'
ECS_CLUSTER=${cluster}
ECS_INSTANCE_ATTRIBUTES={"hfecs.role":"${role}"}
ECS_ENABLE_TASK_IAM_ROLE=true
ECS_CONTAINER_STOP_TIMEOUT=${stop_timeout}s
ECS_IMAGE_PULL_BEHAVIOR=prefer-cached
ECS_DISABLE_PRIVILEGED=true
ECS_ENABLE_SPOT_INSTANCE_DRAINING=true
CONFIG

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
