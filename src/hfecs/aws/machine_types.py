"""Instance types: what one offers, and which is taken if none is configured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfecs.aws.clients import Cloud
from hfecs.aws.prices import DEFAULT_TYPES
from hfecs.errors import ConfigurationInvalid

DEFAULTS = DEFAULT_TYPES
"""Of these the first that the region offers, one that the account has for free before others.

Accounts on AWS's Free plan, which new ones are since July 2025, can launch no other types than those that
DescribeInstanceTypes calls eligible for the free tier; t2.micro is none of them, and some regions do not have it.
"""

SUGGESTED = ("t3.micro", "t3.small", "t2.micro", "t2.small", "m7i.large", "m6i.large", "m5.large")
"""Types named in hints, of those that the region offers."""

ARCHITECTURES = {"x86_64": "", "arm64": "arm64/"}
"""Those that there are images for, and how the parameters with the machine images name them."""

Zones = Mapping[str, set[str]]
"""The availability zones that offer an instance type, by its name."""


@dataclass(frozen=True)
class MachineType:
    """An instance type: processor cores, memory in MiB, architecture."""

    name: str
    cores: int
    memory: int
    architecture: str
    is_free: bool = False
    """Whether it is eligible for the account's free tier."""


def names(configured: str | None) -> Sequence[str]:
    """The types to choose from."""
    return (configured,) if configured else DEFAULTS


def describe(cloud: Cloud, wanted: Sequence[str]) -> dict[str, MachineType]:
    """Those of the types that the region knows."""
    filters: Any = [{"Name": "instance-type", "Values": list(wanted)}]
    answer: Any = cloud.ec2.describe_instance_types(Filters=filters)
    return {described["InstanceType"]: _machine_type(described) for described in answer["InstanceTypes"]}


def _machine_type(described: Any) -> MachineType:
    architectures = described["ProcessorInfo"]["SupportedArchitectures"]
    return MachineType(
        described["InstanceType"],
        described["VCpuInfo"]["DefaultVCpus"],
        described["MemoryInfo"]["SizeInMiB"],
        next((known for known in ARCHITECTURES if known in architectures), "x86_64"),
        bool(described.get("FreeTierEligible")),
    )


def zones(cloud: Cloud, wanted: Sequence[str]) -> dict[str, set[str]]:
    """The availability zones that offer each type."""
    filters: Any = [{"Name": "instance-type", "Values": list(wanted)}]
    pages: Iterable[Any] = cloud.ec2.get_paginator("describe_instance_type_offerings").paginate(
        LocationType="availability-zone", Filters=filters
    )
    found: dict[str, set[str]] = {}
    for offering in (offering for page in pages for offering in page["InstanceTypeOfferings"]):
        found.setdefault(offering["InstanceType"], set()).add(offering["Location"])
    return found


def choose(cloud: Cloud, wanted: Sequence[str], types: Mapping[str, MachineType], offered: Zones) -> MachineType:
    """The first of the types that a zone offers, free ones first; ConfigurationInvalid if there is none."""
    there = [types[name] for name in wanted if name in types and offered.get(name)]
    if there:
        return min(there, key=lambda machine: not machine.is_free)
    somewhere = zones(cloud, SUGGESTED)
    known = {name: machine for name, machine in describe(cloud, SUGGESTED).items() if name in somewhere}
    free = [name for name in SUGGESTED if name in known and known[name].is_free]
    others = [name for name in SUGGESTED if name in known and name not in free]
    hint = f"set cluster.instance_type to another one, such as {' or '.join([*free, *others][:3]) or 'm5.large'}"
    if len(wanted) == 1:
        raise ConfigurationInvalid(f"{wanted[0]} is not an instance type in {cloud.region}.", hint)
    raise ConfigurationInvalid(f"{cloud.region} offers neither {' nor '.join(wanted)}.", hint)
