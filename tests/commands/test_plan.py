"""What `hfecs plan` tells people and machines of a cluster that stands; each test leaves it as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.conftest import Hfecs
from hfecs.aws.clients import Cloud

ALARM = "hfecs-hyperflow-jobs-wait"
OLD = "hfecs-hyperflow-of-old"

pytestmark = pytest.mark.usefixtures("lasting")


@pytest.fixture
def disabled(lasting: Path, server: Cloud) -> Iterator[None]:
    """The actions of an alarm are switched off by hand."""
    server.cloudwatch.disable_alarm_actions(AlarmNames=[ALARM])
    yield
    server.cloudwatch.enable_alarm_actions(AlarmNames=[ALARM])


@pytest.fixture
def orphan(lasting: Path, server: Cloud) -> Iterator[None]:
    """An alarm with the tags of this cluster that nothing configures."""
    tags = {"hfecs:cluster": "hyperflow", "hfecs:stack": "cluster", "hfecs:name": "of-old"}
    server.cloudwatch.put_metric_alarm(
        AlarmName=OLD,
        MetricName="QueueLength",
        Namespace="hyperflow",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    yield
    server.cloudwatch.delete_alarms(AlarmNames=[OLD])


def test_without_changes_the_detailed_exit_code_is_0(hfecs: Hfecs) -> None:
    assert hfecs("plan", "--detailed-exitcode").code == 0


def test_with_changes_the_detailed_exit_code_is_2_and_the_plain_one_0(hfecs: Hfecs) -> None:
    assert hfecs("plan", "--asg-max", "9", "--detailed-exitcode").code == 2
    assert hfecs("plan", "--asg-max", "9").code == 0


@pytest.mark.parametrize("broken", ["scaling.asg_max=many", "cluster.ami_id=ami-0badbad"])
def test_an_error_has_the_detailed_exit_code_1(hfecs: Hfecs, broken: str) -> None:
    detailed, plain = (hfecs("--set", broken, "plan", *flags) for flags in (["--detailed-exitcode"], []))

    assert (detailed.code, plain.code) == (1, 2)
    assert "error: " in detailed.talk
    assert detailed.talk == plain.talk


@pytest.mark.usefixtures("disabled")
def test_what_was_changed_by_hand_is_told_to_people(hfecs: Hfecs) -> None:
    answer = hfecs("plan", "--detailed-exitcode")

    assert answer.code == 2
    assert "~ alarm jobs-wait  ActionsEnabled: False -> True" in answer.data
    assert "Plan for cluster hyperflow: 0 to create, 1 to change" in answer.data
    assert answer.talk == ""


@pytest.mark.usefixtures("disabled")
def test_what_was_changed_by_hand_is_a_document_for_machines(hfecs: Hfecs) -> None:
    document = json.loads(hfecs("plan", "--json").data)

    assert document["summary"].pop("unchanged") > 20
    assert document == {
        "schema": 1,
        "cluster": "hyperflow",
        "region": "us-east-1",
        "changes": True,
        "summary": {"create": 0, "update": 1, "replace": 0, "delete": 0, "orphan": 0},
        "resources": [
            {
                "stack": "cluster",
                "action": "update",
                "kind": "alarm",
                "name": "jobs-wait",
                "id": ALARM,
                "interrupts": None,
                "fields": [{"path": "ActionsEnabled", "old": False, "new": True, "replaces": False}],
            }
        ],
    }


def test_what_is_replaced_is_told_with_what_that_interrupts_and_what_follows_from_it(hfecs: Hfecs) -> None:
    document = json.loads(hfecs("plan", "--instance-type", "t2.small", "--json").data)

    entries = {f"{entry['kind']} {entry['name']}": entry for entry in document["resources"]}
    machine = entries["instance master"]
    assert (machine["action"], machine["interrupts"].partition(":")[0]) == ("replace", "replaces the broker's machine")
    assert {"path": "InstanceType", "old": "t2.micro", "new": "t2.small", "replaces": True} in machine["fields"]
    assert entries["launch-template worker"]["action"] == "update"
    (used,) = entries["service worker"]["fields"]
    assert (used["path"], used["new"]) == ("taskDefinition", "(known after up)")


@pytest.mark.usefixtures("orphan")
def test_what_nothing_configures_is_shown_and_is_no_change(hfecs: Hfecs) -> None:
    answer = hfecs("plan", "--detailed-exitcode", "--json")

    assert answer.code == 0
    assert "· alarm of-old  belongs to this cluster, but is no longer configured" in answer.talk
    (entry,) = json.loads(answer.data)["resources"]
    assert (entry["action"], entry["kind"], entry["id"]) == ("orphan", "alarm", OLD)


def test_a_change_in_place_is_made_without_a_question(lasting: Path, hfecs: Hfecs) -> None:
    changed = hfecs("cluster", "up", "--asg-max", "9")
    back = hfecs("cluster", "up")

    assert (changed.code, back.code) == (0, 0)
    assert "~ auto-scaling-group workers  MaxSize: 5 -> 9" in changed.talk
