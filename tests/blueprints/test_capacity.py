"""What does not fit is said before anything is created, with the numbers."""

from __future__ import annotations

from typing import Any

import pytest

from blueprints.test_cluster import up
from hfecs.aws.machine_types import MachineType
from hfecs.blueprints import capacity
from hfecs.errors import ConfigurationInvalid
from hfecs.provisioning.report import Recorder
from hfecs.provisioning.stack import Stack
from support import WatchedCloud, again, configuration, nothing_changes

MICRO = MachineType("t2.micro", 1, 1024, "x86_64")
NANO = MachineType("t3.nano", 2, 512, "x86_64")
BURSTABLE = MachineType("t3.micro", 2, 1024, "x86_64")


def notes(stack: Stack) -> list[str]:
    """What the user was told besides."""
    assert isinstance(stack.reporter, Recorder)
    return stack.reporter.notes


@pytest.mark.parametrize(
    ("memory", "with_metrics", "fits"), [(952, False, True), (953, False, False), (904, True, True), (905, True, False)]
)
def test_a_worker_has_what_the_kernel_the_agent_and_telegraf_leave(memory: int, with_metrics: bool, fits: bool) -> None:
    config = configuration(worker__memory=memory)

    if fits:
        capacity.refuse_too_small(config, MICRO, with_metrics=with_metrics)
        return
    with pytest.raises(ConfigurationInvalid, match=rf"worker\.memory is {memory} MiB.* offers about 952") as refused:
        capacity.refuse_too_small(config, MICRO, with_metrics=with_metrics)
    assert "larger cluster.instance_type" in refused.value.hint


def test_an_engine_that_does_not_fit_is_said_before_its_machine_is_waited_for() -> None:
    with pytest.raises(ConfigurationInvalid, match=r"The runner needs 512 MiB, and t3\.nano offers about 476"):
        capacity.refuse_too_small(configuration(worker__memory=128), NANO, with_metrics=False)


def test_a_broker_of_ones_own_needs_no_memory_on_the_master() -> None:
    own: dict[str, Any] = {"broker__amqp_url": "amqp://me:secret@broker.example.org:5672"}

    assert capacity._reserved("master", configuration(**own)) < capacity._reserved("master", configuration())


def test_a_quota_without_room_for_one_worker_is_refused_before_anything_is_created(
    stack: Stack, cloud: WatchedCloud
) -> None:
    cloud.answer("GetServiceQuota", Quota={"Value": 5.0})

    with (
        nothing_changes(cloud),
        pytest.raises(ConfigurationInvalid, match=r"5 vCPUs.* one worker of t3\.micro need 6") as refused,
    ):
        up(stack, cluster__instance_type="t3.micro")

    assert "t2.micro" in refused.value.hint


def test_a_quota_with_room_for_some_workers_is_noted_once(stack: Stack, cloud: WatchedCloud) -> None:
    cloud.answer("GetServiceQuota", Quota={"Value": 5.0})

    up(stack)
    later = again(stack)
    up(later)

    assert notes(stack) == [
        "The account may run 5 vCPUs of standard machines at a time (quota L-1216C47A): "
        "room for 3 workers of t2.micro, not for scaling.asg_max = 5."
    ]
    assert notes(later) == []
    assert len(cloud.calls_of("GetServiceQuota")) == 1


@pytest.mark.parametrize("code", ["AccessDeniedException", "NoSuchResourceException", "TooManyRequestsException"])
def test_a_quota_that_is_not_told_is_nobodys_business(stack: Stack, cloud: WatchedCloud, code: str) -> None:
    cloud.refuse("GetServiceQuota", code, times=20)

    up(stack)

    assert notes(stack) == []


def test_spot_machines_have_a_quota_of_their_own() -> None:
    assert capacity.refuse_beyond_quota(configuration(scaling__spot=True), BURSTABLE, 5) == ""


@pytest.mark.parametrize("name", ["g5.xlarge", "p4d.24xlarge", "inf1.xlarge", "trn1.2xlarge", "hpc6a.48xlarge"])
def test_machines_of_other_families_have_a_quota_of_their_own(name: str) -> None:
    assert capacity.refuse_beyond_quota(configuration(), MachineType(name, 96, 65_536, "x86_64"), 5) == ""
