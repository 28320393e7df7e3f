"""Faults in the middle of a Montage run: the mosaic is the same as undisturbed, and what ran twice is told."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen

import pytest

from end_to_end.broker import PrivateBroker, private_broker
from end_to_end.fits import compare
from end_to_end.proxy import Proxy, proxy
from end_to_end.repeats import Repeats
from end_to_end.sites import Site, eventually
from hfecs.examples import montage

pytestmark = [pytest.mark.end_to_end, pytest.mark.reliability]

LONG = 240.0

HOLD = "if mkdir $SITE/held 2>/dev/null; then while [ ! -e $SITE/go ] && kill -0 $PPID; do sleep 0.05; done; fi"
"""The first of all jobs of a program waits for the test, and no longer than its executor lives."""

KILL_TWO = "if mkdir $SITE/first 2>/dev/null || mkdir $SITE/second 2>/dev/null; then sleep 0.5; kill -9 $PPID; fi"
KILL_ALL = "if [ $2 = fit_00_00-00_01.txt ]; then sleep 0.5; kill -9 $PPID; sleep 5; fi"
FAIL_TWICE = "if mkdir $SITE/first 2>/dev/null || mkdir $SITE/second 2>/dev/null; then exit 9; fi"


class Mosaic:
    """A run of the example in a bucket of its own, with executors and a network that a test can break."""

    def __init__(self, site: Site, opened: ExitStack) -> None:
        self.site = site
        self.run = f"r{uuid.uuid4().hex[:8]}"
        self.broker = opened.enter_context(proxy(site.broker_url))
        self.s3 = opened.enter_context(proxy(site.endpoint))
        self._opened = opened
        self._engine: Popen[bytes] | None = None
        site.broker_url = self.broker.url

    def start(self, fault: str = "", program: str = "mDiffFit") -> None:
        """Start the engine; each job of the program meets a line of shell first."""
        shims = self.site.directory / "shims"
        shims.mkdir()
        (shims / program).write_text(f'#!/bin/sh\n{fault}\nexec /usr/bin/{program} "$@"\n')
        (shims / program).chmod(0o755)
        self._engine = self._opened.enter_context(self.site.engine(self.run, AMQP_QUEUE=self.run))
        self._opened.callback(self._engine.kill)

    def executor(self, **environ: str) -> Popen[bytes]:
        """One more executor."""
        path = f"{self.site.directory}/shims:{os.environ['PATH']}"
        settings = {"AMQP_QUEUE": self.run, "SITE": str(self.site.directory), "PATH": path}
        return self._opened.enter_context(self.site.executor(**settings, AWS_ENDPOINT_URL=self.s3.url, **environ))

    def held(self) -> None:
        """Wait until a job is in the middle of its program."""
        eventually((self.site.directory / "held").exists, LONG)

    def go_on(self) -> None:
        """Let the job go on."""
        (self.site.directory / "go").touch()

    def ends(self) -> int:
        """Wait for the end of the run; the engine's exit code."""
        assert self._engine
        return self._engine.wait(LONG)

    def image(self) -> Path:
        """The mosaic that the run left."""
        path = self.site.directory / "mosaic.fits"
        self.site.s3.download_file(self.site.bucket, "input/mosaic.fits", str(path))
        return path


@pytest.fixture(scope="module")
def job_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("montage")
    montage.write(directory, grid=3, pixels=100)
    return directory


@pytest.fixture(scope="module")
def repeats(request: pytest.FixtureRequest) -> Iterator[Repeats]:
    """What ran more than once in all these tests, shown at their end."""
    seen = Repeats()
    yield seen
    writer = request.config.get_terminal_writer()
    for line in seen.table():
        writer.line(line)


@pytest.fixture
def mosaic(site: Site, job_directory: Path) -> Iterator[Mosaic]:
    _upload(site, job_directory)
    with ExitStack() as opened:
        yield Mosaic(site, opened)


def _upload(site: Site, job_directory: Path) -> None:
    for path in job_directory.rglob("*"):
        if path.is_file():
            site.s3.upload_file(str(path), site.bucket, str(path.relative_to(job_directory)))


