"""Which jobs of a run were tried more than once, and why: read from the history of events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from end_to_end.sites import Site, events_of


@dataclass(frozen=True)
class Repeat:
    """A job that was tried more than once."""

    job: str
    program: str
    tries: int
    executors: int
    why: str


@dataclass
class Repeats:
    """The repeats of several runs, each with its fault."""

    rows: list[tuple[str, Repeat]] = field(default_factory=list)

    def of(self, fault: str, site: Site, run: str) -> list[Repeat]:
        """The jobs of a run that were tried more than once, the first to start first."""
        jobs: dict[str, list[dict[str, object]]] = {}
        for event in events_of(site, run):
            if str(event["type"]).endswith(f"{event.get('id')}.started") or str(event["type"]).endswith(".retried"):
                jobs.setdefault(event["id"], []).append(event)
        repeats = [_repeat(job, events) for job, events in jobs.items() if len(events) > 1]
        self.rows += [(fault, repeat) for repeat in repeats]
        return repeats

    def table(self) -> Iterator[str]:
        """The lines of a table of all of them."""
        yield ""
        yield f"{'fault':<27}{'job':<14}{'program':<12}{'tries':>5}{'executors':>11}  why it was tried again at last"
        for fault, repeat in self.rows:
            numbers = f"{repeat.tries:>5}{repeat.executors:>11}"
            yield f"{fault:<27}{repeat.job:<14}{repeat.program:<12}{numbers}  {repeat.why}"


def _repeat(job: str, events: list[dict[str, object]]) -> Repeat:
    executors = {event["executor"] for event in events}
    why = next((event["why"] for event in reversed(events) if "why" in event), "")
    return Repeat(job, str(events[0]["executable"]), len(events), len(executors), str(why))
