from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from botocore.exceptions import ClientError, NoRegionError

import hfecs
from hfecs import cli
from hfecs.console import Console
from hfecs.errors import AwsFailed, Failed, Misused, NotOurs, WorkflowFailed
from support import KEYS, write_job

Captured = pytest.CaptureFixture[str]
DOES = re.compile(r"\b(creates?|reads?|writes?|deletes?|uploads?|starts?|stops?|builds?|shows?)\b", re.IGNORECASE)


def commands(command: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Every command that a person may type."""
    if command.hidden:
        return
    if hasattr(command, "commands"):
        for name, part in command.commands.items():
            yield from commands(part, *path, name)
    else:
        yield path


EVERY = list(commands(typer.main.get_command(cli.app)))


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_the_help_of_a_command_says_what_it_makes_or_reads_and_what_it_costs(
    capsys: Captured, path: tuple[str, ...]
) -> None:
    assert cli.main([*path, "--help"]) == 0

    text = capsys.readouterr().out.partition("Options:")[0]
    assert DOES.search(text)
    assert "cost" in text.lower()


def test_the_commands_are_those_of_the_manual() -> None:
    names = {" ".join(path) for path in EVERY}

    assert names >= {
        "cluster up",
        "cluster down",
        "run",
        "status",
        "logs",
        "plan",
        "destroy",
        "local up",
        "local down",
        "local status",
        "example montage",
    }


def test_the_help_names_the_way_without_an_account(capsys: Captured) -> None:
    assert cli.main(["--help"]) == 0

    assert "hfecs --local cluster up" in capsys.readouterr().out


def test_the_commands_of_the_containers_are_hidden(capsys: Captured) -> None:
    cli.main(["--help"])

    assert "agent" not in capsys.readouterr().out
    assert cli.main(["agent", "worker", "--help"]) == 0


def test_the_version_is_data(capsys: Captured) -> None:
    assert cli.main(["--version"]) == 0

    assert capsys.readouterr().out == f"hfecs {hfecs.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [["fly"], ["cluster", "up", "--fly"], ["cluster", "up", "--asg-max", "many"], ["logs", "--since", "0"]],
    ids=" ".join,
)
def test_a_wrong_command_line_is_misuse(capsys: Captured, arguments: list[str]) -> None:
    assert cli.main(arguments) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments", [[], ["cluster"], ["local"], ["example"]], ids=lambda words: " ".join(words) or "-"
)
def test_half_a_command_line_shows_the_help(capsys: Captured, arguments: list[str]) -> None:
    assert cli.main(arguments) == 2

    assert "Usage:" in "".join(capsys.readouterr())


def aws_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "CreateRole")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Failed("x"), 1),
        (WorkflowFailed("x"), 1),
        (Misused("x"), 2),
        (NotOurs("x"), 3),
        (aws_error("AccessDenied"), 1),
        (NoRegionError(), 2),
        (ExceptionGroup("", [Failed("x"), NotOurs("y")]), 3),
        (ExceptionGroup("", [aws_error("A"), ExceptionGroup("", [Misused("y"), NoRegionError()])]), 2),
    ],
    ids=repr,
)
def test_an_error_for_people_ends_in_its_exit_code_without_a_traceback(
    capsys: Captured, error: Exception, code: int
) -> None:
    assert cli._shown(Console(), error) == code

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert "Traceback" not in err


def test_every_error_of_a_group_is_told_and_the_same_one_once(capsys: Captured) -> None:
    one, other = AwsFailed("role a failed"), AwsFailed("role b failed")

    cli._shown(Console(), ExceptionGroup("", [one, ExceptionGroup("", [other, AwsFailed("role a failed")])]))

    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert errors == ["error: role a failed", "error: role b failed"]


@pytest.mark.parametrize("bug", [KeyError("x"), ExceptionGroup("", [Failed("x"), KeyError("x")])], ids=repr)
def test_a_bug_keeps_its_traceback(bug: Exception) -> None:
    with pytest.raises(type(bug)) as raised:
        cli._shown(Console(), bug)

    assert raised.value is bug


@pytest.mark.parametrize(
    ("options", "typed"),
    [
        ([], "hfecs"),
        (["--local"], "hfecs --local"),
        (["--config", "other.toml", "--state", "a b.json"], "hfecs --config other.toml --state 'a b.json'"),
        (["--set", "cluster.name=other"], "hfecs"),
    ],
    ids=str,
)
def test_commands_that_one_is_told_to_type_mean_the_same_cluster(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: list[str], typed: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other.toml").touch()

    assert cli.main([*options, "run"]) == 2

    assert f"hint: {typed} run JOB_DIR --bucket NAME, or {typed} run --attach\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said", "typed"),
    [([], "1", "hfecs"), (["--local"], "0", "hfecs --local"), (["--local"], "1", "hfecs --local")],
    ids=str,
)
def test_what_the_environment_says_is_not_told_again_and_what_was_typed_is(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: list[str], said: str, typed: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HFECS_LOCAL", said)

    assert cli.main([*options, "run"]) == 2

    assert f"hint: {typed} run JOB_DIR" in capsys.readouterr().err


@pytest.mark.parametrize("path", [path for path in EVERY if path[0] not in ("example", "local")], ids=" ".join)
def test_every_command_that_works_on_a_cluster_is_told_with_the_options(
    capsys: Captured, path: tuple[str, ...]
) -> None:
    console = Console()
    console.options = "--local"

    console.say(f"see it: hfecs {' '.join(path)}")

    assert capsys.readouterr().err == f"see it: hfecs --local {' '.join(path)}\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["run", "nowhere"], 2),
        (["run"], 2),
        (["run", "job"], 2),
        (["run", "--attach"], 2),
        (["run", "--stop", "--run", "one"], 2),
        (["run", "--resume", "one", "--bucket", "terraform-3344"], 2),
        (["cluster", "down", "--yes"], 0),
        (["destroy", "--yes"], 0),
        (["logs"], 0),
        (["status"], 0),
    ],
    ids=str,
)
def test_a_command_that_finds_nothing_to_work_on_starts_no_local_cloud(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    write_job(tmp_path / "job")

    assert cli.main(["--local", *arguments]) == code

    assert not (tmp_path / ".hfecs").exists()


def test_a_bug_ends_a_program_with_a_traceback() -> None:
    code = "from hfecs import cli; cli.app = lambda *_, **__: 1 / 0; cli.entry()"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert "ZeroDivisionError" in ended.stderr


def test_ctrl_c_ends_in_130() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environment = os.environ | KEYS | {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": endpoint}
        command = [sys.executable, "-m", "hfecs", "logs", "--follow"]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            with silent.accept()[0]:
                process.send_signal(signal.SIGINT)
                _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in err


def test_ctrl_c_is_heard_while_libraries_are_read() -> None:
    code = (
        "import sys; sys.modules['hfecs.cli'] = None; import builtins, signal; from hfecs import __main__ as program;"
    )
    code += "find = builtins.__import__;"
    code += "builtins.__import__ = lambda *words: signal.raise_signal(signal.SIGINT) or find(*words); program.entry()"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (130, "")


def test_the_module_is_the_command() -> None:
    ended = subprocess.run([sys.executable, "-m", "hfecs", "--version"], capture_output=True, text=True, check=True)

    assert ended.stdout == f"hfecs {hfecs.__version__}\n"


def test_the_help_loads_none_of_the_heavy_libraries() -> None:
    heavy = "{'boto3', 'botocore', 'pika', 'moto', 'pydantic'}"
    code = (
        f"import sys; from hfecs import cli; cli.main(['--help']); print({heavy} & set(sys.modules), file=sys.stderr)"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stderr == "set()\n"


def test_the_same_cause_in_many_calls_is_one_error(capsys: Captured) -> None:
    late = [
        ClientError({"Error": {"Code": code, "Message": f"Signature expired: {at} is now earlier"}}, f"Describe{at}")
        for at, code in enumerate(["SignatureDoesNotMatch", "InvalidSignatureException"] * 12)
    ]

    code = cli._shown(Console(), ExceptionGroup("", late))

    told = capsys.readouterr().err
    assert code == 2
    assert told.count("error: ") == 1
    assert "set the clock of this machine (timedatectl" in told
    assert "more" not in told


@pytest.mark.parametrize(
    "page", [[], ["cluster"], ["monitoring"], ["runs"], ["images"], ["config"], ["local"], ["example"]], ids=str
)
def test_no_summary_of_a_command_is_cut_on_80_columns(
    page: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    cli.main([*page, "--help"])

    summaries = capsys.readouterr().out.partition("Commands:\n")[2]
    assert summaries
    assert "..." not in summaries
