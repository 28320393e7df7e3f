"""A run from its start to its result, as far as it goes without the engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from agents.conftest import BUCKET
from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.engine.broker import Broker
from hfecs.agents.engine.main import Agent
from hfecs.agents.engine.settings import Settings
from hfecs.agents.engine.workflow_run import WorkflowRun
from hfecs.errors import TimedOut, WorkflowInvalid

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class FakeBroker:
    """A broker that keeps what is published, or that is away."""

    def __init__(self) -> None:
        self.published: list[tuple[str, dict[str, Any]]] = []
        self.away = False

    def declare(self, jobs_queue: str, *, within: float) -> None:
        if self.away:
            raise TimedOut("The broker does not answer.")

    def publish(self, sender: str, kind: str, *, within: float, **facts: Any) -> None:
        if self.away:
            raise TimedOut("The broker does not answer.")
        self.published.append((kind, facts))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "node_modules/@hyperflow/hyperflow").mkdir(parents=True)
    environ = {"RUN_ID": "r", "BUCKET": BUCKET, "AMQP_URL": "amqp://m", "HFECS_ENGINE_HOME": str(tmp_path)}
    return Settings.from_environment({**environ, "HF_VAR_size": "25"})


def run(settings: Settings, broker: FakeBroker, directory: Path) -> int:
    agent = Agent(settings, ObjectStore(1), cast(Broker, broker), directory)
    outcome = agent.run()
    agent.report(outcome)
    return outcome.exit_code


def upload(s3: S3Client, **changes: Any) -> None:
    job = {
        "name": "j",
        "function": "amqpCommand",
        "config": {"executor": {"executable": "true"}},
        "ins": [0],
        "outs": [],
    }
    dag = {"name": "w", "processes": [job], "signals": [{"name": "a"}], "ins": [0], "outs": [], **changes}
    s3.put_object(Bucket=BUCKET, Key="workdir/dag.json", Body=json.dumps(dag))


def result(s3: S3Client) -> Any:
    return json.loads(s3.get_object(Bucket=BUCKET, Key="runs/r/result.json")["Body"].read())


def test_variables_of_the_workflow_come_from_the_environment(settings: Settings) -> None:
    assert settings.variables == {"size": "25"}


def test_a_workflow_that_cannot_be_run_ends_with_2_and_tells_its_faults(
    s3: S3Client, settings: Settings, tmp_path: Path
) -> None:
    upload(s3, ins=[7])
    broker = FakeBroker()

    exit_code = run(settings, broker, tmp_path)

    assert exit_code == 2
    assert "signal 7 is out of range" in result(s3)["error"]
    assert broker.published == [("workflow.r.finished", {"run": "r", "result": result(s3)})]


def test_a_run_whose_broker_never_comes_has_a_result_all_the_same(
    s3: S3Client, settings: Settings, tmp_path: Path
) -> None:
    upload(s3)
    broker = FakeBroker()
    broker.away = True

    exit_code = run(settings, broker, tmp_path)

    assert exit_code == 1
    assert (result(s3)["status"], result(s3)["error"]) == ("failed", "The broker does not answer.")


def test_an_object_that_climbs_out_of_the_workdir_is_refused(s3: S3Client, settings: Settings, tmp_path: Path) -> None:
    upload(s3)
    s3.put_object(Bucket=BUCKET, Key="workdir/../passwd", Body="x")

    with pytest.raises(WorkflowInvalid, match=r"workdir/\.\./passwd"):
        WorkflowRun(settings, ObjectStore(1), tmp_path).fetch()


def test_all_of_the_workdir_is_fetched(s3: S3Client, settings: Settings, tmp_path: Path) -> None:
    upload(s3)
    s3.put_object(Bucket=BUCKET, Key="workdir/sub/workflow.config.json", Body="{}")
    s3.put_object(Bucket=BUCKET, Key="input/large.fits", Body="not for the engine")

    workflow = WorkflowRun(settings, ObjectStore(1), tmp_path).fetch()

    assert len(workflow.processes) == 1
    assert (tmp_path / "workdir/sub/workflow.config.json").read_text() == "{}"
    assert not list(tmp_path.rglob("large.fits"))
