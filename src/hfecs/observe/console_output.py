"""What a machine wrote to its console while it booted: the way to look into one that does not join its cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hfecs.aws.tags import NAME_TAG, tags_of
from hfecs.errors import Misused
from hfecs.provisioning.stack import Stack
from hfecs.resources import instance

TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def console_output(stack: Stack, wanted: str) -> list[str]:
    """The lines of the console of the newest machine of that name or id; none if EC2 has none yet.

    EC2 keeps the last 64 KiB, and has them some minutes after the boot; `Latest`, for a fresh look, works on Nitro
    types only, and is not asked for.
    """
    machine = _machine(stack, wanted)
    text = stack.cloud.ec2.get_console_output(InstanceId=machine["InstanceId"]).get("Output", "")
    return list(_lines(text))


def _machine(stack: Stack, wanted: str) -> Any:
    machines = instance.of_cluster(stack)
    names = {machine["InstanceId"]: tags_of(machine.get("Tags")).get(NAME_TAG, "") for machine in machines}
    fitting = [machine for machine in machines if wanted in (machine["InstanceId"], names[machine["InstanceId"]])]
    if not fitting:
        known = ", ".join(sorted({*names.values()})) or "none"
        raise Misused(f"Cluster {stack.cluster} has no machine {wanted}.", hint=f"its machines: {known}; or give an id")
    return max(fitting, key=lambda machine: machine["LaunchTime"])


def _lines(text: str) -> Iterator[str]:
    """The text as lines, without the codes for a terminal; botocore has decoded EC2's base64."""
    for line in text.splitlines():
        yield TERMINAL_CODES.sub("", line).rstrip()
