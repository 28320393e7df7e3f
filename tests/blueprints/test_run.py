from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blueprints.leftovers import leftovers
from hfecs.blueprints import cluster
from hfecs.blueprints import run as run_blueprint
from hfecs.blueprints.lookahead import Ahead
from hfecs.errors import AwsFailed, ConfigurationInvalid, HfecsError, Misused, NotOurs
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from hfecs.resources import task
from hfecs.runs import lookup
from support import WatchedCloud, add_machine, again, configuration, nothing_changes, stack_of, steps

BUCKET = "hfecs-files"


def start(runs: Stack, stack: Stack, job: Path, name: str = "one", **changes: Any) -> run_blueprint.Run:
    return run_blueprint.up(
        runs, again(stack), configuration(**changes), run=run_blueprint.Run(name, BUCKET), directory=job
    )


def living(stack: Stack) -> list[str]:
    """Names of the machines that run."""
    filters: Any = [{"Name": "instance-state-name", "Values": ["running"]}]
    answer = stack.cloud.ec2.describe_instances(Filters=filters)
    instances = [instance for group in answer["Reservations"] for instance in group["Instances"]]
    tags = [{tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])} for instance in instances]
    return sorted(tag["hfecs:name"] for tag in tags if "hfecs:name" in tag)


def terminate(stack: Stack, name: str) -> None:
    """End a machine from outside."""
    filters: Any = [{"Name": "tag:hfecs:name", "Values": [name]}]
    (reservation,) = stack.cloud.ec2.describe_instances(Filters=filters)["Reservations"]
    stack.cloud.ec2.terminate_instances(InstanceIds=[reservation["Instances"][0]["InstanceId"]])


def test_a_run_has_its_bucket_files_machine_and_task(runs: Stack, stack: Stack, cloud: WatchedCloud, job: Path) -> None:
    cloud.forget()

    run = start(runs, stack, job)

    assert {f"{step.kind} {step.name}" for step in steps(runs)} == {
        f"bucket {BUCKET}",
        "task-definition runner",
        "instance runner-one",
        "job-files job",
        "task one",
    }
    assert runs.outputs() == {"run": "one", "bucket": BUCKET, "task": run.task, "attempt": "1", "begun": ""}
    assert living(stack) == ["master", "runner-one"]


