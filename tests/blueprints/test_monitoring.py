from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from blueprints.leftovers import leftovers
from hfecs.blueprints import cluster, monitoring
from hfecs.blueprints import run as run_blueprint
from hfecs.errors import ConfigurationInvalid, NotConfirmed
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from hfecs.resources import parameter
from standing import stands
from support import (
    ME,
    WatchedCloud,
    add_machine,
    again,
    configuration,
    nothing_changes,
    outcomes,
    stack_of,
    steps,
    write_job,
)

NAME = "hfecs-hyperflow-monitoring"
INFLUX = "http://influx.example.org:8086/hyperflow_tests"


@pytest.fixture
def metrics(stack: Stack) -> Stack:
    """The monitoring's stack, beside that of the cluster."""
    return stack_of(stack.cloud, stack.state, monitoring.STACK)


def up(stack: Stack, **changes: Any) -> Stack:
    return stands(stack, **changes)


def address(stack: Stack) -> str:
    """The private address of the monitoring machine."""
    filters: Any = [{"Name": "tag:hfecs:name", "Values": ["monitoring"]}]
    machine = stack.cloud.ec2.describe_instances(Filters=filters)["Reservations"][0]["Instances"][0]
    return machine["PrivateIpAddress"]


def rules(stack: Stack, group: str = NAME) -> set[tuple[int, str]]:
    """Ports and sources of a security group; groups by the last part of their name."""
    groups = stack.cloud.ec2.describe_security_groups()["SecurityGroups"]
    names = {known["GroupId"]: known["GroupName"].rpartition("-")[2] for known in groups}
    (wanted,) = [known for known in groups if known["GroupName"] == group]
    found = set()
    for permission in wanted["IpPermissions"]:
        sources = [names[pair["GroupId"]] for pair in permission["UserIdGroupPairs"]]
        found |= {(permission["FromPort"], source) for source in sources}
        found |= {(permission["FromPort"], block["CidrIp"]) for block in permission["IpRanges"]}
    return found


def container(stack: Stack, family: str, name: str) -> Any:
    """A container of the latest task definition, with its environment and secrets by name."""
    answer = stack.cloud.ecs.describe_task_definition(taskDefinition=f"hfecs-hyperflow-{family}")
    (known,) = [one for one in answer["taskDefinition"]["containerDefinitions"] if one["name"] == name]
    environment = {pair["name"]: pair["value"] for pair in known["environment"]}
    secrets = {pair["name"]: pair["valueFrom"] for pair in known.get("secrets", [])}
    return {**known, "environment": environment, "secrets": secrets}


def start(stack: Stack, folder: Path, **changes: Any) -> None:
    """Start a run on the cluster."""
    add_machine(stack)
    runs, job = stack_of(stack.cloud, stack.state, run_blueprint.STACK), write_job(folder / "job")
    run_blueprint.up(
        runs, again(stack), configuration(**changes), run=run_blueprint.Run("one", "hfecs-files"), directory=job
    )


def services(stack: Stack) -> list[str]:
    """Names of the cluster's services; moto lists also those that were deleted."""
    ecs, name = stack.cloud.ecs, "hfecs-hyperflow-cluster"
    known = ecs.describe_services(cluster=name, services=ecs.list_services(cluster=name)["serviceArns"])["services"]
    return sorted(one["serviceName"].rpartition("-")[2] for one in known if one["status"] == "ACTIVE")


def test_the_monitoring_is_made_of_all_its_parts(metrics: Stack) -> None:
    up(metrics)

    assert outcomes(metrics) == {Outcome.CREATED}
    assert {f"{step.kind} {step.name}" for step in steps(metrics)} == {
        "service-linked-role ecs.amazonaws.com",
        *(f"role monitoring-{name}" for name in ("machine", "execution")),
        "instance-profile monitoring-machine",
        *(f"secret-parameter influxdb-{name}-password" for name in ("admin", "writer", "reader")),
        "secret-parameter grafana-password",
        "log-group logs",
        *(f"{kind} monitoring" for kind in ("security-group", "ecs-cluster", "instance", "task-definition", "service")),
    }


def test_a_second_up_makes_no_changing_call_even_with_a_lost_state_file(metrics: Stack, cloud: WatchedCloud) -> None:
    up(metrics)
    metrics.state.document.path.unlink()

    with nothing_changes(cloud):
        later = up(again(metrics, state=State.load(metrics.state.document.path)))

    assert outcomes(later) == {Outcome.UNCHANGED}


