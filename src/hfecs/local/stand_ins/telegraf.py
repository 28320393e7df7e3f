"""Replaces the image telegraf: measures the processes of this local machine, and writes to InfluxDB.

It is not Telegraf: it reads its few settings from the container's environment and writes the measurements, tags and
fields that templates/telegraf/telegraf.conf makes the real one write. The machines of a local cloud share one computer,
so CPU, memory and disk are those of a machine's own processes, relative to the whole computer, and the network is the
computer's loopback, which all of them use.
"""

from __future__ import annotations

import base64
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
INTERFACE = "lo"
ANSWER_SECONDS = 5.0


@dataclass
class Usage:
    """What processes have used since they started, including ended children: seconds, and bytes."""

    user: float = 0.0
    system: float = 0.0
    resident: int = 0
    read: int = 0
    written: int = 0


def main() -> int:
    """Measure every METRICS_PERIOD seconds until SIGTERM."""
    environment, machine, ending = dict(os.environ), os.getppid(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    period, tags, away = float(environment.get("METRICS_PERIOD", "10")), tags_of(environment), False
    before, since = usage(machine), time.monotonic()
    while not ending.wait(period):
        now, at = usage(machine), time.monotonic()
        points = list(measurements(before, now, at - since))
        before, since = now, at
        away = not _written(environment, lines(points, tags), away)
    return 0


def tags_of(environment: Mapping[str, str]) -> str:
    """The tags of all points; the machine's name is derived from its address, as on AWS."""
    host = "ip-" + environment["HFECS_ADDRESS"].replace(".", "-")
    return f"cluster={environment.get('CLUSTER_NAME', 'unknown')},host={host}"


def measurements(before: Usage, now: Usage, seconds: float) -> Iterator[tuple[str, str, dict[str, float]]]:
    """Each measurement with its own tag and fields, from the usage at the start and the end of a period."""
    capacity = seconds * (os.cpu_count() or 1) / 100
    user, system = max(0.0, now.user - before.user) / capacity, max(0.0, now.system - before.system) / capacity
    idle = max(0.0, 100 - user - system)
    total = computer_memory()
    received, sent = network()
    yield "hyperflow_cpu_usage_ec2", "cpu=cpu-total", {"usage_user": user, "usage_system": system, "usage_idle": idle}
    memory = {"total": total, "used": float(now.resident), "used_percent": 100 * now.resident / total}
    yield "hyperflow_memory_usage_ec2", "", memory
    yield "hyperflow_disc_read", "name=processes", {"read_bytes": float(now.read)}
    yield "hyperflow_disc_write", "name=processes", {"write_bytes": float(now.written)}
    yield "hyperflow_connection_received", f"interface={INTERFACE}", {"bytes_recv": float(received)}
    yield "hyperflow_connection_transferred", f"interface={INTERFACE}", {"bytes_sent": float(sent)}


def lines(points: list[tuple[str, str, dict[str, float]]], tags: str) -> bytes:
    """The points in line protocol."""
    return "\n".join(
        f"{measurement},{tags}{',' if own else ''}{own} "
        + ",".join(f"{name}={value!r}" for name, value in fields.items())
        for measurement, own, fields in points
    ).encode()


def usage(machine: int) -> Usage:
    """The usage of the machine's process and all its descendants."""
    total = Usage()
    for pid, stat in _family(machine):
        # Fields of /proc/PID/stat after the name: 11 and 12 are its own ticks, 13 and 14 those of its dead children.
        total.user += (int(stat[11]) + int(stat[13])) / TICKS
        total.system += (int(stat[12]) + int(stat[14])) / TICKS
        total.resident += int(stat[21]) * PAGE_BYTES
        read, written = _bytes(pid)
        total.read, total.written = total.read + read, total.written + written
    return total


def computer_memory() -> float:
    """The memory of the computer in bytes."""
    return float(os.sysconf("SC_PHYS_PAGES") * PAGE_BYTES)


def network() -> tuple[int, int]:
    """The bytes that the loopback has received and sent."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == INTERFACE:
            return int(numbers.split()[0]), int(numbers.split()[8])
    return 0, 0


def _family(machine: int) -> list[tuple[int, list[str]]]:
    """A process and its descendants, with their fields of /proc/PID/stat."""
    stats = {pid: stat for entry in Path("/proc").iterdir() if entry.name.isdigit() for pid, stat in _stat(entry)}
    children: dict[int, list[int]] = {}
    for pid, stat in stats.items():
        children.setdefault(int(stat[1]), []).append(pid)
    family = [machine] if machine in stats else []
    for pid in family:  # grows during iteration
        family += children.get(pid, [])
    return [(pid, stats[pid]) for pid in family]


def _stat(process: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        yield int(process.name), (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return


def _bytes(pid: int) -> tuple[int, int]:
    """What a process has read and written, including dead children; nothing if access is denied."""
    try:
        told = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    except OSError:
        return 0, 0
    return int(told["rchar"]), int(told["wchar"])


def _written(environment: Mapping[str, str], body: bytes, away: bool) -> bool:
    """Send points; log once when the database is unreachable."""
    account = f"{environment.get('INFLUXDB_USER', '')}:{environment.get('INFLUXDB_PASSWORD', '')}"
    query = urlencode({"db": environment["METRICS_DATABASE"]})
    headers = {"Authorization": f"Basic {base64.b64encode(account.encode()).decode()}"}
    try:
        with urlopen(Request(f"{environment['METRICS_SERVER']}/write?{query}", body, headers), timeout=ANSWER_SECONDS):
            return True
    except (OSError, HTTPException) as error:
        if not away:
            sys.stderr.write(f"cannot write metrics: {error}\n")
        return False


if __name__ == "__main__":
    sys.exit(main())
