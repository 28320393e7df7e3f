"""What a run tells all its jobs, and what a workflow says of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hfecs.agents.engine.dag import completed
from hfecs.agents.engine.settings import Settings
from hfecs.workflow import from_document

ENVIRON = {"RUN_ID": "r", "BUCKET": "b", "AMQP_URL": "amqp://broker"}


def options_of(own: dict[str, Any], options: dict[str, str | float]) -> dict[str, Any]:
    """The options of a job that the workflow gives `own`, in a run with `options`."""
    executor = {"executable": "cat", "args": [], "options": own}
    process = {"name": "one", "function": "amqpCommand", "ins": [0], "outs": [1], "config": {"executor": executor}}
    document = {"processes": [process], "signals": [{"name": "a"}, {"name": "b"}], "ins": [0], "outs": [1]}
    (made,) = completed(document, from_document(document), "r", "b", options)["processes"]
    return dict(made["config"]["executor"]["options"])


def test_jobs_are_told_the_storage_and_image_of_their_run() -> None:
    told = options_of({}, {"storage": "nfs", "workdir": "run-1", "container": "soykb:1"})

    assert (told["storage"], told["workdir"], told["container"]) == ("nfs", "run-1", "soykb:1")


def test_what_the_workflow_says_of_a_job_goes_before_what_the_run_says_of_all() -> None:
    assert options_of({"container": "own:1"}, {"container": "soykb:1"})["container"] == "own:1"


def test_without_options_files_are_in_the_bucket_and_jobs_in_no_container() -> None:
    told = options_of({}, {})

    assert (told["storage"], told["bucket"], "container" in told) == ("s3", "b", False)


def test_the_engine_reads_the_options_of_a_run_from_its_environment(tmp_path: Path) -> None:
    (tmp_path / "node_modules" / "@hyperflow" / "hyperflow").mkdir(parents=True)
    told = {"STORAGE": "local", "WORKDIR": "/data", "CONTAINER": "", "RETRIES": "0", "TIMEOUT": "60"}

    settings = Settings.from_environment({**ENVIRON, **told, "HFECS_ENGINE_HOME": str(tmp_path)})

    assert settings.options == {"storage": "local", "workdir": "/data", "retries": 0, "timeout": 60}