def test_a_plan_lists_everything_and_changes_nothing(metrics: Stack, cloud: WatchedCloud) -> None:
    with nothing_changes(cloud):
        plan = up(again(metrics, plan=True))

    up(metrics)
    listed, made = ({(step.kind, step.name) for step in steps(which)} for which in (plan, metrics))
    assert listed == made


def test_a_cluster_after_the_monitoring_lets_itself_in_and_nobody_else(stack: Stack, metrics: Stack) -> None:
    up(metrics)
    people = {(3000, ME), (8086, ME)}
    assert rules(stack) == people

    up(stack)

    assert rules(stack) == people | {(8086, "members"), (8086, "broker")}


def test_the_monitoring_after_a_cluster_lets_it_in_too(stack: Stack, metrics: Stack) -> None:
    up(stack)

    up(metrics)

    assert rules(stack) == {(3000, ME), (8086, ME), (8086, "members"), (8086, "broker")}


def test_beside_each_other_both_stay_as_they_are(stack: Stack, metrics: Stack, cloud: WatchedCloud) -> None:
    up(metrics)
    up(stack)

    with nothing_changes(cloud):
        later = [up(again(metrics)), up(again(stack))]

    assert [outcomes(which) for which in later] == [{Outcome.UNCHANGED}] * 2


def test_workers_and_notifier_are_told_where_the_monitoring_is(stack: Stack, metrics: Stack) -> None:
    up(metrics)
    up(stack, monitoring__period=5)

    for family, name in (("worker", "worker"), ("master", "notifier")):
        told = container(stack, family, name)
        assert told["environment"]["INFLUXDB_URL"] == f"http://{address(stack)}:8086/hyperflow_tests"
        assert told["environment"]["INFLUXDB_USER"] == "hyperflow"
        assert told["secrets"]["INFLUXDB_PASSWORD"].endswith("parameter/hfecs/hyperflow/influxdb-writer-password")
    assert container(stack, "master", "notifier")["environment"]["METRICS_PERIOD"] == "5"
    assert "INFLUXDB_URL" not in container(stack, "master", "broker")["environment"]


@pytest.mark.parametrize("first", [True, False])
def test_the_engine_of_a_run_is_told_whether_the_monitoring_or_the_cluster_came_first(
    stack: Stack, metrics: Stack, tmp_path: Path, first: bool
) -> None:
    for part in (metrics, stack) if first else (stack, metrics):
        up(part)

    start(stack, tmp_path)

    told = container(stack, "runner", "engine")
    assert told["environment"]["INFLUXDB_URL"] == f"http://{address(stack)}:8086/hyperflow_tests"
    assert told["secrets"]["INFLUXDB_PASSWORD"].endswith("/influxdb-writer-password")


def test_a_run_may_have_a_collector_of_its_own(stack: Stack, metrics: Stack, tmp_path: Path) -> None:
    up(metrics)
    up(stack)

    start(stack, tmp_path, run__metric_collector=INFLUX.replace("//", "//me:sesame@"))

    told = container(stack, "runner", "engine")
    assert (told["environment"]["INFLUXDB_URL"], told["environment"]["INFLUXDB_USER"]) == (INFLUX, "me")
    assert parameter.read(stack, "run-one-influxdb-password") == "sesame"


def test_telegraf_runs_on_each_machine_of_a_cluster_that_is_watched(stack: Stack, metrics: Stack) -> None:
    up(metrics)
    up(stack)

    cluster_name, service = "hfecs-hyperflow-cluster", "hfecs-hyperflow-telegraf"
    (known,) = stack.cloud.ecs.describe_services(cluster=cluster_name, services=[service])["services"]
    assert known["schedulingStrategy"] == "DAEMON"
    told = container(stack, "telegraf", "telegraf")
    assert told["environment"]["METRICS_SERVER"] == f"http://{address(stack)}:8086"
    assert "hyperflow_cpu_usage_ec2" in told["environment"]["TELEGRAF_CONFIG"]
    assert set(told["secrets"]) == {"INFLUXDB_PASSWORD"}


def test_without_monitoring_nobody_is_told_of_metrics(stack: Stack) -> None:
    up(stack)

    for family, name in (("worker", "worker"), ("master", "notifier")):
        told = container(stack, family, name)
        assert [key for key in (*told["environment"], *told["secrets"]) if "INFLUX" in key] == []
    assert services(stack) == ["master", "worker"]


