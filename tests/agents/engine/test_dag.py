"""dag.json made ready for the engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hfecs.agents.engine.dag import make_ready
from hfecs.errors import WorkflowInvalid


def process(name: str, ins: list[int], outs: list[int], **parts: Any) -> dict[str, Any]:
    config = {"executor": {"executable": "cp", "args": ["a", "b"]}}
    return {"name": name, "function": "{{function}}", "config": config, "ins": ins, "outs": outs, **parts}


def ready(directory: Path, *processes: dict[str, Any], signals: list[dict[str, Any]], **variables: str) -> Any:
    dag = {"name": "w", "processes": processes, "signals": signals, "ins": [0], "outs": [1]}
    (directory / "dag.json").write_text(json.dumps(dag))
    make_ready(directory, "run-7", "bucket", variables)
    return json.loads((directory / "dag.json").read_text())


A_TO_B = [{"name": "a"}, {"name": "b"}]


def test_each_job_is_told_where_its_files_are(tmp_path: Path) -> None:
    dag = ready(tmp_path, process("copy", [0], [1]), signals=A_TO_B)

    (job,) = dag["processes"]
    assert job["config"]["executor"]["options"] == {
        "storage": "s3",
        "bucket": "bucket",
        "prefix": "input/",
        "wfid": "run-7",
        "hfId": "run-7",
        "procId": 1,
    }
    assert (job["function"], job["firingLimit"], job["type"]) == ("amqpCommand", 1, "dataflow")


def test_the_options_of_a_job_itself_prevail(tmp_path: Path) -> None:
    own = process("copy", [0], [1])
    own["config"]["executor"]["options"] = {"prefix": "elsewhere/", "timeout": 60}

    dag = ready(tmp_path, own, signals=A_TO_B)

    options = dag["processes"][0]["config"]["executor"]["options"]
    assert (options["prefix"], options["timeout"], options["bucket"]) == ("elsewhere/", 60, "bucket")


@pytest.mark.parametrize(
    ("own", "prefix"),
    [
        ({"prefix": "input/"}, "runs/run-7/files/"),
        ({"prefix": "input", "bucket": "bucket", "storage": "s3"}, "runs/run-7/files/"),
        ({"prefix": ""}, ""),
        ({"bucket": "other"}, "input/"),
        ({"bucket": "other", "prefix": "input/"}, "input/"),
    ],
)
def test_jobs_that_name_the_old_place_of_the_files_of_their_run_find_them(
    tmp_path: Path, own: dict[str, str], prefix: str
) -> None:
    job = process("copy", [0], [1])
    job["config"]["executor"]["options"] = own
    (tmp_path / "dag.json").write_text(
        json.dumps({"name": "w", "processes": [job], "signals": A_TO_B, "ins": [0], "outs": [1]})
    )

    make_ready(tmp_path, "run-7", "bucket", {}, prefix="runs/run-7/files/")

    made = json.loads((tmp_path / "dag.json").read_text())["processes"][0]["config"]["executor"]["options"]
    assert made["prefix"] == prefix


def test_functions_that_are_no_jobs_get_no_options(tmp_path: Path) -> None:
    dag = ready(tmp_path, process("count", [0], [1], function="count"), signals=A_TO_B)

    assert "options" not in dag["processes"][0]["config"]["executor"]


def test_inputs_are_sent_once_with_or_without_data_in_the_file(tmp_path: Path) -> None:
    signals: list[dict[str, Any]] = [{"name": "a"}, {"name": "b"}, {"name": "c", "data": [{"n": 1}]}]

    dag = ready(tmp_path, process("copy", [0, 2], [1]), signals=signals)

    assert [signal.get("data") for signal in dag["signals"]] == [[{}], None, [{"n": 1}]]


def test_variables_are_filled_in(tmp_path: Path) -> None:
    job = process("copy {{size}}", [0], [1])

    assert ready(tmp_path, job, signals=A_TO_B, size="25")["processes"][0]["name"] == "copy 25"


def test_the_functions_that_the_user_brought_are_kept(tmp_path: Path) -> None:
    (tmp_path / "functions.js").write_text("exports.mine = 1;")

    ready(tmp_path, process("copy", [0], [1]), signals=A_TO_B)

    assert (tmp_path / "functions.user.js").read_text() == "exports.mine = 1;"
    assert "amqpCommand" in (tmp_path / "functions.js").read_text()


def test_a_bucket_without_a_workflow_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkflowInvalid, match=r"workdir/dag\.json of the bucket bucket cannot be read"):
        make_ready(tmp_path, "run-7", "bucket", {})


def test_jobs_of_all_names_go_to_the_workers(tmp_path: Path) -> None:
    dag = ready(tmp_path, process("copy", [0], [1], function="command"), signals=A_TO_B)

    assert dag["processes"][0]["function"] == "amqpCommand"
    assert dag["processes"][0]["config"]["executor"]["options"]["bucket"] == "bucket"


def test_each_process_runs_once_and_names_its_signals_by_index(tmp_path: Path) -> None:
    own: dict[str, Any] = {"firingLimit": None, "type": "task", "parlevel": 0, "ordering": "true"}
    written = process("copy", [0], [1]) | own | {"ins": ["a:b"], "outs": ["1"]}

    dag = ready(tmp_path, written, signals=[{"name": "a:b", "data": []}, {"name": "1", "data": []}])

    (job,) = dag["processes"]
    assert (job["ins"], job["outs"], job["firingLimit"], job["type"]) == ([0], [1], 1, "dataflow")
    assert not {"parlevel", "ordering"} & set(job)
    assert [signal.get("data") for signal in dag["signals"]] == [[{}], None]


def test_the_engine_gets_old_files_under_the_present_names(tmp_path: Path) -> None:
    old = {"name": "w", "tasks": [process("copy", [0], [1])], "data": A_TO_B, "ins": [0], "outs": [1]}
    (tmp_path / "dag.json").write_text(json.dumps(old))

    make_ready(tmp_path, "run-7", "bucket", {})

    dag = json.loads((tmp_path / "dag.json").read_text())
    assert (len(dag["processes"]), len(dag["signals"])) == (1, 2)


def test_a_function_that_nobody_has_is_refused_before_the_engine_starts(tmp_path: Path) -> None:
    with pytest.raises(WorkflowInvalid, match="has a function amqpcommand; did you mean amqpCommand"):
        ready(tmp_path, process("copy", [0], [1], function="amqpcommand"), signals=A_TO_B)
