"""Approximate hourly costs, to tell the user what is still running; not for accounting.

Prices in US dollars of us-east-1, Linux on demand; the source is https://aws.amazon.com/ec2/pricing/on-demand/ and the
same pages for EBS, VPC and CloudWatch. They were compiled in November 2026 without access to those pages, and checked
against third-party tables of January 2025 and June 2026. Other regions cost up to half more. Unknown prices are None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

BASIS = "prices of us-east-1, November 2026"

# Hourly price of the size "large" of each family; other sizes cost in proportion.
LARGE = {
    "t2": 0.0928,
    "t3": 0.0832,
    "t3a": 0.0752,
    "t4g": 0.0672,
    "m5": 0.096,
    "m5a": 0.086,
    "m6i": 0.096,
    "m6a": 0.0864,
    "m6g": 0.077,
    "m7i": 0.1008,
    "m7g": 0.0816,
    "c5": 0.085,
    "c5a": 0.077,
    "c6i": 0.085,
    "c6a": 0.0765,
    "c6g": 0.068,
    "c7i": 0.08925,
    "c7g": 0.0725,
    "r5": 0.126,
    "r5a": 0.113,
    "r6i": 0.126,
    "r6a": 0.1134,
    "r6g": 0.1008,
    "r7i": 0.1323,
    "r7g": 0.1071,
}
SIZES = {"nano": 1 / 16, "micro": 1 / 8, "small": 1 / 4, "medium": 1 / 2, "large": 1.0, "xlarge": 2.0}
# Hours in a month, as AWS counts.
MONTH = 730
ADDRESS = 0.005
DISK = 30 * 0.08 / MONTH
"""A public IPv4 address; the 30 GiB of gp3 of our machines."""

HIGH_RESOLUTION_ALARM, ALARM = 0.30 / MONTH, 0.10 / MONTH
LOGS_PER_BYTE = 0.03 / 2**30 / MONTH

# A GB and month in S3 and ECR; a month of the metrics of a cluster, their calls and alarms.
BUCKET_GB, REPOSITORY_GB, METRICS = 0.023, 0.10, 8.0
# The types that a cluster has by default; aws/machine_types.py chooses.
DEFAULT_TYPES = ("t3.micro", "t2.micro")

# What AWS does not charge for.
FREE = frozenset(
    {
        *("capacity-provider", "container-instance", "ecs-cluster", "ingress", "instance-profile", "launch-template"),
        *("role", "scalable-target", "scaling-policy", "scheduled-action", "secret-parameter"),
        *("security-group", "service", "service-linked-role", "service-scaling-policy", "task", "task-definition"),
    }
)


def machine(kind: str, *, runs: bool = True, has_address: bool = True) -> float | None:
    """Hourly cost of a machine of this type with its disk and public address; a stopped one only has its disk."""
    family, _, size = kind.partition(".")
    if not runs:
        return DISK
    multiple = SIZES.get(size) or _multiple(size)
    if family not in LARGE or multiple is None:
        return None
    return LARGE[family] * multiple + DISK + (ADDRESS if has_address else 0.0)


def _multiple(size: str) -> float | None:
    """How many "large" units an instance size is: 2xlarge is 4."""
    count = size.removesuffix("xlarge")
    return 2.0 * int(count) if size.endswith("xlarge") and count.isdecimal() else None


def of(kind: str, actual: Any) -> float | None:
    """Hourly cost of a resource of this kind, with `actual` as returned by AWS; None if unknown."""
    if kind in FREE:
        return 0.0
    if kind == "instance" and actual:
        runs = actual["State"]["Name"] in ("pending", "running")
        return machine(actual["InstanceType"], runs=runs, has_address="PublicIpAddress" in actual)
    if kind == "auto-scaling-group" and actual:
        return together(machine(one.get("InstanceType", "")) for one in actual.get("Instances", []))
    if kind == "alarm" and actual:
        return HIGH_RESOLUTION_ALARM if actual.get("Period", 60) < 60 else ALARM
    if kind == "log-group" and actual:
        return float(actual.get("storedBytes", 0) * LOGS_PER_BYTE)
    return None


def together(costs: Any) -> float | None:
    """The sum; None if one of them is unknown."""
    listed = list(costs)
    return None if None in listed else float(sum(listed))


def words(cost: float | None) -> str:
    """A cost in words."""
    if cost is None:
        return "cost unknown"
    return f"about {cost:.2g} USD an hour" if cost else "costs nothing"


def in_help(command: Callable[..., Any]) -> Callable[..., Any]:
    """Fill the prices into a command's help: `{machine}`, `{machine_with_disk}`, `{bucket}`, ... in USD."""
    alone = [LARGE[kind.partition(".")[0]] * SIZES[kind.partition(".")[2]] for kind in DEFAULT_TYPES]
    whole = [price for price in map(machine, DEFAULT_TYPES) if price is not None]
    filled = {
        "machine": f"{min(alone):.3f} to {max(alone):.3f}",
        "machine_with_disk": f"{min(whole):.3f} to {max(whole):.3f}",
        "bucket": f"{BUCKET_GB:.3f}",
        "repository": f"{REPOSITORY_GB:.2f}",
        "metrics": f"{METRICS:.0f}",
    }
    for name, price in filled.items():
        command.__doc__ = (command.__doc__ or "").replace(f"{{{name}}}", price)
    return command