def test_a_cluster_whose_monitoring_is_gone_forgets_it(stack: Stack, metrics: Stack) -> None:
    up(metrics)
    up(stack)
    monitoring.down(again(metrics))

    up(again(stack))

    assert services(stack) == ["master", "worker"]
    assert "INFLUXDB_URL" not in container(stack, "worker", "worker")["environment"]


def test_an_influxdb_of_ones_own_goes_before_and_its_password_is_a_secret(stack: Stack, metrics: Stack) -> None:
    up(metrics)

    up(stack, monitoring__influx_url=INFLUX.replace("//", "//me:se%2Fsame@"))

    told = container(stack, "worker", "worker")
    assert told["environment"]["INFLUXDB_URL"] == INFLUX
    assert told["environment"]["INFLUXDB_USER"] == "me"
    assert told["secrets"]["INFLUXDB_PASSWORD"].endswith("parameter/hfecs/hyperflow/influxdb-password")
    assert parameter.read(stack, "influxdb-password") == "se/same"
    assert "same" not in stack.state.document.path.read_text()
    assert rules(stack) == {(3000, ME), (8086, ME)}


def test_an_open_influxdb_needs_no_secret(stack: Stack) -> None:
    up(stack, monitoring__influx_url=INFLUX)

    told = container(stack, "worker", "worker")
    assert told["environment"]["INFLUXDB_URL"] == INFLUX
    assert "INFLUXDB_PASSWORD" not in told["secrets"]


def test_passwords_stand_in_no_task_definition_and_no_state_file(metrics: Stack) -> None:
    up(metrics)

    passwords = {parameter.read(metrics, name) for name in monitoring.PASSWORDS}
    definition = json.dumps(metrics.cloud.ecs.describe_task_definition(taskDefinition=NAME), default=str)
    assert len(passwords) == 4
    assert [
        password for password in passwords if password in definition + metrics.state.document.path.read_text()
    ] == []


def test_grafana_takes_no_strangers_and_starts_when_its_files_are_there(metrics: Stack) -> None:
    up(metrics)

    grafana = container(metrics, "monitoring", "grafana")
    assert grafana["environment"]["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert grafana["environment"]["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert {"containerName": "grafana-files", "condition": "SUCCESS"} in grafana["dependsOn"]
    assert not container(metrics, "monitoring", "grafana-files")["essential"]


def test_ports_and_machine_are_those_that_are_configured(stack: Stack, metrics: Stack) -> None:
    changes: Any = {"ports__grafana": 3333, "ports__influxdb": 8888, "monitoring__instance_type": "t2.small"}
    up(metrics, **changes)
    up(stack, **changes)

    assert rules(stack) == {(3333, ME), (8888, ME), (8888, "members"), (8888, "broker")}
    url = container(stack, "worker", "worker")["environment"]["INFLUXDB_URL"]
    assert url == f"http://{address(stack)}:8888/hyperflow_tests"
    machines = stack.cloud.ec2.describe_instances()["Reservations"]
    assert sorted(machine["Instances"][0]["InstanceType"] for machine in machines) == ["t2.micro", "t2.small"]


def test_another_machine_type_asks_first_because_the_metrics_would_be_lost(metrics: Stack) -> None:
    up(metrics)

    with pytest.raises(NotConfirmed, match="all metrics so far are lost"):
        up(again(metrics), monitoring__instance_type="t2.small")


def test_settings_of_workers_do_not_touch_the_machine(metrics: Stack) -> None:
    up(metrics)

    later = up(again(metrics), worker__stop_timeout=300, cluster__instance_type="m5.large")

    assert outcomes(later) == {Outcome.UNCHANGED}


def test_without_an_image_of_hfecs_nothing_is_begun(metrics: Stack, cloud: WatchedCloud) -> None:
    with nothing_changes(cloud), pytest.raises(ConfigurationInvalid, match=r"images\.hfecs\."):
        up(metrics, images__hfecs=None, images__worker=None)


@pytest.mark.parametrize("first", ["cluster", "monitoring"])
def test_both_can_be_removed_in_any_order_and_leave_nothing(stack: Stack, metrics: Stack, first: str) -> None:
    up(metrics)
    up(stack)
    parts = [(cluster, stack), (monitoring, metrics)]

    for part, made in parts if first == "cluster" else reversed(parts):
        part.down(again(made))

    assert leftovers(stack.cloud) == []


def test_down_leaves_the_cluster_alone(stack: Stack, metrics: Stack) -> None:
    up(metrics)
    up(stack)

    monitoring.down(again(metrics))

    assert services(stack) == ["master", "telegraf", "worker"]
    assert [name for name in leftovers(stack.cloud) if "monitoring" in name] == []
