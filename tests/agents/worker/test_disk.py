"""Jobs on a disk that is full, and with files that they may not touch."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.worker.doing import Executor
from hfecs.agents.worker.disk import is_full, sentence
from hfecs.agents.worker.job import Job, Options

BYTES = 2 * 1024 * 1024


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={BYTES}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let us mount a disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def job(line: str, options: Options, inputs: tuple[str, ...] = (), outputs: tuple[str, ...] = ()) -> Job:
    return Job("r-1", "one", "r", "sh", ("-c", line), {}, inputs, outputs, "", "", options)


def test_inputs_that_do_not_fit_on_the_disk_are_told_as_such(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "big").write_bytes(bytes(2 * BYTES))
    monkeypatch.setattr("tempfile.tempdir", str(small))

    reply = Executor().do(job("true", Options("nfs", workdir=str(tmp_path)), ("big",)))

    assert reply.exit_status == 1
    assert reply.exceptions[0].startswith("The disk of the executor is full: ")
    assert reply.attempts == 3
    assert list(small.iterdir()) == []


def test_a_program_that_fills_the_disk_fails_with_a_sentence_about_the_disk(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(small))
    options = Options("nfs", workdir=str(tmp_path), retries=0)

    reply = Executor().do(job(f"head -c {2 * BYTES} /dev/zero > out", options, (), ("out",)))

    assert "No space left on device" in reply.stderr
    (problem,) = reply.exceptions
    assert problem.startswith("sh ended with exit code 1. The disk of ")
    assert problem.endswith(" on the executor is full.")
    assert not (tmp_path / "out").exists()


def test_a_result_that_does_not_fit_on_the_file_server_leaves_the_finished_one_alone(small: Path) -> None:
    (small / "out").write_text("finished")
    options = Options("nfs", workdir=str(small), retries=0)

    reply = Executor().do(job(f"head -c {2 * BYTES} /dev/zero > out", options, (), ("out",)))

    assert "is full" in reply.exceptions[0]
    assert (small / "out").read_text() == "finished"
    assert [path.name for path in small.iterdir()] == ["out"]


def test_a_program_that_may_not_write_so_large_a_file_is_ended_by_the_signal_for_it(tmp_path: Path) -> None:
    options = Options("local", workdir=str(tmp_path), retries=0)

    reply = Executor().do(job("ulimit -f 1; exec head -c 100000 /dev/zero > out", options))

    assert reply.exceptions == ("sh was killed by SIGXFSZ.",)


def test_a_file_that_may_not_be_used_is_named() -> None:
    told = sentence(PermissionError(13, "Permission denied", "/data/input/a.fits"))

    assert told == "The executor may not use the job's file /data/input/a.fits: Permission denied."


def test_a_disk_with_room_is_not_full(tmp_path: Path) -> None:
    assert not is_full(tmp_path)
    assert not is_full(tmp_path / "nowhere")
