"""A run's record in the formats of other tools."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from io import StringIO
from typing import Any

import pytest

from hfecs import workflow
from hfecs.record import exports, model
from hfecs.record.model import RunRecord, Stage
from hfecs.workflow import Workflow
from record.made import BEGAN, one, record, wide
from workflow.documents import document, process

SIZES = {"s0": 100, "s1": 200, "odd name ü": 300}


def ran() -> tuple[RunRecord, Workflow]:
    """Two jobs, the second behind the first, with a file of an odd name."""
    signals = [{"name": "s0"}, {"name": "s1"}, {"name": "odd name ü"}, {"name": "unknown"}]
    flow = workflow.from_document(
        document(process("a", [0], [1]), process("b b", [1], [2, 3]), signals=signals, name="flow")
    )
    stages = {
        "stage_in": Stage(BEGAN + 10, 1, 100),
        "execution": Stage(BEGAN + 11, 8),
        "stage_out": Stage(BEGAN + 19, 1, 200),
    }
    used = {"user_seconds": 3.0, "system_seconds": 1.0, "resident_bytes": 5000, "machine": "i-1"}
    tries = [one(1, 10, 20, **stages, **used), one(2, 25, 30, machine="i-1")]
    made = record(*model.jobs(flow, tries), facts={"engine": "1.7.0"}, seconds=40)
    return made, flow


def test_the_table_has_a_line_for_each_try() -> None:
    rows = list(csv.DictReader(StringIO(exports.table(ran()[0]))))

    assert [row["name"] for row in rows] == ["a", "b b"]
    assert tuple(rows[0]) == exports.COLUMNS
    numbers = {
        name: float(rows[0][name]) for name in ("started", "ended", "run_seconds", "stored_bytes", "resident_bytes")
    }
    assert numbers == {
        "started": BEGAN + 10,
        "ended": BEGAN + 20,
        "run_seconds": 8,
        "stored_bytes": 200,
        "resident_bytes": 5000,
    }
    assert rows[1]["user_seconds"] == ""


def test_the_spans_of_a_trace_nest_and_those_of_a_slot_do_not_overlap() -> None:
    made = wide(200)

    told = exports.trace(made)

    spans = [event for event in told["traceEvents"] if event["ph"] == "X"]
    by_slot: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for span in spans:
        assert span["dur"] >= 0
        by_slot[span["pid"], span["tid"]].append(span)
    for listed in by_slot.values():
        open_until: list[int] = []
        for span in sorted(listed, key=lambda span: (span["ts"], -span["dur"])):
            open_until = [end for end in open_until if end > span["ts"]]
            assert all(span["ts"] + span["dur"] <= end for end in open_until)
            open_until.append(span["ts"] + span["dur"])
    assert len([span for span in spans if span["cat"] != "stage"]) == 200
    assert sum(span["dur"] for span in spans if span["cat"] != "stage") / 1e6 == pytest.approx(
        sum(found.seconds for found in made.tries), rel=0.001
    )


def test_wfformat_has_the_graph_the_files_and_what_each_job_took() -> None:
    made, flow = ran()

    told = exports.wfformat(made, flow, SIZES, "0.1.0")

    assert told["schemaVersion"] == "1.6"
    first, second = told["workflow"]["specification"]["tasks"]
    assert (first["parents"], first["children"]) == ([], [second["id"]])
    assert (second["parents"], second["inputFiles"]) == ([first["id"]], ["s1"])
    files = {file["id"]: file["sizeInBytes"] for file in told["workflow"]["specification"]["files"]}
    assert files == {"s0": 100, "s1": 200, "odd_name__": 300}
    execution = told["workflow"]["execution"]
    assert execution["makespanInSeconds"] == 40
    assert execution["tasks"][0] | {"executedAt": ""} == {
        "id": first["id"], "runtimeInSeconds": 10, "executedAt": "", "command": {"program": "cp", "arguments": []},
        "coreCount": 1, "avgCPU": 50, "readBytes": 100, "writtenBytes": 200, "memoryInBytes": 5000, "machines": ["i-1"],
    }  # fmt: skip


def test_every_id_of_wfformat_is_allowed_given_once_and_there() -> None:
    made, flow = ran()
    told = exports.wfformat(made, flow, {**SIZES, "odd name ö": 1}, "0.1.0")["workflow"]["specification"]

    ids = [entry["id"] for part in ("tasks", "files") for entry in told[part]]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[0-9a-zA-Z_.#:/-]+", name) for name in ids)
    named = {
        name
        for task in told["tasks"]
        for key in ("parents", "children", "inputFiles", "outputFiles")
        for name in task[key]
    }
    assert named <= set(ids)


def test_a_run_of_which_nothing_is_recorded_has_its_graph_only() -> None:
    _, flow = ran()
    bare = record(*model.jobs(flow, []))

    assert "execution" not in exports.wfformat(bare, flow, {}, "0.1.0")["workflow"]
    assert exports.table(bare).count("\n") == 1
    assert exports.trace(bare)["traceEvents"] == []
    assert set(exports.hyperflow(bare, flow, {}).values()) == {""}


def test_the_files_of_hyperflow_have_the_fields_that_its_parser_reads() -> None:
    made, flow = ran()

    files = {
        name: [json.loads(line) for line in text.splitlines()]
        for name, text in exports.hyperflow(made, flow, SIZES).items()
    }

    described = files["job_descriptions.jsonl"][0]
    assert (described["jobId"], described["execTimeMs"], described["size"]) == ("r-1-1-1", 10_000, 2)
    assert described["inputs"] == [{"name": "s0", "size": 100}]
    events = [entry for entry in files["metrics.jsonl"] if entry["jobId"] == "r-1-1-1"]
    assert [entry["value"] for entry in events] == ["handlerStart", "jobStart", "jobEnd", "handlerEnd"]
    assert [entry["time"] for entry in events] == sorted(entry["time"] for entry in events)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", events[0]["time"])
    assert len(files["sys_info.jsonl"]) == 2