def test_the_machine_of_a_run_ends_itself_and_the_engine_on_it_knows_its_run(
    runs: Stack, stack: Stack, cloud: WatchedCloud, job: Path
) -> None:
    cloud.forget()

    start(runs, stack, job)

    (machine,), (started,) = cloud.calls_of("RunInstances"), cloud.calls_of("RunTask")
    launched = runs.state.records(run_blueprint.STACK)
    (instance_id,) = (record.id for record in launched if record.name == "runner-one")
    assert machine["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert "HFECS_END_WITH_TASK=true" in machine["UserData"]
    assert environment_of(cloud).items() >= {("RUN_ID", "one"), ("BUCKET", BUCKET), ("RETRIES", "2")}
    (constraint,) = started["placementConstraints"]
    assert constraint["expression"] == f"attribute:hfecs.role == runner and ec2InstanceId == {instance_id}"


def test_two_runs_and_an_attempt_that_follows_have_a_machine_each(
    runs: Stack, stack: Stack, cloud: WatchedCloud, job: Path
) -> None:
    start(runs, stack, job)
    start(again(runs), stack, job, name="two")
    resumed = run_blueprint.Run("one", BUCKET, attempt=2)
    run_blueprint.forget(again(runs), run_blueprint.Run("one", BUCKET))
    terminate_task(runs)

    run_blueprint.up(again(runs), again(stack), configuration(), run=resumed, directory=job)

    expressions = [call["placementConstraints"][0]["expression"] for call in cloud.calls_of("RunTask")]
    ids = [re.findall(r"ec2InstanceId == (i-\w+)$", expression) for expression in expressions]
    assert len({tuple(found) for found in ids}) == 3
    assert all(ids)


def terminate_task(runs: Stack) -> None:
    """Stop the tasks of all runs."""
    for found in task.survey(again(runs)):
        runs.cloud.ecs.stop_task(cluster=runs.ecs_cluster, task=found.id)


def test_a_second_run_shares_the_bucket_and_sends_nothing_twice(
    runs: Stack, stack: Stack, cloud: WatchedCloud, job: Path
) -> None:
    start(runs, stack, job)
    cloud.forget()

    start(again(runs), stack, job, name="two")

    assert sorted(cloud.changing()) == ["CreateTags", "PutObject", "RunInstances", "RunTask"]
    assert cloud.calls_of("PutObject")[0]["Key"] == "runs/two/files.json"


def interrupt(_: Ahead) -> Callable[[], dict[str, str]]:
    """Press Ctrl-C when the machine has been launched."""
    raise KeyboardInterrupt


def start_and_interrupt(runs: Stack, stack: Stack, job: Path) -> None:
    run = run_blueprint.Run("one", BUCKET)
    with pytest.raises(KeyboardInterrupt):
        run_blueprint.up(runs, again(stack), configuration(), run=run, directory=job, announce=interrupt)


def test_a_start_that_was_interrupted_goes_on_on_its_machine(runs: Stack, stack: Stack, job: Path) -> None:
    start_and_interrupt(runs, stack, job)

    left = run_blueprint.interrupted(again(runs), BUCKET, job)
    assert left == "one"
    run = start(again(runs), stack, job, name=left)

    assert living(stack) == ["master", "runner-one"]
    assert runs.outputs()["task"] == run.task
    assert run_blueprint.interrupted(again(runs), BUCKET, job) is None


def test_a_start_that_was_interrupted_is_not_taken_for_another_one(runs: Stack, stack: Stack, job: Path) -> None:
    start_and_interrupt(runs, stack, job)

    assert run_blueprint.interrupted(again(runs), "another", job) is None
    assert run_blueprint.interrupted(again(runs), BUCKET, job.with_name("another")) is None
    terminate(stack, "runner-one")
    assert run_blueprint.interrupted(again(runs), BUCKET, job) is None


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("CreateBucket", "BucketAlreadyExists"),
        ("PutBucketPolicy", "AccessDenied"),
        ("RegisterTaskDefinition", "ClientException"),
        ("RunInstances", "VcpuLimitExceeded"),
        ("PutObject", "AccessDenied"),
        ("RunTask", "AccessDeniedException"),
    ],
)
def test_a_run_that_cannot_start_leaves_no_machine_and_asks_for_workers_last(
    runs: Stack, stack: Stack, cloud: WatchedCloud, job: Path, operation: str, code: str
) -> None:
    announced: list[Ahead] = []

    def announce(ahead: Ahead) -> Callable[[], dict[str, str]]:
        announced.append(ahead)
        return dict

    cloud.forget()
    cloud.refuse(operation, code, "no", times=5)
    with pytest.raises((HfecsError, ExceptionGroup)):
        run_blueprint.up(
            runs, again(stack), configuration(), run=run_blueprint.Run("one", BUCKET), directory=job, announce=announce
        )

    assert living(stack) == ["master"]
    assert run_blueprint.interrupted(again(runs), BUCKET, job) is None
    assert [record.name for record in runs.records if record.kind == "instance"] == []
    assert bool(announced) == (operation in {"PutObject", "RunTask"})
    if operation in {"CreateBucket", "PutBucketPolicy", "RegisterTaskDefinition"}:
        assert cloud.calls_of("RunInstances") == []


def test_a_bucket_of_somebody_else_is_refused_before_anything_is_created(
    runs: Stack, stack: Stack, cloud: WatchedCloud, job: Path
) -> None:
    stack.cloud.s3.create_bucket(Bucket=BUCKET)

    with nothing_changes(cloud), pytest.raises(NotOurs, match="does not carry the tags"):
        start(runs, stack, job)


