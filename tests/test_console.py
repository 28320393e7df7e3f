from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest

from hfecs.console import Console
from hfecs.errors import Misused
from hfecs.provisioning.report import Outcome, Step
from hfecs.provisioning.resource import Change

Captured = pytest.CaptureFixture[str]


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Console:
    """A console whose streams say that they are a terminal that knows colours."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm-256color"} | environment).items():
        monkeypatch.setenv(name, value)
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    return Console()


def test_talk_goes_to_stderr_and_data_to_stdout(capsys: Captured) -> None:
    console = Console()

    console.say("hello")
    console.data("value")

    out, err = capsys.readouterr()
    assert (out, err) == ("value\n", "hello\n")


def test_data_is_json_that_a_program_can_read(capsys: Captured) -> None:
    value = {"list": [1, "[bold]", "a" * 300], "none": None}

    Console().data(value)

    assert json.loads(capsys.readouterr().out) == value


def test_a_pipe_gets_no_colour_and_whole_lines(capsys: Captured) -> None:
    console = Console(verbose=True)

    for outcome in Outcome:
        console.step(Step(outcome, "role", "worker", "x" * 300))

    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert len(err.splitlines()) == len(Outcome)


def test_a_terminal_gets_colour(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch).step(Step(Outcome.CREATED, "role", "worker"))

    assert "\x1b[32m" in capsys.readouterr().err


def test_no_color_is_respected(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    console = at_a_terminal(monkeypatch, NO_COLOR="1")

    console.step(Step(Outcome.CREATED, "role", "worker"))
    console.error(Misused("wrong"))

    assert "\x1b[3" not in capsys.readouterr().err


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_has_a_sign_so_that_colour_carries_no_meaning(capsys: Captured, outcome: Outcome) -> None:
    Console(verbose=True).step(Step(outcome, "role", "worker", "detail"))

    assert capsys.readouterr().err == f"{outcome.value} role worker  detail\n"


def test_what_is_unchanged_is_only_counted_unless_asked_for(capsys: Captured) -> None:
    console = Console()

    with console.summary("Cluster c"):
        console.step(Step(Outcome.UNCHANGED, "role", "worker"))
        console.step(Step(Outcome.CREATED, "role", "master", id="arn"))

    created, summary = capsys.readouterr().err.splitlines()
    assert created == "+ role master  arn"
    assert summary.startswith("Cluster c: 1 created, 1 unchanged (")


def test_an_interrupted_command_says_how_far_it_came(capsys: Captured) -> None:
    console = Console()

    with pytest.raises(KeyboardInterrupt), console.summary("Cluster c"):
        console.step(Step(Outcome.CREATED, "alarm", "one"))
        raise KeyboardInterrupt

    assert "Cluster c: interrupted with 1 created; all of it is recorded" in capsys.readouterr().err


def test_a_command_that_was_interrupted_at_once_has_done_nothing(capsys: Captured) -> None:
    with pytest.raises(KeyboardInterrupt), Console().summary("Cluster c"):
        raise KeyboardInterrupt

    assert "Cluster c: interrupted before any change" in capsys.readouterr().err


def test_an_interrupted_plan_has_recorded_nothing(capsys: Captured) -> None:
    console = Console()

    with pytest.raises(KeyboardInterrupt), console.summary("Plan", plan=True):
        console.step(Step(Outcome.CREATED, "alarm", "one"))
        raise KeyboardInterrupt

    assert capsys.readouterr().err.endswith("Plan: interrupted\n")


@pytest.mark.parametrize(
    ("outcomes", "counted"),
    [([], "nothing to do"), ([Outcome.DELETED], "1 deleted"), ([Outcome.UNCHANGED], "0 created, 1 unchanged")],
)
def test_a_summary_counts_what_was_created_unless_it_is_of_a_removal(
    capsys: Captured, outcomes: list[Outcome], counted: str
) -> None:
    console = Console()

    with console.summary("Cluster c"):
        for outcome in outcomes:
            console.step(Step(outcome, "role", "worker"))

    assert f"Cluster c: {counted} (" in capsys.readouterr().err


def test_a_summary_of_a_plan_speaks_of_what_would_be(capsys: Captured) -> None:
    console = Console()

    with console.summary("Plan", plan=True):
        console.step(Step(Outcome.CHANGED, "role", "master"))

    assert "Plan: 0 to create, 1 to change (" in capsys.readouterr().err


def test_an_error_is_a_sentence_an_empty_line_and_a_hint(capsys: Captured) -> None:
    Console().error(Misused("No bucket [b] was named.", "name one"))

    assert capsys.readouterr().err == "error: No bucket [b] was named.\n\nhint: name one\n"


def test_only_commands_to_be_typed_get_the_options(capsys: Captured) -> None:
    console = Console()
    console.options = "--local"

    console.say(
        "locked by 'hfecs cluster up' of ada; hfecs status tells more of this hfecs cluster, until hfecs run does"
    )

    said = capsys.readouterr().err
    assert said == (
        "locked by 'hfecs cluster up' of ada; hfecs --local status tells more of this hfecs cluster, "
        "until hfecs --local run does\n"
    )


def test_an_error_without_a_hint_is_a_sentence_only(capsys: Captured) -> None:
    Console().error(Misused("Wrong."))

    assert capsys.readouterr().err == "error: Wrong.\n"


def test_a_question_without_a_terminal_is_answered_with_no(capsys: Captured) -> None:
    assert Console().confirm("Delete everything?") is False
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("answer", "meant"), [("y", True), ("YES", True), ("", False), ("n", False), ("maybe", False)])
def test_a_question_is_answered_with_yes_only_by_yes(monkeypatch: pytest.MonkeyPatch, answer: str, meant: bool) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: answer)

    assert at_a_terminal(monkeypatch).confirm("Delete everything?") is meant


def test_the_end_of_the_input_is_no_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(*_: object) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", ends)

    assert at_a_terminal(monkeypatch).confirm("Delete everything?") is False


def test_what_is_waited_for_is_told(capsys: Captured) -> None:
    Console().waiting("machine master to end", 12.3)

    assert capsys.readouterr().err == "  waiting for machine master to end (12 s)\n"


def test_a_table_keeps_whole_lines_in_a_pipe_and_all_text_on_a_narrow_terminal(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    row = ["i-0123456789abcdef0", "stands ready"]

    Console().table("Machines", ["id", "state"], [row])
    piped = capsys.readouterr().out
    at_a_terminal(monkeypatch).table("Machines", ["id", "state"], [row])
    narrow = capsys.readouterr().out

    assert "  ".join(row) in piped
    assert "…" not in narrow


def test_the_title_of_a_narrow_table_stays_in_one_line(capsys: Captured) -> None:
    Console().table("Local cloud at http://127.0.0.1:4566", ["process", "what"], [["17", "daemon"]])

    assert capsys.readouterr().out.startswith("Local cloud at http://127.0.0.1:4566\n")


def test_a_table_shows_text_as_it_is(capsys: Captured) -> None:
    Console().table("Machines", ["machine", "state"], [["[master]", "running"]])

    assert "[master]" in capsys.readouterr().out


def test_a_transfer_outside_of_its_bars_says_nothing(capsys: Captured) -> None:
    Console().transferred("upload", 1, 2)

    assert capsys.readouterr().err == ""


def test_bars_leave_no_control_characters_in_a_pipe(capsys: Captured) -> None:
    console = Console()

    with console.transfers(), console.jobs({"mProject": 2}) as shown:
        console.transferred("upload", 2, 2)
        shown.done("mProject", 2)
        shown.done("unknown", 1)
    with console.counting("tiles") as count:
        count(1, 4)

    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert "2/2" in err.replace(" ", "")


NASTY = [
    ":cat: was here",
    "[red]not red[/red]",
    "[/]",
    "[link=x]y",
    "a\\[b]",
    "{task.total}",
    "100%",
    "x" * 400,
    "'q' \"r\"",
    "12:30",
]


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("is_terminal", [False, True])
def test_what_programs_files_and_aws_said_is_never_decorated(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, text: str, is_terminal: bool
) -> None:
    monkeypatch.setenv("COLUMNS", "2000")
    console = at_a_terminal(monkeypatch, NO_COLOR="1") if is_terminal else Console(verbose=True)
    change = Change(text, text, text, lambda: None, interrupts=text)
    prints: list[Callable[[], object]] = [
        lambda: console.say(text),
        lambda: console.show(text),
        lambda: console.data(text),
        lambda: console.note(text),
        lambda: console.waiting(text, 1),
        lambda: console.error(Misused(text, hint=text)),
        lambda: console.table(text, [text], [[text]]),
        lambda: console.step(Step(Outcome.CREATED, text, text, text, "", [])),
        lambda: console.step(Step(Outcome.CHANGED, "x", text, "", "", [change, change])),
        lambda: console.confirm(text),
        lambda: console.data([text]),
    ]
    monkeypatch.setattr("builtins.input", lambda *_: "n")
    for printing in prints:
        capsys.readouterr()
        printing()
        captured = capsys.readouterr()
        said = captured.out + captured.err
        if said:  # without a terminal nobody is asked
            assert text in said or json.dumps(text) in said


@pytest.mark.parametrize("text", NASTY[:6])
def test_the_names_of_bars_are_never_decorated(capsys: Captured, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("COLUMNS", "2000")
    console = Console(verbose=True)

    with console.jobs({text: 2}) as shown:
        shown.done(text, 2)
    with console.transfers():
        console.transferred(text, 1, 1)

    assert capsys.readouterr().err.count(text) >= 2


def test_the_question_shows_how_it_is_answered(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: "n")

    at_a_terminal(monkeypatch).confirm("Delete everything?")

    captured = capsys.readouterr()
    assert "Delete everything? [y/N] " in captured.out + captured.err
