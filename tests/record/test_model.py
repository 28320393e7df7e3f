"""The files of a run's record: what is written can be read, and what is broken is passed over."""

from __future__ import annotations

import json

import pytest

from hfecs import workflow
from hfecs.record import model
from hfecs.record.model import Machine, Moment, Stage, Try
from record.made import one
from workflow.documents import document, process

FULL = Try(
    number=3,
    attempt=2,
    ready=1.5,
    sent=2.5,
    started=3.25,
    ended=9.0,
    exit_status=1,
    why="p ended with exit code 1.",
    stage_in=Stage(3.5, 0.25, 100),
    execution=Stage(4.0, 5.0),
    stage_out=None,
    user_seconds=0.5,
    system_seconds=0.25,
    resident_bytes=1000,
    worker="w",
    slot="1",
    machine="i-1",
)


def test_a_try_is_read_as_it_was_written() -> None:
    line = model.line_of(FULL)

    assert list(model.tries([line.encode()])) == [FULL]
    assert line.endswith("\n")
    assert line.count("\n") == 1


def test_what_is_not_known_takes_no_room() -> None:
    assert json.loads(model.line_of(Try(number=1))) == {"number": 1}


@pytest.mark.parametrize("broken", [b'{"number": 2', b"", b"[]", b'{"number": "x"}', b"\xff", b'{"number": NaN}'])
def test_a_line_that_was_cut_off_is_passed_over(broken: bytes) -> None:
    lines = [model.line_of(Try(number=1)).encode(), broken, model.line_of(Try(number=3)).encode()]

    assert [found.number for found in model.tries(lines)] == [1, 3]


def test_what_a_later_version_writes_besides_is_no_fault() -> None:
    (found,) = model.tries([b'{"number": 1, "mood": "good", "execution": {"began": 1, "seconds": 2, "more": 3}}'])

    assert found.execution == Stage(1.0, 2.0)


def test_machines_and_moments_are_read() -> None:
    assert model.machines(b'[{"id": "i-1", "price": 0.5}]') == [Machine("i-1", price=0.5)]
    assert list(model.curve([b'{"at": 5, "demand": 3}', b"{"])) == [Moment(5.0, demand=3)]


def test_jobs_have_the_names_arguments_and_parents_of_the_workflow() -> None:
    words = {"executable": "sh", "args": ["-c", 1]}
    flow = workflow.from_document(
        document(process("a", [0], [1]), process("b", [1], [2], config={"executor": words}), signals=3)
    )

    first, second = model.jobs(flow, [one(2, 5, 6)])

    assert (first.number, first.name, first.program, first.parents, first.tries) == (1, "a", "cp", (), ())
    assert (second.program, second.arguments, second.parents) == ("sh", ("-c", "1"), (1,))
    assert second.last == one(2, 5, 6)


def test_a_reply_that_came_twice_is_one_try_and_tries_stand_in_their_order() -> None:
    flow = workflow.from_document(document(process("a", [0], [1]), signals=2))
    lost = Try(number=1, why="its executor was lost")
    again = one(1, 7, 8)

    (made,) = model.jobs(flow, [again, lost, again])

    assert made.tries == (lost, again)
    assert made.has_succeeded


def test_a_try_that_stored_nothing_has_not_succeeded_whatever_its_program_said() -> None:
    assert not one(1, 0, 1, why="p did not write out.txt").has_succeeded
    assert not one(1, 0, 1, exit_status=None).has_succeeded
