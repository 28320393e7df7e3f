"""What is written down of a run, as it lies in `runs/RUN/` of its bucket.

`jobs.jsonl.gz` has a line of JSON for each try of each job, `machines.json` a list of the machines, `curve.jsonl.gz` a
line for every ten seconds. Times are seconds since 1970, by the clock of the machine that saw it. What is not known is
null or not there: files of earlier versions, of a run that is still running, and of one that was cut off have less.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from itertools import groupby
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from hfecs.workflow import Workflow
from hfecs.workflow.document import Process
from hfecs.workflow.graph import predecessors

LENIENT = ConfigDict(extra="ignore", allow_inf_nan=False)

JOBS, MACHINES, CURVE = "jobs.jsonl.gz", "machines.json", "curve.jsonl.gz"


@dataclass(frozen=True, config=LENIENT)
class Stage:
    """One stage of a try: when it began, how long it took, and how many bytes were transferred."""

    began: float
    seconds: float = 0.0
    bytes: int = 0


@dataclass(frozen=True, config=LENIENT)
class Try:
    """One try of a job, from the executor that took it to its reply.

    `number` is the job's, from 1; `attempt` that of the run; `order` the place of the try among those of a reply. A try
    whose executor was lost has no `ended`, and no `exit_status`. `ready` is when all jobs before it were done, `sent`
    when the engine gave it to the broker.
    """

    number: int
    attempt: int = 1
    order: int = 1
    ready: float | None = None
    sent: float | None = None
    started: float | None = None
    ended: float | None = None
    exit_status: int | None = None
    why: str = ""
    stage_in: Stage | None = None
    execution: Stage | None = None
    stage_out: Stage | None = None
    user_seconds: float | None = None
    system_seconds: float | None = None
    resident_bytes: int | None = None
    worker: str = ""
    slot: str = ""
    machine: str = ""

    @property
    def seconds(self) -> float:
        """From its start to its end; 0 of one whose end is not known."""
        return max(0.0, self.ended - self.started) if self.started is not None and self.ended is not None else 0.0

    @property
    def has_succeeded(self) -> bool:
        """Whether its program ended with 0 and its outputs were stored."""
        return self.exit_status == 0 and not self.why

    @property
    def processor_seconds(self) -> float | None:
        """User and system time together; None if it was not measured."""
        if self.user_seconds is None and self.system_seconds is None:
            return None
        return (self.user_seconds or 0.0) + (self.system_seconds or 0.0)


@dataclass(frozen=True, config=LENIENT)
class Machine:
    """A machine that worked for the run; `price` is that of an hour in US dollars, as it was then."""

    id: str
    type: str = ""
    zone: str = ""
    spot: bool = False
    launched: float | None = None
    joined: float | None = None
    gone: float | None = None
    slots: int | None = None
    price: float | None = None
    price_source: str = ""


@dataclass(frozen=True, config=LENIENT)
class Moment:
    """How the cluster stood at a time; `demand` is the number of job slots that the run asked for."""

    at: float
    workers: int | None = None
    demand: int | None = None


@dataclass(frozen=True)
class Job:
    """A process of the workflow, with its tries, the last one last; `parents` are the numbers of those before it."""

    number: int
    name: str
    program: str
    arguments: Sequence[str] = ()
    parents: Sequence[int] = ()
    tries: Sequence[Try] = ()

    @property
    def last(self) -> Try | None:
        """The try that counts."""
        return self.tries[-1] if self.tries else None

    @property
    def has_succeeded(self) -> bool:
        """Whether its last try succeeded."""
        return bool(self.tries) and self.tries[-1].has_succeeded


@dataclass(frozen=True)
class RunRecord:
    """All that is known of a run. `facts` are words about how it was made: versions, region, types."""

    run: str
    workflow: str
    status: str
    began: float
    ended: float
    jobs: Sequence[Job] = ()
    machines: Sequence[Machine] = ()
    curve: Sequence[Moment] = ()
    failures: Sequence[Mapping[str, Any]] = ()
    error: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def makespan(self) -> float:
        """Seconds from the run's beginning to its end; of one that is running, until it was looked at."""
        return max(0.0, self.ended - self.began)

    @cached_property
    def tries(self) -> list[Try]:
        """All tries of all jobs of which the times are known, by their starts."""
        timed = [one for job in self.jobs for one in job.tries if one.started is not None and one.ended is not None]
        return sorted(timed, key=lambda one: (one.started, one.number))


_TRY = TypeAdapter(Try)
_MOMENT = TypeAdapter(Moment)
_MACHINES = TypeAdapter(list[Machine])


def tries(lines: Iterable[bytes]) -> Iterator[Try]:
    """The tries of `jobs.jsonl.gz`; a line that is not one is passed over: the file may have been cut off."""
    return _lines(_TRY, lines)


def curve(lines: Iterable[bytes]) -> Iterator[Moment]:
    """The moments of `curve.jsonl.gz`; a line that is not one is passed over."""
    return _lines(_MOMENT, lines)


def machines(content: bytes) -> list[Machine]:
    """The machines of `machines.json`; pydantic's ValidationError if it is another file."""
    return _MACHINES.validate_json(content)


def _lines(adapter: TypeAdapter[Any], lines: Iterable[bytes]) -> Iterator[Any]:
    for line in lines:
        try:
            yield adapter.validate_json(line)
        except ValidationError:
            continue


def line_of(one: Try) -> str:
    """A try as its line of `jobs.jsonl`, without what is not known of it."""
    return json.dumps(_TRY.dump_python(one, mode="json", exclude_defaults=True), separators=(",", ":")) + "\n"


def jobs(workflow: Workflow, made: Iterable[Try]) -> list[Job]:
    """The jobs of a workflow with their tries: each told once, though a reply may have come twice, in their order."""
    once = {(one.number, one.attempt, one.order, one.worker, one.slot, one.started): one for one in made}
    ordered = sorted(once.values(), key=lambda one: (one.number, one.attempt, _when(one), one.order))
    by_number = {number: tuple(group) for number, group in groupby(ordered, key=lambda one: one.number)}
    before = predecessors(workflow.processes)
    return [
        Job(
            number=index + 1,
            name=process.name,
            program=process.program,
            arguments=_arguments(process),
            parents=tuple(sorted(parent + 1 for parent in before[index])),
            tries=by_number.get(index + 1, ()),
        )
        for index, process in enumerate(workflow.processes)
    ]


def _arguments(process: Process) -> tuple[str, ...]:
    executor = process.config.executor
    if executor is None:
        return ()
    words = (executor.args,) if isinstance(executor.args, str) else executor.args
    return tuple(str(word) for word in words)


def _when(one: Try) -> float:
    known = [time for time in (one.started, one.sent, one.ready) if time is not None]
    return known[0] if known else 0.0
