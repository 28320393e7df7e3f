"""A wide workflow at the real broker and engine, with a program that answers all jobs in place of executors."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pika
from pika.exceptions import AMQPError

from end_to_end.broker import PrivateBroker
from end_to_end.sites import Site
from hfecs.agents.messages import JOBS_QUEUE

RUN = "wide"
LONGEST_SECONDS = 1800.0
PERIOD_SECONDS = 0.5
# A reply as an executor sends it.
REPLY = json.dumps({"exit_status": 0, "stdout": "", "stderr": "", "metrics": {}, "attempts": 1, "executor": "null"})


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
        speed = self.done / self.working
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


def measure(site: Site, broker: PrivateBroker, wide: int, jobs: int) -> Measured:
    """Run the workflow to its end."""
    site.upload(workflow(wide, jobs), file_0="")
    answering = Answering(broker.url)
    answering.start()
    began = time.monotonic()
    with site.engine(RUN) as engine:
        memory = Memory({"broker": broker.process.pid if broker.process else 0, "engine": engine.pid})
        memory.start()
        engine.wait(LONGEST_SECONDS)
    seconds = time.monotonic() - began
    memory.ended.set()
    result = site.result(RUN)
    kept = site.s3.head_object(Bucket=site.bucket, Key=f"runs/{RUN}/journal.jsonl.gz")["ContentLength"]
    return Measured(wide, jobs, result["done"], seconds, answering.last - answering.first, kept, memory.most)


class Answering(threading.Thread):
    """Takes jobs and answers them at once."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self.first = self.last = 0.0

    def run(self) -> None:
        """Answer until the broker ends."""
        with suppress(AMQPError):
            self._answer()

    def _answer(self) -> None:
        channel = pika.BlockingConnection(pika.URLParameters(self._url)).channel()
        channel.queue_declare(JOBS_QUEUE, durable=True)
        channel.basic_qos(prefetch_count=500)
        for method, about, _ in channel.consume(JOBS_QUEUE):
            self.first = self.first or time.monotonic()
            properties = pika.BasicProperties(correlation_id=about.correlation_id, delivery_mode=2)
            channel.basic_publish("", about.reply_to or "", REPLY.encode(), properties)
            channel.basic_ack(method.delivery_tag or 0)
            self.last = time.monotonic()


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
