"""The machines that a run has: those of the cluster's workers, and its own, with what an hour of each costs.

EC2 is asked now and then while the run is running. It forgets machines an hour after their end, and its answers can be
late, so what was seen once stays.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hfecs.agents.common.attempts import Attempts
from hfecs.aws import prices
from hfecs.aws.clients import Limits, open_client
from hfecs.aws.tags import NAME_TAG, OWNER_TAG
from hfecs.record.model import Machine

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

log = logging.getLogger(__name__)

PERIOD_SECONDS = 60.0

WORKERS = "workers"
LIMITS = Limits(retries=3, connect_timeout=5, read_timeout=20)

ENDING = ("shutting-down", "terminated", "stopping", "stopped")
_WHEN = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) GMT\)")
"""How EC2 says when a machine was ended, in StateTransitionReason."""


class RunMachines:
    """The machines that were seen since the run began; any thread may look."""

    def __init__(self, cluster: str, run: str, client: Callable[[], EC2Client], clock: Callable[[], float]) -> None:
        """`clock` has the seconds since 1970."""
        self._filters: Any = [
            {"Name": f"tag:{OWNER_TAG}", "Values": [cluster]},
            {"Name": f"tag:{NAME_TAG}", "Values": [WORKERS, f"runner-{run}*"]},
        ]
        self._client = client
        self._clock = clock
        self._seen: dict[str, Machine] = {}
        self._attempts = Attempts()
        self._answers = True
        self._end = threading.Event()

    def start(self, machines: list[Machine]) -> None:
        """Look in a thread until the end; `machines` are those that an earlier attempt saw."""
        self._seen = {machine.id: machine for machine in machines}
        threading.Thread(target=self._run, name="machines", daemon=True).start()

    def _run(self) -> None:
        self.look()
        while not self._end.wait(PERIOD_SECONDS):
            self.look()

    def end(self) -> None:
        """Look for the last time, unless EC2 did not answer before: nobody waits for it then."""
        self._end.set()
        if self._answers:
            self.look()

    def look(self) -> None:
        """Ask EC2; if it does not answer, what is known stays."""
        self._answers = self._attempts.make("EC2, for the machines of the run", self._ask) is not None

    def _ask(self) -> bool:
        pages = self._client().get_paginator("describe_instances").paginate(Filters=self._filters)
        there = {
            one["InstanceId"]: one for page in pages for found in page["Reservations"] for one in found["Instances"]
        }
        for name, one in there.items():
            self._take(name, one)
        for name in self._seen.keys() - there.keys():
            self._ended(name, self._clock())
        return True

    def _take(self, name: str, one: Any) -> None:
        kind, is_spot = one["InstanceType"], one.get("InstanceLifecycle") == "spot"
        is_ending = one["State"]["Name"] in ENDING
        if name not in self._seen:
            if is_ending and _ended_at(one, self._clock()) < self._clock() - PERIOD_SECONDS:
                return  # before the run
            # The price of a spot machine is the market's, which this does not know.
            price = None if is_spot else prices.machine(kind, has_address="PublicIpAddress" in one)
            self._seen[name] = Machine(
                id=name,
                type=kind,
                zone=one["Placement"]["AvailabilityZone"],
                spot=is_spot,
                launched=one["LaunchTime"].timestamp(),
                slots=None,
                price=price,
                price_source=prices.BASIS if price is not None else "",
            )
        if is_ending:
            self._ended(name, _ended_at(one, self._clock()))

    def _ended(self, name: str, when: float) -> None:
        if self._seen[name].gone is None:
            self._seen[name] = replace(self._seen[name], gone=when)

    def told(self) -> str:
        """What is known, as the content of `machines.json`."""
        known = sorted(self._seen.values(), key=lambda machine: (machine.launched or 0.0, machine.id))
        return json.dumps(
            [{key: value for key, value in asdict(one).items() if value not in (None, "")} for one in known]
        )


def _ended_at(one: Any, otherwise: float) -> float:
    found = _WHEN.search(one.get("StateTransitionReason", ""))
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp() if found else otherwise


def machines_of(cluster: str, run: str) -> RunMachines:
    """The machines of a run on AWS."""
    opened: list[Any] = []

    def client() -> EC2Client:
        if not opened:
            opened.append(open_client("ec2", LIMITS))
        return opened[0]  # type: ignore[no-any-return]

    return RunMachines(cluster, run, client, time.time)
