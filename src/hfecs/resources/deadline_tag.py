"""Tags that tell a running machine outside the group its deadline and its idle limit."""

from __future__ import annotations

from collections.abc import Mapping

from hfecs.aws.tags import ENDS_TAG, pairs
from hfecs.provisioning.deadline import Deadline
from hfecs.provisioning.report import Outcome
from hfecs.provisioning.resource import Planned
from hfecs.provisioning.stack import Stack

KIND = "deadline"

NOT_VISIBLE = "InvalidInstanceID.NotFound"
# EC2 may take minutes to show a new machine.
VISIBLE_WITHIN = 120.0


def ensure(
    stack: Stack, name: str, *, machine: str, tags: Mapping[str, str], deadline: Deadline, told: Mapping[str, str]
) -> None:
    """Write the deadline and `told` as tags on a machine with these tags, unless they are about the same already.

    The tag disappears with its instance, so it is neither recorded nor torn down.
    """
    wanted = dict(told)
    if not deadline.is_right(tags.get(ENDS_TAG), planning=stack.plan):
        wanted[ENDS_TAG] = str(deadline)
    changed = [f"{key}: {tags.get(key)} -> {value}" for key, value in wanted.items() if tags.get(key) != value]
    if isinstance(machine, Planned) or not changed:
        return

    def write() -> None:
        stack.cloud.ec2.create_tags(Resources=[machine], Tags=pairs(wanted))

    if not stack.plan:
        stack.wait.out((NOT_VISIBLE,), write, what=f"machine {name} ({machine}) to be visible", timeout=VISIBLE_WITHIN)
    if tags:
        stack.report(Outcome.CHANGED, KIND, name, machine, "; ".join(changed))
