"""Workflows in which a process would run other than once, or never.

The keys of config.executor.
"""

from __future__ import annotations

from typing import Any

import pytest

from hfecs import workflow
from workflow.documents import document, executor, faults, process


@pytest.mark.parametrize("kind", ["foreach", "splitter", "choice", "join", "Join", "stream", 7])
def test_a_process_of_another_type_is_refused(kind: Any) -> None:
    made = document(process("a", [0], [1], type=kind), process("b", [1], [2], type="dataflow"))

    assert faults(made) == [f"a (process 0): processes of type {kind} are not run, only of type dataflow"]


@pytest.mark.parametrize("kind", ["dataflow", "DataFlow", "task", "", None])
def test_a_dataflow_process_may_be_called_as_the_engine_calls_it(kind: str | None) -> None:
    assert workflow.from_document(document(process("a", [0], [1], type=kind)))


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        (0, "the workflow would never end"),
        (-1, "the workflow would never end"),
        (True, "the workflow would never end"),
        ("many", "the workflow would never end"),
        (2, "its inputs come only once"),
    ],
)
def test_a_firing_limit_that_cannot_be_reached_is_refused(limit: Any, why: str) -> None:
    made = document(process("a", [0], [1], firingLimit=limit))

    assert faults(made) == [f"a (process 0): firingLimit {limit} cannot be reached: {why}; write 1"]


@pytest.mark.parametrize("limit", [1, "1", None])
def test_a_firing_limit_of_one_is_what_is_done(limit: Any) -> None:
    assert workflow.from_document(document(process("a", [0], [1], firingLimit=limit)))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"sticky": [0]}, "sticky signals are not supported"),
        ({"firingInterval": 1000}, "firingInterval without firingLimit runs for ever"),
        ({"workflow": "other.json"}, "workflow: sub-workflows and other engines are not supported"),
        ({"host": "http://other"}, "host: sub-workflows and other engines are not supported"),
    ],
)
def test_other_ways_to_run_more_than_once_are_refused(more: dict[str, Any], told: str) -> None:
    assert faults(document(process("a", [0], [1], **more))) == [f"a (process 0): {told}"]


@pytest.mark.parametrize(
    ("signal", "told"),
    [
        ({"data": [1, 2, 3]}, "3 data elements, of which only one could be used"),
        ({"control": "done", "data": [{}]}, "control signals of kind done are not supported, only next"),
        ({"control": "merge", "data": [{}]}, "control signals of kind merge are not supported, only next"),
        ({"remoteSinks": [{"uri": "http://other"}]}, "remoteSinks are not supported"),
    ],
)
def test_signals_that_a_process_which_runs_once_cannot_take_are_refused(signal: Any, told: str) -> None:
    made = document(process("a", [0], [1]), signals=[{"name": "s0", **signal}, {"name": "s1"}])

    assert faults(made) == [f"s0 (signal 0): {told}"]


def test_a_count_of_signals_is_refused() -> None:
    assert faults(document(process("a", ["s0:3"], [1]))) == [
        "a (process 0): ins: s0:3: counts of signals are not supported"
    ]


def test_empty_data_is_no_data() -> None:
    made = document(process("a", [0], [1]), signals=[{"name": "s0", "data": []}, {"name": "s1", "data": []}])

    assert workflow.from_document(made).inputs() == ["s0"]


def test_a_control_signal_that_nobody_sends_is_refused() -> None:
    signals = [{"name": "s0"}, {"name": "s1"}, {"name": "go", "control": "next"}, {"name": "s3"}]
    made = document(process("a", [0], [1]), process("b", [0, 2], [3]), signals=signals)

    assert faults(made) == [
        "b (process 1): waits for the control signal go, which no process writes and the file does not send"
    ]


@pytest.mark.parametrize("sent", [{"data": [{}]}, {}])
def test_a_control_signal_that_a_process_or_the_file_sends_is_waited_for(sent: dict[str, Any]) -> None:
    signals = [{"name": "s0"}, {"name": "s1"}, {"name": "go", "control": "next", **sent}, {"name": "s3"}]
    made = document(process("a", [0], [1] if sent else [1, 2]), process("b", [0, 2], [3]), signals=signals)

    assert workflow.from_document(made)