def test_a_machine_that_cannot_be_ended_is_named_beside_what_failed_first(
    runs: Stack, stack: Stack, cloud: WatchedCloud, job: Path
) -> None:
    cloud.refuse("RunTask", "AccessDeniedException", "not authorized")
    cloud.refuse("TerminateInstances", "UnauthorizedOperation", "not allowed to terminate")

    with pytest.raises(AwsFailed, match="not authorized"):
        start(runs, stack, job)

    (failure,) = (step for step in steps(runs) if step.kind == "instance" and step.outcome == Outcome.FAILED)
    assert "not allowed to terminate" in failure.detail
    assert [record.name for record in runs.records if record.kind == "instance"] == ["runner-one"]


def test_a_run_without_a_cluster_is_refused_and_makes_nothing(stack: Stack, cloud: WatchedCloud, job: Path) -> None:
    runs = stack_of(stack.cloud, stack.state, run_blueprint.STACK)

    with nothing_changes(cloud), pytest.raises(Misused, match="no cluster hyperflow in us-east-1") as raised:
        start(runs, stack, job)

    assert "hfecs cluster up" in raised.value.hint


def test_a_run_without_images_is_refused_before_anything_is_made(stack: Stack, cloud: WatchedCloud, job: Path) -> None:
    with nothing_changes(cloud), pytest.raises(ConfigurationInvalid, match=r"images\.worker"):
        start(stack, stack, job, images__worker=None)


def test_the_last_run_is_known_by_the_state_file(runs: Stack, stack: Stack, job: Path) -> None:
    run = start(runs, stack, job)

    assert lookup.latest(again(runs), None) == run
    assert lookup.latest(again(runs), "one") == run


def test_a_run_that_somebody_else_started_is_found_by_its_task(runs: Stack, stack: Stack, job: Path) -> None:
    run = start(runs, stack, job)
    elsewhere = again(runs, state=State.load(runs.state.document.path.with_name("elsewhere")))

    assert lookup.latest(elsewhere, None) == run
    assert lookup.latest(elsewhere, "one") == run


@pytest.mark.parametrize(("name", "which"), [(None, "No run was found"), ("two", "Run two was not found")])
def test_a_run_that_is_not_there_is_misuse(runs: Stack, name: str | None, which: str) -> None:
    with pytest.raises(Misused, match=which):
        lookup.latest(runs, name)


def test_a_run_can_be_stopped(runs: Stack, stack: Stack, job: Path) -> None:
    run = start(runs, stack, job)

    run_blueprint.stop(again(runs), run)

    tasks = stack.cloud.ecs.describe_tasks(cluster="hfecs-hyperflow-cluster", tasks=[run.task])["tasks"]
    assert [stopped["lastStatus"] for stopped in tasks] == ["STOPPED"]


def test_a_run_that_has_ended_is_forgotten_with_its_machine(runs: Stack, stack: Stack, job: Path) -> None:
    run = start(runs, stack, job)

    run_blueprint.forget(again(runs), run)

    assert {record.kind for record in runs.state.records(run_blueprint.STACK)} == {
        "bucket",
        "task-definition",
    }


def test_down_removes_all_runs_and_keeps_their_data(runs: Stack, stack: Stack, cloud: WatchedCloud, job: Path) -> None:
    start(runs, stack, job)
    start(again(runs), stack, job, name="two")

    run_blueprint.down(again(runs), with_data=False)

    assert living(stack) == ["master"]
    assert [name for name in leftovers(cloud) if "bucket" in name or "runner" in name] == [
        "role: arn:aws:iam::123456789012:role/hfecs/hyperflow/hfecs-hyperflow-us-east-1-runner",
        f"bucket: {BUCKET}",
    ]
    with nothing_changes(cloud):
        cluster.up(again(stack), configuration())


@pytest.mark.parametrize("lost", [False, True], ids=["with the state file", "without it"])
def test_down_with_data_and_the_cluster_leaves_nothing(
    runs: Stack, stack: Stack, cloud: WatchedCloud, job: Path, lost: bool
) -> None:
    start(runs, stack, job)
    state = State.load(stack.state.document.path.with_name("empty")) if lost else stack.state

    run_blueprint.down(again(runs, state=state), with_data=True)
    cluster.down(again(stack, state=state))

    assert leftovers(cloud) == []


