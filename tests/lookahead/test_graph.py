"""A workflow as who plans ahead sees it."""

from __future__ import annotations

from typing import Any

import pytest

from hfecs.lookahead.graph import program_of, run_graph
from hfecs.workflow import Executor, Process, Workflow, from_document
from hfecs.workflow.document import Config


def process(name: str, ins: list[int], outs: list[int], function: str = "amqpCommand") -> dict[str, Any]:
    job = {"config": {"executor": {"executable": name}}} if function == "amqpCommand" else {}
    return {"name": name, "function": function, "ins": ins, "outs": outs, **job}


def workflow(*processes: dict[str, Any], signals: int = 6) -> Workflow:
    names = [{"name": f"file{number}"} for number in range(signals)]
    return from_document({"processes": [*processes], "signals": names, "ins": [0], "outs": [signals - 1]})


def test_jobs_wait_for_those_whose_files_they_read() -> None:
    split = workflow(process("split", [0], [1, 2]), process("left", [1], [3]), process("join", [2, 3], [5]))

    seen = run_graph(split)

    assert list(seen.graph.programs) == ["split", "left", "join"]
    assert [set(before) for before in seen.graph.before] == [set(), {0}, {0, 1}]
    assert seen.places == {1: 0, 2: 1, 3: 2}


def test_a_function_of_the_engine_is_no_job_and_those_behind_it_wait_for_those_before() -> None:
    mixed = workflow(
        process("first", [0], [1]), process("rename", [1], [2], "renameFiles"), process("last", [2], [3]), signals=4
    )

    seen = run_graph(mixed)

    assert list(seen.graph.programs) == ["first", "last"]
    assert [set(before) for before in seen.graph.before] == [set(), {0}]
    assert seen.places == {1: 0, 3: 1}
    assert seen.places_of([1, 2, 3]) == {0, 1}


def test_behind_a_job_is_all_that_needs_it() -> None:
    chain = workflow(process("a", [0], [1]), process("b", [1], [2]), process("c", [2], [3]), process("d", [0], [5]))

    assert sorted(run_graph(chain).behind(1)) == [1, 2]


@pytest.mark.parametrize(
    ("executable", "args", "program"),
    [
        ("/opt/montage/bin/mProject", ["-X", "a.fits"], "mProject"),
        ("python3", ["-u", "steps/fit.py", "--fast"], "python3 fit.py"),
        ("sh", ["-c", "sleep 3; cp a b"], "sh sleep"),
        ("bash", "run.sh now", "bash run.sh"),
        ("python3", [], "python3"),
    ],
)
def test_jobs_are_compared_by_what_they_run(executable: str, args: Any, program: str) -> None:
    executor = Executor(executable=executable, args=args if isinstance(args, str) else tuple(args))
    job = Process(name="job-17", function="amqpCommand", config=Config(executor=executor))

    assert program_of(job) == program
