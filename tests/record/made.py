"""Records of runs that never were, whose figures can be told by hand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from hfecs.record.model import Job, Machine, RunRecord, Stage, Try

BEGAN = 1_796_000_000.0


def one(number: int, start: float, end: float, **more: Any) -> Try:
    """A try between two seconds of the run, on slot 1 of worker w, with its program for all of its time."""
    known: dict[str, Any] = {"ready": BEGAN, "sent": BEGAN, "exit_status": 0, "worker": "w", "slot": "1"}
    known["execution"] = Stage(BEGAN + start, end - start)
    return Try(number=number, started=BEGAN + start, ended=BEGAN + end, **{**known, **more})


def job(number: int, *tries: Try, parents: Sequence[int] = (), program: str = "p") -> Job:
    """A job that is called as its program."""
    return Job(number, program, program, ("-v",), parents, tries)


def record(*jobs: Job, seconds: float = 100.0, **more: Any) -> RunRecord:
    """A run that succeeded."""
    return RunRecord("r-1", "flow", "succeeded", BEGAN, BEGAN + seconds, jobs, **more)


def machine(name: str, launched: float = 0.0, joined: float = 10.0, gone: float | None = None, **more: Any) -> Machine:
    """A machine of the type t2.micro, of two slots, for a dollar an hour."""
    known: dict[str, Any] = {"type": "t2.micro", "zone": "us-east-1a", "slots": 2, "price": 1.0, "price_source": "made"}
    until = None if gone is None else BEGAN + gone
    return Machine(name, launched=BEGAN + launched, joined=BEGAN + joined, gone=until, **{**known, **more})


def wide(count: int, *, slots: int = 4, seed: int = 1) -> RunRecord:
    """So many jobs of three programs on some slots, each with up to two jobs before it; the times are made up."""
    chance = random.Random(seed)
    free = [20.0 + slot for slot in range(slots)]
    done: dict[int, float] = {}
    jobs = []
    for number in range(1, count + 1):
        parents = sorted(chance.sample(range(1, number), min(number - 1, chance.choice((0, 0, 1, 2)))))
        ready = max([0.0, *(done[parent] for parent in parents)])
        slot = min(range(slots), key=free.__getitem__)
        start = max(free[slot], ready) + chance.random() / 10
        fetch, run, store = chance.random(), 5 * chance.random(), chance.random()
        end = start + fetch + run + store + 0.01
        free[slot] = done[number] = end
        stages = {
            "stage_in": Stage(BEGAN + start, fetch, 1000 * number),
            "execution": Stage(BEGAN + start + fetch, run),
            "stage_out": Stage(BEGAN + start + fetch + run, store, 500),
        }
        where = {"worker": f"w{slot // 2}", "slot": str(slot % 2), "machine": f"i-{slot // 2}"}
        used = {"user_seconds": run / 2, "system_seconds": run / 4, "resident_bytes": 1000 * number}
        whole = one(number, start, end, ready=BEGAN + ready, **stages, **where, **used)
        jobs.append(job(number, whole, parents=parents, program=f"program{number % 3}"))
    until = max(done.values()) + 2
    machines = [machine(f"i-{number}", gone=until) for number in range((slots + 1) // 2)]
    return record(*jobs, seconds=until, machines=machines)
