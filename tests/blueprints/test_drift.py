"""What somebody changes by hand in AWS is named by the plan, field by field, and put back by the next up, alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from hfecs.blueprints import cluster, monitoring
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from hfecs.resources import bucket, role
from hfecs.resources.scalable_target import NOTHING_SUSPENDED
from quick_moto import empty_aws, mend_moto, shrink_moto
from support import ME, WatchedCloud, again, configuration, nothing_changes, stack_of, steps

Hand = Callable[[WatchedCloud], object]
PREFIX = "hfecs-hyperflow-"
BUCKET = "hfecs-drift"
WORLD: Any = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
TLS_ONLY: Any = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    ],
}
# With a number of workers of their own, since only such a service is scaled.
CONFIGURED = configuration(aws__task_access_key="mine", aws__task_secret_access_key="secret", scaling__worker_max=5)


@dataclass(frozen=True)
class Drift:
    """A change by hand, the resource it is made on, the field by which the plan names it, and what follows from it."""

    resource: str
    path: str
    by_hand: Hand
    outcome: Outcome = Outcome.CHANGED
    follows: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        return f"{self.resource} {self.path}".replace("/", "_")


def group_id(cloud: WatchedCloud, name: str) -> str:
    filters: Any = [{"Name": "group-name", "Values": [PREFIX + name]}]
    return cloud.ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]


def master(cloud: WatchedCloud) -> str:
    filters: Any = [{"Name": "tag:hfecs:name", "Values": ["master"]}]
    return cloud.ec2.describe_instances(Filters=filters)["Reservations"][0]["Instances"][0]["InstanceId"]


def metadata_without_token(cloud: WatchedCloud) -> None:
    told: Any = cloud.ec2.describe_instances(InstanceIds=[master(cloud)])["Reservations"][0]["Instances"][0]
    options: Any = {**told["MetadataOptions"], "HttpTokens": "optional"}
    options.pop("State", None)
    cloud.ec2.modify_instance_metadata_options(InstanceId=master(cloud), **options)


def admit(cloud: WatchedCloud) -> None:
    cloud.ec2.authorize_security_group_ingress(GroupId=group_id(cloud, "broker"), IpPermissions=[WORLD])


def shut_out(cloud: WatchedCloud) -> None:
    source: Any = {"IpProtocol": "tcp", "FromPort": 5672, "ToPort": 5672, "IpRanges": [{"CidrIp": ME}]}
    cloud.ec2.revoke_security_group_ingress(GroupId=group_id(cloud, "broker"), IpPermissions=[source])


def lock_in(cloud: WatchedCloud) -> None:
    everywhere: Any = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    cloud.ec2.revoke_security_group_egress(GroupId=group_id(cloud, "members"), IpPermissions=[everywhere])


def alarm(**changes: Any) -> Hand:
    def put(cloud: WatchedCloud) -> None:
        told: Any = cloud.cloudwatch.describe_alarms(AlarmNames=[f"{PREFIX}jobs-wait"])["MetricAlarms"][0]
        fields = ("AlarmName", "Namespace", "MetricName", "Dimensions", "Statistic", "Period", "EvaluationPeriods")
        more = ("Threshold", "ComparisonOperator", "AlarmActions", "AlarmDescription", "TreatMissingData")
        cloud.cloudwatch.put_metric_alarm(**{key: told[key] for key in (*fields, *more)} | changes)

    return put


def role_name(name: str) -> str:
    return f"{PREFIX}us-east-1-{name}"


def trust(cloud: WatchedCloud) -> None:
    anyone = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [anyone]})
    cloud.iam.update_assume_role_policy(RoleName=role_name("worker"), PolicyDocument=document)


def allow_all(cloud: WatchedCloud) -> None:
    name = role_name("execution")
    document: Any = cloud.iam.get_role_policy(RoleName=name, PolicyName=role.POLICY)["PolicyDocument"]
    statement = {"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}
    text = json.dumps({**document, "Statement": [*document["Statement"], statement]})
    cloud.iam.put_role_policy(RoleName=name, PolicyName=role.POLICY, PolicyDocument=text)


def group(**changes: Any) -> Hand:
    return lambda cloud: cloud.autoscaling.update_auto_scaling_group(AutoScalingGroupName=f"{PREFIX}workers", **changes)


def first_version(cloud: WatchedCloud) -> None:
    template: Any = {"LaunchTemplateName": f"{PREFIX}worker", "Version": "1"}
    cloud.autoscaling.update_auto_scaling_group(AutoScalingGroupName=f"{PREFIX}workers", LaunchTemplate=template)


def template(described: bool) -> Hand:
    """A version with larger machines, made from the last one, with its description or without."""

    def change(cloud: WatchedCloud) -> None:
        name = f"{PREFIX}worker"
        told = cloud.ec2.describe_launch_template_versions(LaunchTemplateName=name, Versions=["$Latest"])
        latest: Any = told["LaunchTemplateVersions"][0]
        more = {"VersionDescription": latest["VersionDescription"]} if described else {}
        data: Any = {**latest["LaunchTemplateData"], "InstanceType": "m5.large"}
        cloud.ec2.create_launch_template_version(LaunchTemplateName=name, LaunchTemplateData=data, **more)

    return change


def target(**changes: Any) -> Hand:
    return lambda cloud: cloud.application_autoscaling.register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId=f"service/{PREFIX}cluster/{PREFIX}worker",
        ScalableDimension="ecs:service:DesiredCount",
        **changes,
    )


def machines_more(cloud: WatchedCloud) -> None:
    adjustments: Any = [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 9}]
    cloud.autoscaling.put_scaling_policy(
        AutoScalingGroupName=f"{PREFIX}workers",
        PolicyName=f"{PREFIX}more",
        PolicyType="StepScaling",
        AdjustmentType="ExactCapacity",
        StepAdjustments=adjustments,
        EstimatedInstanceWarmup=CONFIGURED.scaling.instance_cooldown,
    )


def workers_more(cloud: WatchedCloud) -> None:
    told: Any = cloud.application_autoscaling.describe_scaling_policies(
        ServiceNamespace="ecs", PolicyNames=[f"{PREFIX}more"]
    )
    policy: Any = told["ScalingPolicies"][0]
    slower: Any = {**policy["StepScalingPolicyConfiguration"], "Cooldown": 999}
    cloud.application_autoscaling.put_scaling_policy(
        PolicyName=policy["PolicyName"],
        ServiceNamespace="ecs",
        ResourceId=policy["ResourceId"],
        ScalableDimension="ecs:service:DesiredCount",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration=slower,
    )


def service(name: str, **changes: Any) -> Hand:
    return lambda cloud: cloud.ecs.update_service(cluster=f"{PREFIX}cluster", service=PREFIX + name, **changes)


def revision_by_hand(cloud: WatchedCloud) -> None:
    container: Any = {"name": "worker", "image": "somebody:1", "memoryReservation": 64}
    cloud.ecs.register_task_definition(family=f"{PREFIX}worker", containerDefinitions=[container])


def other_tasks(cloud: WatchedCloud) -> None:
    revision_by_hand(cloud)
    service("worker", taskDefinition=f"{PREFIX}worker")(cloud)


def drop_revision(cloud: WatchedCloud) -> None:
    told = cloud.ecs.describe_task_definition(taskDefinition=f"{PREFIX}worker")["taskDefinition"]
    cloud.ecs.deregister_task_definition(taskDefinition=told["taskDefinitionArn"])


def without_role(cloud: WatchedCloud) -> None:
    name = role_name("machine")
    cloud.iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)


def insights(cloud: WatchedCloud) -> None:
    on: Any = [{"name": "containerInsights", "value": "enabled"}]
    cloud.ecs.update_cluster(cluster=f"{PREFIX}cluster", settings=on)


def no_way_in(cloud: WatchedCloud) -> None:
    pair = {"GroupId": group_id(cloud, "members")}
    way: Any = {"IpProtocol": "tcp", "FromPort": 8086, "ToPort": 8086, "UserIdGroupPairs": [pair]}
    cloud.ec2.revoke_security_group_ingress(GroupId=group_id(cloud, "monitoring"), IpPermissions=[way])


def another_secret(cloud: WatchedCloud) -> None:
    cloud.ssm.put_parameter(Name="/hfecs/hyperflow/access-key", Value="x", Type="SecureString", Overwrite=True)


def open_bucket(cloud: WatchedCloud) -> None:
    half: Any = dict.fromkeys(["BlockPublicAcls", "IgnorePublicAcls", "RestrictPublicBuckets"], True)
    cloud.s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=half)


def other_key(cloud: WatchedCloud) -> None:
    by_kms: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    cloud.s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [by_kms]})


def public_policy(cloud: WatchedCloud) -> None:
    policy = {**TLS_ONLY, "Statement": [{**TLS_ONLY["Statement"][0], "Effect": "Allow"}]}
    cloud.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


TABLE = [
    Drift("security-group broker", "ingress tcp 22 from 0.0.0.0/0", admit),
    Drift("security-group broker", f"ingress tcp 5672 from {ME}", shut_out),
    Drift("security-group members", "egress to everywhere", lock_in),
    Drift("alarm jobs-wait", "Threshold", alarm(Threshold=99.0)),
    Drift("alarm jobs-wait", "AlarmActions", alarm(AlarmActions=[])),
    Drift("alarm jobs-wait", "TreatMissingData", alarm(TreatMissingData="breaching")),
    Drift(
        "alarm jobs-wait", "Dimensions[ClusterName].Value", alarm(Dimensions=[{"Name": "ClusterName", "Value": "x"}])
    ),
    Drift(
        "alarm no-work", "ActionsEnabled", lambda c: c.cloudwatch.disable_alarm_actions(AlarmNames=[f"{PREFIX}no-work"])
    ),
    Drift("alarm no-work", "", lambda c: c.cloudwatch.delete_alarms(AlarmNames=[f"{PREFIX}no-work"]), Outcome.CREATED),
    Drift("role worker", "trust.Statement", trust),
    Drift("role execution", "policy.Statement[All]", allow_all),
    Drift(
        "role master",
        "policy",
        lambda c: c.iam.delete_role_policy(RoleName=role_name("master"), PolicyName=role.POLICY),
    ),
    Drift("instance-profile machine", "role", without_role),
    Drift("auto-scaling-group workers", "MaxSize", group(MaxSize=50)),
    Drift("auto-scaling-group workers", "HealthCheckGracePeriod", group(HealthCheckGracePeriod=5)),
    Drift("auto-scaling-group workers", "LaunchTemplate.Version", first_version),
    Drift(
        "auto-scaling-group workers",
        "SuspendedProcesses",
        lambda c: c.autoscaling.suspend_processes(AutoScalingGroupName=f"{PREFIX}workers", ScalingProcesses=["Launch"]),
    ),
    Drift("launch-template worker", "InstanceType", template(described=False)),
    Drift("launch-template worker", "InstanceType", template(described=True)),
    Drift(
        "log-group logs",
        "retention_days",
        lambda c: c.logs.put_retention_policy(logGroupName="/hfecs/hyperflow", retentionInDays=1),
    ),
    Drift(
        "log-group logs", "retention_days", lambda c: c.logs.delete_retention_policy(logGroupName="/hfecs/hyperflow")
    ),
    Drift("scalable-target worker", "MaxCapacity", target(MaxCapacity=77)),
    Drift(
        "scalable-target worker",
        "SuspendedState.DynamicScalingOutSuspended",
        target(SuspendedState={**NOTHING_SUSPENDED, "DynamicScalingOutSuspended": True}),
    ),
    Drift("scaling-policy more", "StepAdjustments", machines_more),
    Drift("service-scaling-policy more", "Cooldown", workers_more, follows={"alarm jobs-wait"}),
    Drift("service worker", "taskDefinition", other_tasks),
    Drift("service worker", "placementConstraints", service("worker", placementConstraints=[])),
    Drift("service master", "placementConstraints", service("master", placementConstraints=[])),
    Drift(
        "service worker",
        "deploymentConfiguration",
        service("worker", deploymentConfiguration={"minimumHealthyPercent": 100, "maximumPercent": 200}),
    ),
    Drift("task-definition worker", "", drop_revision, Outcome.CREATED, {"service worker"}),
    Drift("ecs-cluster cluster", "insights", insights),
    Drift("secret-parameter access-key", "value", another_secret),
    Drift(
        "instance master",
        "SecurityGroupIds",
        lambda c: c.ec2.modify_instance_attribute(InstanceId=master(c), Groups=[group_id(c, "members")]),
    ),
    Drift(
        "instance master",
        "MetadataOptions.HttpTokens",
        metadata_without_token,
    ),
    Drift("instance master", "State", lambda c: c.ec2.stop_instances(InstanceIds=[master(c)])),
    Drift("bucket hfecs-drift", "public access block.BlockPublicPolicy", open_bucket),
    Drift("bucket hfecs-drift", "encryption.Rules", other_key),
    Drift("bucket hfecs-drift", "policy.Statement[TlsOnly].Effect", public_policy),
    Drift("ingress", "", no_way_in, Outcome.CREATED),
]


@pytest.fixture(scope="module")
def lasting(opened_cloud: WatchedCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A cluster with its monitoring that stands for all tests of this module: each of them mends what it broke."""
    with pytest.MonkeyPatch.context() as patch:
        mend_moto(patch)
        shrink_moto(patch)
        with empty_aws():
            opened_cloud.forget()
            state = State.load(tmp_path_factory.mktemp("drift") / "hfecs.state.json")
            monitoring.up(stack_of(opened_cloud, state, monitoring.STACK), configuration())
            stack = stack_of(opened_cloud, state)
            make(stack)
            yield stack
            with nothing_changes(opened_cloud):  # what the last left; the others are seen in the plans of the next
                assert done(make(again(stack))) == {}


