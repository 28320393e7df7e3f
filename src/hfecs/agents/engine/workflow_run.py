"""One run of a workflow: fetched from the bucket, run by the HyperFlow engine, its log and result stored there.

The engine has a private Redis server, on a Unix socket and without data files. Both are child processes, which end with
the agent, however it ends.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import IO, Any

from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.common.pauses import pause
from hfecs.agents.engine.dag import make_ready
from hfecs.agents.engine.journal import Journal, JournalKeeper
from hfecs.agents.engine.lines import LinesKeeper
from hfecs.agents.engine.record import RunRecord, facts
from hfecs.agents.engine.result import Records
from hfecs.agents.engine.run_folder import WORKDIR, RunFolder, refuse_outside
from hfecs.agents.engine.settings import Settings
from hfecs.errors import ConfigurationInvalid, Failed
from hfecs.messaging.messages import timestamp
from hfecs.messaging.timeouts import Threads
from hfecs.templating import template_path
from hfecs.workflow import Beginning, Workflow
from hfecs.workflow.keys import SHARED, of_inputs, output_key, own_prefix, stored

log = logging.getLogger(__name__)

TRANSFERS = 8

REDIS_STARTING_SECONDS = 20.0
REDIS_POLL_SECONDS = 0.05

LONGEST_FOLDER = 80
"""The path of a socket has at most 107 characters: a longer TMPDIR cannot hold it."""

REDIS_WITHOUT_FILES = ("--port", "0", "--save", "", "--appendonly", "no")

ENDING_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
"""Makes the kernel kill the child when the agent dies: a killed agent cannot clean up. Every Debian has setpriv."""

FUNCTION_SECONDS = 3600
"""How long a JavaScript function may take to call back while nothing else happens, unless the run has a time limit."""

CHILD_ENDING_SECONDS = 10.0
"""How long a child may take to end after SIGTERM."""


@contextmanager
def child_process(
    words: Sequence[str], directory: Path, environ: Mapping[str, str], output: int | IO[Any]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process whose stdout and stderr go to `output`; at the end it is terminated, then killed."""
    process = subprocess.Popen(
        [*ENDING_WITH_PARENT, *words],
        cwd=directory,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    with process:
        try:
            yield process
        finally:
            _end_child(process)


def _end_child(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(CHILD_ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


@contextmanager
def private_redis(pause: Callable[[float], object] = pause) -> Iterator[Path]:
    """Run a Redis server; the path of its socket. It ends with the block."""
    if not shutil.which("redis-server"):
        raise ConfigurationInvalid("redis-server was not found.", "install it: apt-get install redis-server")
    with TemporaryDirectory(prefix="redis-", dir=_socket_folder()) as name:
        directory = Path(name)
        address = directory / "redis.sock"
        log_file = directory / "redis.log"
        words = ("redis-server", *REDIS_WITHOUT_FILES, "--unixsocket", str(address), "--dir", name)
        with log_file.open("wb") as log:
            with child_process(words, directory, os.environ, log) as process:
                _wait_for_redis(process, address, log_file, pause)
                yield address


def _socket_folder() -> str:
    return gettempdir() if len(gettempdir()) <= LONGEST_FOLDER else "/tmp"


def _wait_for_redis(
    process: subprocess.Popen[bytes], address: Path, log_file: Path, pause: Callable[[float], object]
) -> None:
    give_up = time.monotonic() + REDIS_STARTING_SECONDS
    while not _redis_answers(address):
        if process.poll() is not None or time.monotonic() > give_up:
            raise Failed(f"The engine's Redis did not start: {log_file.read_text(errors='replace')[-1000:]}")
        pause(REDIS_POLL_SECONDS)


def _redis_answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(address))
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
        except OSError:
            return False


class WorkflowRun:
    """The files of a run in a directory, and the engine that works on them."""

    def __init__(self, settings: Settings, objects: ObjectStore, directory: Path) -> None:
        self._settings = settings
        self._objects = objects
        self._directory = directory
        self._workdir = directory / "workdir"
        self._places = directory / "places.json"
        self._prefix = SHARED
        self._folder = RunFolder(objects, settings.bucket, settings.run)
        self.log_file = directory / "engine.log"
        self.records = Records(Journal(directory / "journal.log"), failures=directory / "failures.jsonl")
        self.record = RunRecord(settings, objects, directory)
        self._printed = LinesKeeper(directory / "output.jsonl", objects, settings.bucket, output_key(settings.run))
        self.keeper = JournalKeeper(
            self.records.journal, objects, settings.bucket, self._folder.key("journal.jsonl.gz"), self._keep_first
        )

    def _keep_first(self) -> None:
        """Keep what has to be safe before the journal tells of it."""
        self._printed.keep()
        self.record.keep()

    def fetch(self) -> Workflow:
        """Download the workflow and make it ready; WorkflowInvalid if it cannot be run."""
        return self._fetch_again() if self._settings.attempt > 1 else self._fetch_first()

    def _fetch_first(self) -> Workflow:
        settings, folder = self._settings, self._folder
        uploaded = folder.read_tags()
        prefix = SHARED if uploaded is None else own_prefix(settings.run)
        self._download(WORKDIR, uploaded)
        digests = folder.keep_workdir(self._workdir)
        workflow = self._make_ready(settings.variables, settings.options, prefix)
        inputs = folder.tags_of_inputs(workflow, uploaded)
        self._keep_places(inputs, prefix)
        self.keeper.keep()
        files: dict[str, Any] = {"workdir": digests, "inputs": inputs, "prefix": prefix}
        files |= {"began": settings.began, "facts": facts(settings, os.environ)}
        folder.keep_beginning(Beginning(settings.run, timestamp(), 1, workflow.variables, settings.options, **files))
        return workflow

    def _fetch_again(self) -> Workflow:
        """The workflow as the first attempt had it, and the journal without those whose files are gone.

        Its variables are those of the first attempt; so are its options, unless they are given anew.
        """
        settings = self._settings
        beginning = self._folder.read_beginning(self._directory)
        self._folder.keep_beginning(replace(beginning, attempt=settings.attempt))
        self._download(self._folder.key(WORKDIR))
        options = {**beginning.options, **settings.options}
        workflow = self._make_ready(beginning.variables, options, beginning.prefix)
        self._keep_places(beginning.inputs, beginning.prefix)
        journal = self.records.journal
        self.keeper.fetch()
        self._printed.fetch()
        self.record.fetch()
        missing = {number for number, _ in self._missing(workflow)}
        for number in sorted(missing):
            log.warning("the files of job %s are gone, it runs again", workflow.processes[number - 1].name)
        journal.forget(missing)
        log.info("attempt %d: %d jobs are done", settings.attempt, len(journal.done()))
        return workflow

    def _make_ready(self, variables: Mapping[str, str], options: Mapping[str, str | float], prefix: str) -> Workflow:
        settings = self._settings
        return make_ready(self._workdir, settings.run, settings.bucket, variables, options, prefix)

    def _keep_places(self, inputs: Mapping[str, str], prefix: str) -> None:
        """Write down for the engine where jobs find the files that were uploaded, and where they store theirs."""
        self._prefix = prefix
        places = {"bucket": self._settings.bucket, "prefix": prefix, "keys": of_inputs(prefix, inputs)}
        self._places.write_text(json.dumps(places), encoding="utf-8")

    def _download(self, prefix: str, uploaded: Mapping[str, str] | None = None) -> None:
        """Download the workflow: what was uploaded for this run, if that is known, or all that is below the prefix."""
        bucket = self._settings.bucket
        if uploaded is None:
            names = {key: key for key in self._objects.keys(bucket, prefix) if not key.endswith("/")}
        else:
            names = {stored(name, tag): name for name, tag in uploaded.items() if name.startswith(prefix)}
        refuse_outside(list(names.values()), bucket, prefix)
        targets = {key: self._workdir / name.removeprefix(prefix) for key, name in names.items()}
        for target in targets.values():
            target.parent.mkdir(parents=True, exist_ok=True)
        threads = Threads(TRANSFERS)
        downloads = [partial(self._objects.download, bucket, key, target) for key, target in targets.items()]
        for future in [threads.submit(download) for download in downloads]:
            future.result()

    def execute(self) -> int:
        """Run the engine to its end, its output shown and kept; return its exit code, as run.js tells it."""
        node = shutil.which("node")
        if not node:
            raise ConfigurationInvalid("Node.js was not found.", "install it: apt-get install nodejs")
        words = (node, str(template_path("engine/run.js")), "dag.json")
        self.record.start(resumed=self._settings.attempt > 1)
        self.keeper.start()
        with private_redis() as redis, self.log_file.open("ab") as kept:
            with child_process(words, self._workdir, self._environ(redis), subprocess.PIPE) as process:
                if process.stdout:
                    _show_and_keep(process.stdout, kept)
                return process.wait()

    def not_stored(self, workflow: Workflow) -> list[str]:
        """The files that jobs which are done have written and the bucket does not hold."""
        return [name for _, name in self._missing(workflow)]

    def _missing(self, workflow: Workflow) -> list[tuple[int, str]]:
        document = json.loads((self._workdir / "dag.json").read_text(encoding="utf-8"))
        return self._folder.missing(document, workflow, self.records.journal.done(), self._prefix)

    def _environ(self, redis: Path) -> dict[str, str]:
        settings = self._settings
        return {
            **os.environ,
            "NODE_PATH": str(settings.node_modules),
            "NODE_NO_WARNINGS": "1",  # of the engine's old libraries
            "REDIS_URL": str(redis),
            "AMQP_URL": settings.broker,
            "AMQP_QUEUE": settings.queue,
            "RUN_ID": settings.run,
            "HFECS_ATTEMPT": str(settings.attempt),
            "HFECS_KEEP_GOING": str(settings.keep_going).lower(),
            "HFECS_JOURNAL": str(self.records.journal.path),
            "HFECS_FAILURES": str(self.records.failures),
            "PRINTED_FILE": str(self._printed.path),
            "RECORD_FILE": str(self.record.jobs_file),
            "HFECS_PLACES": str(self._places),
            "HFECS_FUNCTION_SECONDS": str(settings.options.get("timeout", FUNCTION_SECONDS)),
        }


def _show_and_keep(output: IO[bytes], kept: IO[bytes]) -> None:
    for line in output:
        kept.write(line)
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
