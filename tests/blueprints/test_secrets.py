"""What is the user's own secret stands in SSM, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hfecs.blueprints import broker, cluster
from hfecs.blueprints import run as run_blueprint
from hfecs.errors import AwsFailed
from hfecs.provisioning.stack import Stack
from hfecs.resources import parameter, task_definition
from standing import stands
from support import WatchedCloud, add_machine, again, configuration, nothing_changes, stack_of, steps, write_job

PASSWORD, KEY, SECRET_KEY = "pass-word-of-the-broker", "AKIA-OF-THE-USER", "secret-key-of-the-user"
URL = f"amqp://me:{PASSWORD}@rabbit.example.org:5673"
OWN = {
    "broker__amqp_url": URL,
    "aws__task_access_key": KEY,
    "aws__task_secret_access_key": SECRET_KEY,
}


def secrets_of(cloud: WatchedCloud) -> dict[str, str]:
    answer = cloud.ssm.get_parameters_by_path(Path="/hfecs/hyperflow", WithDecryption=True)
    return {one["Name"].rpartition("/")[2]: one["Value"] for one in answer["Parameters"]}


def definition(stack: Stack, part: str) -> Any:
    return stack.cloud.ecs.describe_task_definition(taskDefinition=f"hfecs-hyperflow-{part}")["taskDefinition"]


def run(stack: Stack, folder: Path, name: str = "one", **changes: Any) -> Stack:
    add_machine(stack)
    runs, job = stack_of(stack.cloud, stack.state, run_blueprint.STACK), write_job(folder / name)
    config = configuration(**changes)
    run_blueprint.up(runs, again(stack), config, run=run_blueprint.Run(name, "files-1"), directory=job)
    return runs


@pytest.mark.parametrize("secret", [PASSWORD, KEY, SECRET_KEY])
def test_a_secret_is_told_to_ssm_and_to_nobody_else(
    secret: str, stack: Stack, cloud: WatchedCloud, tmp_path: Path
) -> None:
    stands(stack, **OWN)
    runs = run(stack, tmp_path, **OWN)

    told = {call.operation for call in cloud.calls if secret in str(call.arguments)}
    assert told == {"PutParameter"}
    assert secret not in stack.state.document.path.read_text()
    assert secret not in str([*steps(stack), *steps(runs)])
    assert secret not in str([definition(stack, part) for part in ("master", "worker", "runner")])
    assert secret not in repr(configuration(**OWN))


def test_secrets_are_kept_encrypted(stack: Stack, cloud: WatchedCloud) -> None:
    stands(stack, **OWN)

    assert {call["Type"] for call in cloud.calls_of("PutParameter")} == {"SecureString"}


def test_the_same_secrets_again_change_nothing(stack: Stack, cloud: WatchedCloud) -> None:
    stands(stack, **OWN)

    with nothing_changes(cloud):
        cluster.up(again(stack), configuration(**OWN))


def test_another_secret_replaces_the_old_one_and_neither_is_shown(stack: Stack, cloud: WatchedCloud) -> None:
    stands(stack, **OWN)
    later = again(stack)

    cluster.up(later, configuration(**OWN | {"aws__task_secret_access_key": "another-one"}))

    assert secrets_of(cloud)["secret-access-key"] == "another-one"
    (step,) = (step for step in steps(later) if step.name == "secret-access-key")
    assert step.detail == "value: another -> as configured"


def test_secrets_that_are_not_configured_any_more_are_deleted(stack: Stack, cloud: WatchedCloud) -> None:
    stands(stack, **OWN)

    cluster.up(again(stack), configuration())

    assert set(secrets_of(cloud)) == {"broker-password"}
    assert "S3_ACCESS_KEY_ID" not in str(definition(stack, "worker"))


def test_the_keys_are_for_s3_only_so_that_all_other_calls_are_signed_with_the_role(
    stack: Stack, tmp_path: Path
) -> None:
    stands(stack, **OWN)
    run(stack, tmp_path)

    for part in ("worker", "runner"):
        (container,) = definition(stack, part)["containerDefinitions"]
        names = {pair["name"] for pair in [*container["secrets"], *container["environment"]]}
        assert {"S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"} <= names
        assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} & names == set()


def test_a_plan_neither_writes_nor_deletes_a_secret(stack: Stack, cloud: WatchedCloud) -> None:
    stands(stack, **OWN)

    with nothing_changes(cloud):
        cluster.up(again(stack, plan=True), configuration(**OWN | {"aws__task_access_key": "another"}))
        cluster.up(again(stack, plan=True), configuration())


def test_a_broker_of_ones_own_takes_the_place_of_that_on_the_master(stack: Stack) -> None:
    stands(stack, **OWN)

    (notifier,) = definition(stack, "master")["containerDefinitions"]
    environment = {pair["name"]: pair["value"] for pair in notifier["environment"]}
    assert notifier["name"] == "notifier"
    assert environment["AMQP_URL"] == "amqp://rabbit.example.org:5673"
    assert environment["MANAGEMENT_URL"] == "http://rabbit.example.org:15672"


def test_a_run_talks_to_the_broker_of_its_cluster_without_being_told(stack: Stack, tmp_path: Path) -> None:
    stands(stack, **OWN)

    run(stack, tmp_path)

    worker, engine = (broker.of_task(definition(stack, part)) for part in ("worker", "runner"))
    assert engine == worker
    assert broker.access_keys_of(definition(stack, "runner")) == broker.access_keys_of(definition(stack, "worker"))


def test_a_run_may_have_a_broker_of_its_own_whose_password_goes_with_the_runs(
    stack: Stack, cloud: WatchedCloud, tmp_path: Path
) -> None:
    stands(stack)

    runs = run(stack, tmp_path, broker__amqp_url=URL)

    engine = broker.of_task(definition(stack, "runner"))
    assert (engine.amqp_url, engine.user) == ("amqp://rabbit.example.org:5673", "me")
    assert secrets_of(cloud)["run-one-amqp-password"] == PASSWORD
    run_blueprint.down(again(runs), with_data=True)
    assert set(secrets_of(cloud)) == {"broker-password"}


def test_two_runs_with_brokers_of_their_own_have_a_password_each_until_they_end(
    stack: Stack, cloud: WatchedCloud, tmp_path: Path
) -> None:
    stands(stack)
    runs = run(stack, tmp_path, broker__amqp_url=URL)

    run(stack, tmp_path, name="two", broker__amqp_url="amqp://you:sesame@other.example.org:5673")

    assert secrets_of(cloud)["run-one-amqp-password"] == PASSWORD
    assert secrets_of(cloud)["run-two-amqp-password"] == "sesame"
    assert broker.of_task(definition(stack, "runner")).password.endswith("/run-two-amqp-password")
    run_blueprint.forget(again(runs), run_blueprint.Run("one", "files-1"))
    assert set(secrets_of(cloud)) == {"broker-password", "run-two-amqp-password"}


def test_a_run_that_cannot_start_leaves_no_secret(stack: Stack, cloud: WatchedCloud, tmp_path: Path) -> None:
    stands(stack)
    cloud.refuse("RunTask", "AccessDeniedException", "no")

    with pytest.raises(AwsFailed, match="AccessDenied"):
        run(stack, tmp_path, broker__amqp_url=URL)

    assert set(secrets_of(cloud)) == {"broker-password"}


def test_a_person_reaches_the_broker_of_the_cluster_by_its_public_address(stack: Stack, cloud: WatchedCloud) -> None:
    stands(stack)
    later = again(stack)
    filters: Any = [{"Name": "tag:hfecs:name", "Values": ["master"]}]
    (reservation,) = cloud.ec2.describe_instances(Filters=filters)["Reservations"]

    url = broker.for_people(later, configuration())

    password = parameter.read(later, broker.PASSWORD)
    assert url == f"amqp://hyperflow:{password}@{reservation['Instances'][0]['PublicIpAddress']}:5672"


def test_a_person_reaches_a_broker_elsewhere_also_when_only_the_cluster_was_told_of_it(stack: Stack) -> None:
    stands(stack, **OWN)

    assert broker.for_people(again(stack), configuration()) == URL


def test_jobs_in_containers_are_refused_by_a_cluster_that_was_made_without(stack: Stack, tmp_path: Path) -> None:
    stands(stack)

    with pytest.raises(Exception, match="The workers of cluster hyperflow may not run jobs in containers") as raised:
        run(stack, tmp_path, run__container="soykb:1")

    assert "hfecs cluster up --allow-containers" in getattr(raised.value, "hint", "")


def test_only_a_cluster_that_allows_containers_gives_its_workers_the_docker_socket(stack: Stack) -> None:
    stands(stack, worker__feature_download=True)
    without = task_definition.registered(again(stack), "worker")

    cluster.up(again(stack), configuration(worker__allow_containers=True))

    allowed = task_definition.registered(again(stack), "worker")
    assert "docker.sock" not in str(without)
    assert {volume["host"]["sourcePath"] for volume in allowed["volumes"]} == {
        "/var/run/docker.sock",
        "/var/lib/hfecs/jobs",
    }
    assert not any(container.get("privileged") for container in allowed["containerDefinitions"])