def test_rights_are_limited_to_the_bucket_of_the_run(runs: Stack, stack: Stack, job: Path) -> None:
    start(runs, stack, job)

    policy = json.loads(stack.cloud.s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    allowing = [statement for statement in policy["Statement"] if statement["Effect"] == "Allow"]
    role = "arn:aws:iam::123456789012:role/hfecs/hyperflow/hfecs-hyperflow-us-east-1"
    assert {one["Principal"]["AWS"] for one in allowing} == {f"{role}-worker", f"{role}-runner"}
    assert {one["Resource"] for one in allowing} == {f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"}


def test_the_roles_of_a_cluster_do_not_grow_with_the_number_of_buckets(runs: Stack, stack: Stack, job: Path) -> None:
    def inline_policies() -> dict[str, list[str]]:
        iam = stack.cloud.iam
        roles = [role["RoleName"] for role in iam.list_roles(PathPrefix="/hfecs/hyperflow/")["Roles"]]
        return {role: iam.list_role_policies(RoleName=role)["PolicyNames"] for role in roles}

    before = inline_policies()

    start(runs, stack, job)
    second = run_blueprint.Run("two", "another-bucket")
    run_blueprint.up(again(runs), again(stack), configuration(), run=second, directory=job)

    assert inline_policies() == before, "a role takes 10,240 characters of them, which were used up by 29 buckets"


def test_names_of_runs_tell_when_they_began_and_differ() -> None:
    names = {run_blueprint.new_name() for _ in range(20)}

    assert len(names) == 20
    assert all(re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", name) for name in names)


def test_where_the_cluster_looks_ahead_a_run_is_announced_when_its_machine_is_launched_and_its_engine_knows(
    runs: Stack, stack: Stack, cloud: WatchedCloud, job: Path
) -> None:
    told: list[tuple[Ahead, list[str]]] = []

    def announce(ahead: Ahead) -> Callable[[], dict[str, str]]:
        told.append((ahead, cloud.changing()))
        return lambda: {"BEGAN": "12.5", "ORDERED": "3"}

    cloud.forget()
    run_blueprint.up(
        runs, again(stack), configuration(), run=run_blueprint.Run("one", BUCKET), directory=job, announce=announce
    )

    (known, before), *rest = told
    assert rest == []
    assert "RunInstances" in before
    assert "PutObject" not in before
    assert "RunTask" not in before
    assert known == Ahead(
        "hyperflow", period=10, slots=1, most=5, boot_seconds=150, workers=0, alarm="hfecs-hyperflow-jobs-wait"
    )
    assert environment_of(cloud).items() >= {
        ("CLUSTER_NAME", "hyperflow"),
        ("DEMAND_PERIOD", "10"),
        ("SLOTS", "1"),
        ("MACHINES", "5"),
        ("BOOT_SECONDS", "150"),
        ("BEGAN", "12.5"),
        ("ORDERED", "3"),
    }


def test_where_no_alarm_looks_ahead_nothing_is_announced(stack: Stack, cloud: WatchedCloud, job: Path) -> None:
    cluster.up(stack, configuration(scaling__metric="backlog"))
    add_machine(stack)
    runs = stack_of(stack.cloud, stack.state, run_blueprint.STACK)

    def announce(ahead: Ahead) -> Any:
        raise AssertionError(ahead)

    run_blueprint.up(
        runs, again(stack), configuration(), run=run_blueprint.Run("one", BUCKET), directory=job, announce=announce
    )

    assert not {"CLUSTER_NAME", "DEMAND_PERIOD", "BEGAN"} & set(environment_of(cloud))


def environment_of(cloud: WatchedCloud) -> dict[str, str]:
    """What the engine of the one run was told."""
    (started,) = cloud.calls_of("RunTask")
    return {pair["name"]: pair["value"] for pair in started["overrides"]["containerOverrides"][0]["environment"]}