def make(stack: Stack) -> Stack:
    """The cluster, and a bucket, which the runs have."""
    cluster.up(stack, CONFIGURED)
    bucket.ensure(stack, BUCKET, policy=TLS_ONLY)
    return stack


def done(stack: Stack) -> dict[str, tuple[Outcome, list[str]]]:
    """What a plan or an up did that is worth telling: outcome and fields by resource."""
    return {
        f"{step.kind} {step.name}": (step.outcome, [change.field for change in step.changes])
        for step in steps(stack)
        if step.outcome is not Outcome.UNCHANGED
    }


@pytest.mark.parametrize("drift", TABLE, ids=str)
def test_the_plan_names_what_somebody_changed_and_up_mends_only_that(lasting: Stack, drift: Drift) -> None:
    cloud = lasting.cloud
    assert isinstance(cloud, WatchedCloud)
    drift.by_hand(cloud)

    with nothing_changes(cloud):
        planned = done(make(again(lasting, plan=True)))
    mended = done(make(again(lasting)))

    assert planned == mended
    (changed,) = [name for name in planned if name not in drift.follows]
    outcome, fields = planned[changed]
    assert (changed.startswith(drift.resource), outcome) == (True, drift.outcome)
    assert [found for found in fields if not found.startswith(drift.path)] == []
    assert len(fields) == (drift.outcome is Outcome.CHANGED) or drift.path in ("trust.Statement", "encryption.Rules")


def test_a_revision_that_somebody_made_and_nothing_uses_is_left_alone(lasting: Stack) -> None:
    cloud = lasting.cloud
    assert isinstance(cloud, WatchedCloud)
    revision_by_hand(cloud)

    with nothing_changes(cloud):
        assert done(make(again(lasting))) == {}
