"""How a run ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hfecs.agents.engine.journal import Journal
from hfecs.agents.engine.result import Records, brief, tally
from hfecs.workflow import Workflow, from_document


def workflow(*edges: tuple[list[int], list[int]]) -> Workflow:
    """Processes by the signals that they read and write; signal 0 is the input."""
    signals = {signal for ins, outs in edges for signal in (*ins, *outs)}
    return from_document(
        {
            "processes": [
                {"name": f"job {number}", "function": "noop", "ins": ins, "outs": outs}
                for number, (ins, outs) in enumerate(edges, start=1)
            ],
            "signals": [{"name": f"file {signal}"} for signal in sorted(signals)],
            "ins": [0],
            "outs": [],
        }
    )


def records(directory: Path, journal: list[list[Any]], failures: list[str]) -> Records:
    kept = Records(Journal(directory / "journal"), directory / "failures")
    kept.journal.path.write_text("".join(json.dumps(entry) + "\n" for entry in journal))
    kept.failures.write_text("".join(json.dumps({"id": job, "exit_status": 7}) + "\n" for job in failures))
    return kept


def test_a_tally_counts_what_is_done_and_says_what_never_ran_because_of_which_job(tmp_path: Path) -> None:
    steps = workflow(([0], [1]), ([0], [2]), ([1], [3]), ([2], [4]), ([3, 4], [5]))
    kept = records(tmp_path, [["sent", 2], ["fired", "1", "1", 1, []], ["fired", "1", "3", 1, []]], ["r-2"])

    told = tally(steps, kept)

    assert (told["jobs"], told["done"], told["never_ran"]) == (5, 2, 2)
    assert told["failed"] == [{"id": "r-2", "exit_status": 7, "never_ran": 2}]


def test_a_job_behind_two_failed_ones_never_ran_because_of_both(tmp_path: Path) -> None:
    told = tally(workflow(([0], [1]), ([0], [2]), ([1, 2], [3])), records(tmp_path, [], ["r-1", "r-2"]))

    assert told["never_ran"] == 1
    assert [job["never_ran"] for job in told["failed"]] == [1, 1]


def test_lines_that_were_cut_off_when_the_engine_was_killed_are_passed_over(tmp_path: Path) -> None:
    kept = records(tmp_path, [["fired", "1", "1", 1, []]], ["r-2"])
    for path in (kept.journal.path, kept.failures):
        path.write_text(path.read_text() + '["fired", "1", ')

    told = tally(workflow(([0], [1]), ([1], [2])), kept)

    assert (told["done"], len(told["failed"])) == (1, 1)


def test_a_run_that_never_began_has_a_tally_too(tmp_path: Path) -> None:
    told = tally(None, Records(Journal(tmp_path / "journal"), tmp_path / "failures"))

    assert told == {"jobs": 0, "done": 0, "never_ran": 0, "failed": []}


def test_an_event_of_a_result_with_thousands_of_failed_jobs_is_small() -> None:
    job = {"id": "r-1", "name": "one", "exit_status": 1, "args": ["x"] * 100, "stdout": "y" * 4000, "never_ran": 2}

    event = brief({"status": "failed", "jobs": 3000, "failed": [job] * 2000})

    assert (event["status"], event["jobs"], event["failed_jobs"]) == ("failed", 3000, 2000)
    assert event["failed"] == [{"id": "r-1", "name": "one", "exit_status": 1, "never_ran": 2}] * 5
    assert len(json.dumps(event)) < 1000


def test_an_event_of_a_result_without_failed_jobs_is_the_result() -> None:
    assert brief({"status": "succeeded", "failed": []}) == {"status": "succeeded", "failed": []}