@pytest.fixture(scope="module")
def undisturbed(
    aws_endpoint: str, rabbitmq: PrivateBroker, job_directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The mosaic of a run without faults."""
    site = Site(aws_endpoint, rabbitmq.url, f"bucket-{uuid.uuid4().hex[:12]}", tmp_path_factory.mktemp("undisturbed"))
    site.s3.create_bucket(Bucket=site.bucket)
    site.temporary.mkdir()
    _upload(site, job_directory)
    with ExitStack() as opened:
        run = Mosaic(site, opened)
        run.start()
        run.executor()
        assert run.ends() == 0, site.log("engine")
        return run.image()


def same(mosaic: Mosaic, undisturbed: Path) -> bool:
    """Whether every pixel is the same."""
    difference = compare(mosaic.image(), undisturbed)
    return difference.same_size and difference.only_in_one == 0 and difference.greatest == 0.0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_an_executor_goes_away(mosaic: Mosaic, undisturbed: Path, repeats: Repeats, how: signal.Signals) -> None:
    mosaic.start(HOLD)
    first = mosaic.executor(STOP_TIMEOUT="0")
    mosaic.held()
    first.send_signal(how)
    first.wait(LONG)
    mosaic.executor()

    assert mosaic.ends() == 0
    assert same(mosaic, undisturbed)
    told = repeats.of(f"an executor gets {how.name}", mosaic.site, mosaic.run)
    held = [repeat for repeat in told if repeat.program == "mDiffFit"]  # and its neighbour, if one was at work
    assert {(repeat.tries, repeat.executors) for repeat in held} == {(2, 2)}
    assert all(("returned it" if how == signal.SIGTERM else "was lost") in repeat.why for repeat in held)


def test_the_connections_to_the_broker_are_cut(mosaic: Mosaic, undisturbed: Path, repeats: Repeats) -> None:
    mosaic.start(HOLD)
    mosaic.executor()
    mosaic.held()
    mosaic.broker.cut()
    eventually(lambda: "is lost" in mosaic.site.log("worker"), LONG)
    mosaic.go_on()

    assert mosaic.ends() == 0
    assert same(mosaic, undisturbed)
    told = repeats.of("the network is cut", mosaic.site, mosaic.run)
    assert "mDiffFit" in {repeat.program for repeat in told}
    assert {repeat.why for repeat in told} == {"the connection to the broker was lost"}


def test_the_network_to_the_broker_falls_silent(mosaic: Mosaic, undisturbed: Path, repeats: Repeats) -> None:
    mosaic.site.broker_url += "?heartbeat=2"
    mosaic.start(HOLD)
    mosaic.executor()
    mosaic.held()
    mosaic.broker.fall_silent()
    eventually(lambda: "is lost" in mosaic.site.log("worker"), LONG)
    mosaic.go_on()

    assert mosaic.ends() == 0
    assert same(mosaic, undisturbed)
    assert "mDiffFit" in {repeat.program for repeat in repeats.of("the network is silent", mosaic.site, mosaic.run)}


def test_the_broker_restarts(site: Site, job_directory: Path, undisturbed: Path, repeats: Repeats) -> None:
    _upload(site, job_directory)
    with private_broker() as broker, ExitStack() as opened:
        site.broker_url = broker.url
        mosaic = Mosaic(site, opened)
        mosaic.start(HOLD)
        mosaic.executor()
        mosaic.held()
        broker.kill()
        mosaic.go_on()
        broker.start()

        assert mosaic.ends() == 0, site.log("engine")
        assert same(mosaic, undisturbed)
        assert repeats.of("the broker restarts", site, mosaic.run) != []


def test_s3_fails_for_a_while(mosaic: Mosaic, undisturbed: Path, repeats: Repeats) -> None:
    mosaic.start(HOLD)
    mosaic.executor()
    mosaic.held()
    _break(mosaic.s3)
    mosaic.go_on()
    eventually(lambda: "next attempt in" in mosaic.site.log("worker"), LONG)
    mosaic.s3.broken = False

    assert mosaic.ends() == 0
    assert same(mosaic, undisturbed)
    assert repeats.of("S3 fails for a while", mosaic.site, mosaic.run) == []


def _break(network: Proxy) -> None:
    network.broken = True
    network.cut()


def test_a_program_fails_twice(mosaic: Mosaic, undisturbed: Path, repeats: Repeats) -> None:
    mosaic.start(FAIL_TWICE, "mBgModel")
    mosaic.executor()

    assert mosaic.ends() == 0
    assert same(mosaic, undisturbed)
    (repeated,) = repeats.of("a program fails twice", mosaic.site, mosaic.run)
    assert (repeated.program, repeated.tries) == ("mBgModel", 3)
    assert repeated.why == "mBgModel ended with exit code 9."


def test_a_job_kills_two_executors(mosaic: Mosaic, undisturbed: Path, repeats: Repeats) -> None:
    mosaic.start(KILL_TWO, "mBgModel")
    for _ in range(2):
        assert mosaic.executor().wait(LONG) == -signal.SIGKILL
    mosaic.executor()

    assert mosaic.ends() == 0
    assert same(mosaic, undisturbed)
    (repeated, *_) = repeats.of("a job kills two executors", mosaic.site, mosaic.run)
    assert (repeated.program, repeated.tries) == ("mBgModel", 3)


def test_a_job_that_kills_all_executors_is_given_up(mosaic: Mosaic, repeats: Repeats) -> None:
    mosaic.start(KILL_ALL)
    for _ in range(3):
        assert mosaic.executor().wait(LONG) == -signal.SIGKILL
    mosaic.executor()

    assert mosaic.ends() == 1
    (failed,) = mosaic.site.result(mosaic.run)["failed"]
    assert (failed["executable"], failed["attempts"]) == ("mDiffFit", 3)
    assert "The job was given up: it was delivered 3 times" in failed["exceptions"][0]
    repeats.of("a job kills all executors", mosaic.site, mosaic.run)


def test_a_program_is_missing(mosaic: Mosaic) -> None:
    dag = mosaic.site.read("workdir/dag.json").replace('"mBgModel"', '"mBgModelOfTomorrow"')
    mosaic.site.s3.put_object(Bucket=mosaic.site.bucket, Key="workdir/dag.json", Body=dag)
    mosaic.start()
    mosaic.executor()

    assert mosaic.ends() == 1
    (failed,) = mosaic.site.result(mosaic.run)["failed"]
    assert (failed["exit_status"], failed["attempts"]) == (127, 1)
    assert failed["exceptions"] == ["The program mBgModelOfTomorrow was not found on the executor."]
