"""How a run ended."""

from __future__ import annotations

from pathlib import Path

from hfecs.agents.result import FAILED, Records, result


def test_a_result_counts_what_is_done_and_names_what_failed(tmp_path: Path) -> None:
    records = Records(tmp_path / "journal", tmp_path / "failures")
    records.journal.write_text('{"1":["info","/w","{}"]}\n{"1":["fired","1",1,1,[],[]]}\n{"1":["fired","1",2,')
    records.failures.write_text('{"id":"r-3","name":"three","exit_status":7}\n')

    told = result("r", "2026-01-01T00:00:00+00:00", FAILED, 3, records)

    assert (told["run"], told["status"], told["jobs"], told["done"]) == ("r", "failed", 3, 1)
    assert told["failed"] == [{"id": "r-3", "name": "three", "exit_status": 7}]
    assert "error" not in told


def test_a_run_that_never_began_has_a_result_too(tmp_path: Path) -> None:
    told = result("r", "now", FAILED, 0, Records(tmp_path / "journal", tmp_path / "failures"), "no workflow")

    assert (told["done"], told["failed"], told["error"]) == (0, [], "no workflow")