def test_more_control_signals_than_the_engine_heeds_are_refused() -> None:
    signals = [{"name": "s0"}, {"name": "s1"}, *[{"name": name, "control": "next"} for name in ("go", "on")]]
    made = document(process("a", [0], [2]), process("b", [0], [3]), process("c", [0, 2, 3], [1]), signals=signals)

    assert faults(made) == ["c (process 2) waits for 2 control signals, of which the engine heeds one: go, on"]


def test_the_same_fault_of_many_processes_is_told_once() -> None:
    made = document(*[process(f"p{n}", [0], [], firingLimit=0) for n in range(1000)])

    (fault,) = faults(made)

    assert "p5 (process 5) and 994 more: firingLimit 0" in fault


def test_an_output_that_nobody_writes_is_refused() -> None:
    made = document(process("a", [0], [1]), outs=[1, 2])

    assert faults(made, files=["s0"]) == ["the workflow's outs: no process writes s2"]


def test_old_files_call_processes_tasks_and_signals_data() -> None:
    made = document(process("a", [0], [1]))
    made["tasks"], made["data"] = made.pop("processes"), made.pop("signals")

    assert workflow.from_document(made).inputs() == ["s0"]


@pytest.mark.parametrize(
    "key", ["image", "container", "workdir", "work_dir", "input_dir", "output_dir", "stdoutAppend", "stderrAppend"]
)
def test_a_key_that_changes_what_a_job_does_is_refused(key: str) -> None:
    made = document(process("a", [0], [1], config=executor(**{key: "x"})))

    assert faults(made) == [f"a (process 0): config.executor.{key} is not supported"]


@pytest.mark.parametrize("keys", [{}, {"shell": True}, {"stdout": "s1", "stderr": "log", "env": {"A": "1"}}])
def test_keys_that_are_heeded_are_not_spoken_of(keys: dict[str, Any]) -> None:
    assert workflow.from_document(document(process("a", [0], [1], config=executor(**keys)))).notes == ()


def test_a_key_that_is_passed_over_is_noted() -> None:
    jobs = [process(f"p{n}", [0], [], config=executor(cpuRequest="1", memRequest="2Gi")) for n in range(3)]

    notes = workflow.from_document(document(*jobs)).notes

    assert notes[0] == "config.executor.cpuRequest of p0 (process 0), p1 (process 1), p2 (process 2) is not heeded"
    assert [note.split()[0] for note in notes] == ["config.executor.cpuRequest", "config.executor.memRequest"]


def test_a_function_of_the_engine_may_have_any_keys() -> None:
    made = document(process("a", [0], [1], function="noop", config=executor(image="x", cpuRequest="1")))

    assert workflow.from_document(made).notes == ()


def streams(*executors: dict[str, Any]) -> list[dict[str, Any]]:
    """Jobs that read s0 and write s1, s2 and so on, with these keys of config.executor."""
    return [process(f"p{n}", [0], [n + 1]) | {"config": executor(**keys)} for n, keys in enumerate(executors)]


def test_two_jobs_with_one_file_for_what_they_print_are_refused() -> None:
    jobs = streams({"stdout": "log"}, {"stderr": "log"}, {"stdout": "other", "stderr": "other"})

    (fault,) = faults(document(*jobs, signals=4))

    assert fault == "log is the stdout or stderr of p0 (process 0), p1 (process 1)"


def test_what_a_job_prints_must_not_go_to_the_output_of_another() -> None:
    (fault,) = faults(document(*streams({"stdout": "s2"}, {}), signals=3))

    assert fault == "s2, the stdout or stderr of p0 (process 0), is written by another process"


def test_what_a_job_prints_may_be_its_own_output() -> None:
    assert workflow.from_document(document(*streams({"stdout": "s1", "stderr": "errors"}), signals=2))
