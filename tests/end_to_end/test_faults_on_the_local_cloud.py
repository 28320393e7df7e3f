"""Containers that are killed in the middle of a Montage run: ECS starts others, and the mosaic is the same."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from end_to_end.fits import compare
from end_to_end.project import Project, project, wait_until
from hfecs.local.processes import processes_of

pytestmark = [pytest.mark.end_to_end, pytest.mark.reliability]

QUICK = "[scaling]\nasg_min = 1\nasg_desired = 1\nasg_max = 1\n"
LONG = 240

HOLD = """#!/bin/sh
if mkdir {folder}/held 2>/dev/null; then echo $PPID > {folder}/executor; touch {folder}/begun
while [ ! -e {folder}/go ] && kill -0 $PPID; do sleep 0.05; done; fi
exec /usr/bin/mDiffFit "$@"
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project with one worker, on whose machine mDiffFit waits for the test once it is asked to."""
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / "mDiffFit").write_text('#!/bin/sh\nexec /usr/bin/mDiffFit "$@"\n')
    (shims / "mDiffFit").chmod(0o755)
    monkeypatch.setenv("PATH", str(shims), prepend=":")
    (tmp_path / "hfecs.toml").write_text(QUICK)
    with project(tmp_path) as made:
        made.done("example", "montage", "montage", "--grid", "3", "--pixels", "100")
        made.done("--local", "cluster", "up")
        yield made


def test_worker_and_broker_are_killed_and_the_mosaic_is_the_same(here: Project) -> None:
    here.done("--local", "run", "montage", "--bucket", "undisturbed", "--download", "undisturbed")
    (here.folder / "shims" / "mDiffFit").write_text(HOLD.format(folder=here.folder))

    with here.running("--local", "run", "montage", "--bucket", "disturbed", "--download", "disturbed") as run:
        wait_until((here.folder / "begun").exists, what="a job to be held", seconds=LONG)
        first = int((here.folder / "executor").read_text())
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: set(_processes(here, b"agent\0worker")) - {first}, what="another worker", seconds=LONG)
        (broker,) = _processes(here, b"beam.smp")
        os.kill(broker, signal.SIGKILL)
        wait_until(lambda: set(_processes(here, b"beam.smp")) - {broker}, what="another broker", seconds=LONG)
        (here.folder / "go").touch()
        said = _ended(here, run)

    assert run.returncode == 0, said
    difference = compare(here.folder / "disturbed" / "mosaic.fits", here.folder / "undisturbed" / "mosaic.fits")
    assert (difference.same_size, difference.only_in_one, difference.greatest) == (True, 0, 0.0)


def _ended(here: Project, run: subprocess.Popen[str]) -> str:
    """What a run said until its end; one that has no end fails with what engine and worker said."""
    try:
        return run.communicate(timeout=LONG)[0]
    except subprocess.TimeoutExpired:
        logs = [here.hfecs("--local", "logs", part).stdout[-5000:] for part in ("runner", "worker", "master")]
        pytest.fail("the run does not end:\n" + "\n".join(logs))


def _processes(here: Project, words: bytes) -> list[int]:
    found = [process.pid for process in processes_of(here.folder / ".hfecs")]
    return [pid for pid in found if words in _command(pid)]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
