"""A wide workflow at the real broker and engine, with a program that answers all jobs in place of executors."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from end_to_end.answering import Answering
from end_to_end.broker import PrivateBroker
from end_to_end.sites import Site

RUN = "wide"
LONGEST_SECONDS = 1800.0
PERIOD_SECONDS = 0.5


@dataclass
class Measured:
    """What came of a run: seconds from the engine's start to its end, and the most memory of each part in MB."""

    wide: int
    jobs: int
    done: int
    seconds: float
    working: float
    journal_bytes: int
    memory: dict[str, float] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """The numbers, for a person."""
        yield f"{self.done} of {self.jobs} jobs done, {self.wide} of them ready at once"
        speed = self.done / self.working if self.working else 0
        yield f"{self.seconds:.1f} s in all; {self.working:.1f} s from the first job to the last, {speed:.0f} jobs/s"
        yield f"journal in the bucket: {self.journal_bytes / 1e6:.2f} MB"
        for part, most in sorted(self.memory.items()):
            yield f"memory of {part}: {most:.0f} MB at most"


def workflow(wide: int, jobs: int) -> dict[str, Any]:
    """A first level of `wide` jobs, as many that wait for two of them each, and one that waits for all of these."""
    second = jobs - wide - 1
    first = [_process(number, [0], [number]) for number in range(1, wide + 1)]
    behind = [_process(wide + number, [number, number % wide + 1], [wide + number]) for number in range(1, second + 1)]
    last = _process(jobs, list(range(wide + 1, jobs)), [jobs])
    signals = [{"name": f"file_{number}"} for number in range(jobs + 1)]
    return {"name": "wide", "processes": [*first, *behind, last], "signals": signals, "ins": [0], "outs": [jobs]}


def _process(number: int, ins: list[int], outs: list[int]) -> dict[str, Any]:
    executor = {"executable": "true", "args": [str(number)]}
    return {
        "name": f"job_{number}",
        "function": "amqpCommand",
        "config": {"executor": executor},
        "ins": ins,
        "outs": outs,
    }


def measure(site: Site, broker: PrivateBroker, wide: int, jobs: int, heap: int) -> Measured:
    """Run the workflow to its end, with so many MB for what Node.js keeps."""
    site.upload(workflow(wide, jobs), file_0="")
    answering = Answering(broker.url)
    answering.start()
    began = time.monotonic()
    with site.engine(RUN, NODE_OPTIONS=f"--max-old-space-size={heap}") as engine:
        memory = Memory({"broker": broker.process.pid if broker.process else 0, "engine": engine.pid})
        memory.start()
        engine.wait(LONGEST_SECONDS)
    seconds = time.monotonic() - began
    memory.ended.set()
    result = site.result(RUN)
    kept = site.s3.head_object(Bucket=site.bucket, Key=f"runs/{RUN}/journal.jsonl.gz")["ContentLength"]
    return Measured(wide, jobs, result["done"], seconds, answering.seconds, kept, memory.most)


class Memory(threading.Thread):
    """Watches the resident memory of processes with all that they have started."""

    def __init__(self, parts: dict[str, int]) -> None:
        super().__init__(daemon=True)
        self._parts = parts
        self.most: dict[str, float] = {}
        self.ended = threading.Event()

    def run(self) -> None:
        """Look again and again."""
        while not self.ended.wait(PERIOD_SECONDS):
            for part, pid in self._parts.items():
                for name, size in _family(part, pid):
                    self.most[name] = max(self.most.get(name, 0.0), size)


def _family(part: str, pid: int) -> Iterator[tuple[str, float]]:
    """A process and those below it: the name of the part with that of the program, and megabytes."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    yield f"{part}: {name}", pages * 4096 / 1e6
    for child in children:
        yield from _family(part, int(child))
