"""Whatever is typed, in a folder where anything may lie: a sentence, an exit code, and nothing of AWS is changed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import typer.main
from botocore.loaders import Loader, create_loader
from hypothesis import given, settings
from hypothesis import strategies as st

from hfecs import cli
from properties.broken import TEXTS, documents, files, written
from properties.test_configurations import EXAMPLE, toml_file
from properties.test_state_files import DOCUMENT
from properties.test_workflows import DAG
from serving import Quiet, serving
from support import KEYS, READING, REGION, write_job

# They do without AWS what nobody wants done a hundred times: programs, a browser, processes, thousands of tiles.
NOT_TRIED = {"agent", "local", "images build", "monitoring open", "example montage"}
ANSWER = b"<Response><Errors><Error><Code>AccessDenied</Code><Message>no</Message></Error></Errors></Response>"


class Refusing(Quiet, BaseHTTPRequestHandler):
    """An AWS that allows nothing, and remembers what was asked."""

    asked: list[str] = []  # noqa: RUF012

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode(errors="replace")
        action = re.search(r"(?:^|&)Action=(\w+)", body)
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        self.asked.append(
            target or (action[1] if action else {"GET": "Get", "HEAD": "Head"}.get(self.command, self.command))
        )
        self.send_response(403)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(ANSWER)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815


def commands(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Every command with its options, their long and their short names."""
    if " ".join(path) in NOT_TRIED:
        return
    if hasattr(command, "commands"):
        for name, part in command.commands.items():
            yield from commands(part, *path, name)
    else:
        yield path, [name for parameter in command.params for name in parameter.opts if name.startswith("-")]


EVERY = list(commands(typer.main.get_command(cli.app)))
WORDS = st.sampled_from(
    [text for text in TEXTS if "\0" not in text]
    + ["job", "none", "hfecs.toml", "master", "--", "-", "=", "--yes", "-v", "5"]
)
GLOBAL = st.sampled_from(
    [
        *(
            [],
            [],
            [],
            ["--verbose"],
            ["--version"],
            ["--fly"],
            ["--set"],
            ["--set", "x"],
            ["--set", "scaling.asg_max=3"],
        ),
        *(["--config", "none"], ["--config", "job"], ["--config", "job/input/a"]),
        *(["--state", "job"], ["--state", "other/state"], ["--state", "job/input/a/below"], ["--state", "job/input/a"]),
    ]
)


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """A command line with any options of the command, and values that may be any."""
    path, options = draw(st.sampled_from(EVERY))
    rest = draw(st.lists(st.one_of(st.sampled_from(options or ["-x"]), WORDS), max_size=5))
    # Logs that are followed are followed for ever.
    return [*draw(GLOBAL), *path, *(word for word in rest if word not in ("-f", "--follow"))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project folder on a machine whose AWS allows nothing."""
    path = tmp_path_factory.mktemp("project")
    loader: Loader = create_loader()
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Refusing)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", lambda _: loader)
        endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        for name, value in {**KEYS, "AWS_REGION": REGION, "AWS_ENDPOINT_URL": endpoint, "COLUMNS": "200"}.items():
            patch.setenv(name, value)
        for name in [name for name in os.environ if name.startswith("HFECS_")]:
            patch.delenv(name)
        patch.chdir(path)
        write_job(path / "job")
        yield path


def check(arguments: list[str]) -> None:
    """The command ends in one of its exit codes, says why, and changes nothing of AWS."""
    Refusing.asked.clear()
    with redirect_stdout(StringIO()) as data, redirect_stderr(StringIO()) as talk:
        code = cli.main(arguments)
    told = data.getvalue() + talk.getvalue()

    assert code in (0, 1, 2, 3)
    assert "Traceback" not in told
    assert told
    assert code == 0 or "rror: " in told or "Usage: " in told
    assert [name for name in Refusing.asked if not name.startswith((*READING, "Filter"))] == []


few = settings(max_examples=settings.default.max_examples // 2 if settings.default else 50)


@few
@given(lines())
def test_any_command_line_ends_in_its_exit_code(folder: Path, line: list[str]) -> None:
    check(line)


COMMANDS = [["cluster", "up"], ["plan"], ["status"], ["destroy", "--yes"], ["run", "job", "--bucket", "abc"]]
COMMANDS += [["run", "--attach"], ["cluster", "down", "--yes"], ["monitoring", "up"], ["logs"], ["config", "show"]]


@few
@given(st.sampled_from(COMMANDS), st.data())
def test_any_state_file_and_configuration_end_a_command_well(
    folder: Path, command: list[str], data: st.DataObject
) -> None:
    own = {"ports": {"amqp": 1}, "images": {"hfecs": "a", "worker": "b"}, "scaling": EXAMPLE["scaling"]}
    text = toml_file(data.draw(st.one_of(st.just({}), documents(own))))
    (folder / "hfecs.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    (folder / "hfecs.state.json").write_bytes(
        data.draw(st.one_of(st.just(written(DOCUMENT).encode()), files(DOCUMENT)))
    )

    check(command)

    (folder / "hfecs.toml").unlink()
    (folder / "hfecs.state.json").unlink(missing_ok=True)


@few
@given(files(DAG))
def test_any_workflow_ends_a_run_well(folder: Path, content: bytes) -> None:
    dag = folder / "job/workdir/dag.json"
    dag.write_bytes(content)

    check(["run", "job", "--bucket", "abc"])
