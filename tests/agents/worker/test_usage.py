"""What jobs use, held against programs whose use is known; each figure is the job's own, whatever the executor uses."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from agents.worker.docker import stand_in
from hfecs.agents.worker.cancellation import Cancellation
from hfecs.agents.worker.process import Command, run, run_in_container

MEGABYTE = 1_000_000
BURNING = "import time; begin = time.process_time()\nwhile time.process_time() < begin + 0.5: pass"
FILLING = "filled = bytearray(b'1') * {bytes}; import time; time.sleep(0.2)"


@pytest.fixture(params=[0, 300 * MEGABYTE], ids=["small executor", "large executor"])
def executor(request: pytest.FixtureRequest) -> bytes:
    """What an executor has in memory beside its code."""
    return b"1" * int(request.param)


def used(directory: Path, program: str, *words: str) -> Mapping[str, float]:
    ended = run(Command((program, *words), directory, {}), Cancellation())
    assert (ended.exit_status, ended.stderr) == (0, "")
    return ended.metrics


def python(directory: Path, *lines: str) -> Mapping[str, float]:
    return used(directory, sys.executable, "-S", "-c", "\n".join(lines))


def seconds(metrics: Mapping[str, float]) -> float:
    return metrics["user_seconds"] + metrics["system_seconds"]


def start(child: str, then: str) -> str:
    """A line that starts a child, and another that follows."""
    words = f"[sys.executable, '-S', '-c', {child!r}]"
    return f"import os, sys, time; child = os.spawnv(os.P_NOWAIT, sys.executable, {words}); {then}"


def test_a_program_that_does_nothing_has_the_memory_of_a_small_program(tmp_path: Path, executor: bytes) -> None:
    assert 0 < used(tmp_path, "true")["resident_bytes"] < 10 * MEGABYTE
    assert 0.5 * MEGABYTE < used(tmp_path, "sleep", "0.1")["resident_bytes"] < 10 * MEGABYTE


def test_a_program_that_fills_200_megabytes_has_them(tmp_path: Path, executor: bytes) -> None:
    metrics = python(tmp_path, FILLING.format(bytes=200 * MEGABYTE))

    assert metrics["resident_bytes"] == pytest.approx(205 * MEGABYTE, rel=0.1)


def test_memory_that_was_given_back_counts(tmp_path: Path) -> None:
    metrics = python(tmp_path, FILLING.format(bytes=100 * MEGABYTE), "del filled; time.sleep(0.2)")

    assert metrics["resident_bytes"] == pytest.approx(105 * MEGABYTE, rel=0.1)


def test_memory_of_processes_side_by_side_is_added(tmp_path: Path, executor: bytes) -> None:
    filling = FILLING.format(bytes=80 * MEGABYTE) + "; time.sleep(0.5)"

    metrics = python(tmp_path, start(filling, ""), start(filling, "time.sleep(0.7)"))

    assert metrics["resident_bytes"] == pytest.approx(185 * MEGABYTE, rel=0.1)


WAITED = "os.waitpid(child, 0)"
IGNORED = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)"
PAUSE = "time.sleep(1.5)"


@pytest.mark.parametrize(
    "lines",
    [
        [start(BURNING, WAITED)],
        [start(BURNING, PAUSE)],
        [IGNORED, start(BURNING, PAUSE)],
        [start(start(BURNING, ""), WAITED), PAUSE],
    ],
    ids=["waited for", "not waited for", "ended unseen by its parent", "left by its parent"],
)
def test_the_time_of_children_counts_once(tmp_path: Path, lines: list[str]) -> None:
    assert seconds(python(tmp_path, *lines)) == pytest.approx(0.56, abs=0.14)


def test_the_time_of_what_is_left_in_the_background_counts_until_it_is_ended(tmp_path: Path) -> None:
    metrics = used(tmp_path, "sh", "-c", f"{sys.executable} -S -c 'while True: pass' & sleep 0.5")

    assert 0.25 < seconds(metrics) < 0.7


def test_many_short_children_count_once(tmp_path: Path) -> None:
    loop = "i=0; while [ $i -lt 200 ]; do sh -c :; i=$((i+1)); done"

    first = seconds(used(tmp_path, "sh", "-c", loop))
    second = seconds(used(tmp_path, "sh", "-c", f"sh -c '{loop}'; {loop}"))

    assert second == pytest.approx(2 * first, rel=0.5)


def test_what_a_container_uses_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    ended = run_in_container("image", True, Command(("true",), tmp_path, {}), Cancellation())

    assert (ended.exit_status, ended.metrics) == (0, {})
