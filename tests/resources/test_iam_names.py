"""IAM takes names that differ in case only for the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hfecs.errors import NotOurs
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from hfecs.provisioning.teardown import remove
from hfecs.resources import instance_profile, role
from support import WatchedCloud, nothing_changes, stack_of, steps

TRUST = {"Version": "2012-10-17", "Statement": []}


def make_role(stack: Stack) -> None:
    role.ensure(stack, "machine", trust=TRUST)


def make_profile(stack: Stack) -> None:
    make_role(stack_of(stack.cloud, stack.state, cluster="ab"))
    instance_profile.ensure(stack, "machine", role="hfecs-ab-us-east-1-machine")


@pytest.mark.parametrize("make", [make_role, make_profile])
def test_a_cluster_whose_name_differs_in_case_only_is_refused_at_once(
    cloud: WatchedCloud, state: State, make: Callable[[Stack], None]
) -> None:
    make(stack_of(cloud, state, cluster="ab"))

    with nothing_changes(cloud), pytest.raises(NotOurs, match="hfecs-ab-us-east-1-machine"):
        make(stack_of(cloud, state, cluster="Ab"))


def test_the_roles_of_the_other_cluster_stay_when_one_is_removed(cloud: WatchedCloud, state: State) -> None:
    make_profile(stack_of(cloud, state, cluster="ab"))
    later = stack_of(cloud, state, cluster="Ab")

    with nothing_changes(cloud):
        remove(later, [[instance_profile], [role]])

    assert steps(later) == []
