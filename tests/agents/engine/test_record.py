"""The record of a run between the engine's machine and the bucket."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agents.conftest import BUCKET
from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.engine.record import RunRecord, facts
from hfecs.agents.engine.settings import Settings
from hfecs.record import model
from hfecs.record.model import Moment, Try

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SETTINGS = Settings("r-1", BUCKET, "amqp://localhost", "jobs", Path("/nowhere/node_modules"), {})


def kept(s3: S3Client, name: str) -> bytes:
    return bytes(s3.get_object(Bucket=BUCKET, Key=f"runs/r-1/{name}")["Body"].read())


def names(s3: S3Client) -> list[str]:
    return [entry["Key"].rpartition("/")[2] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def of(directory: Path) -> RunRecord:
    directory.mkdir(exist_ok=True)
    return RunRecord(SETTINGS, ObjectStore(1), directory)


def test_jobs_and_moments_are_kept_as_they_come(s3: S3Client, tmp_path: Path) -> None:
    record = of(tmp_path)
    record.jobs_file.write_text(model.line_of(Try(1, started=1.0, ended=2.0, exit_status=0)))
    record.note(Moment(5.0, workers=2, demand=4))
    record.note(Moment(15.0))

    record.keep()

    (one,) = model.tries(gzip.decompress(kept(s3, model.JOBS)).splitlines())
    assert one == Try(1, started=1.0, ended=2.0, exit_status=0)
    moments = list(model.curve(gzip.decompress(kept(s3, model.CURVE)).splitlines()))
    assert moments == [Moment(5.0, workers=2, demand=4), Moment(15.0)]


def test_a_later_attempt_goes_on_behind_the_lines_of_the_earlier_one(s3: S3Client, tmp_path: Path) -> None:
    first = of(tmp_path / "first")
    first.jobs_file.write_text(model.line_of(Try(1)))
    first.note(Moment(1.0))
    first.keep()

    second = of(tmp_path / "second")
    second.fetch()
    with second.jobs_file.open("a") as lines:
        lines.write(model.line_of(Try(2)))
    second.note(Moment(2.0))
    second.keep()

    assert [one.number for one in model.tries(gzip.decompress(kept(s3, model.JOBS)).splitlines())] == [1, 2]
    assert [one.at for one in model.curve(gzip.decompress(kept(s3, model.CURVE)).splitlines())] == [1.0, 2.0]


def test_without_a_cluster_nobody_asks_for_machines(
    s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLUSTER_NAME", raising=False)
    record = of(tmp_path)

    record.start(resumed=False)
    record.end()
    record.keep()

    assert names(s3) == []


def test_machines_are_kept_also_if_those_of_an_earlier_attempt_are_damaged(
    s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTER_NAME", "hyperflow")
    s3.put_object(Bucket=BUCKET, Key=f"runs/r-1/{model.MACHINES}", Body=b"[{")
    record = of(tmp_path)

    record.start(resumed=True)
    record.end()
    record.keep()

    assert json.loads(kept(s3, model.MACHINES)) == []


def test_the_versions_region_and_cluster_are_written_down(tmp_path: Path) -> None:
    package = tmp_path / "node_modules/@hyperflow/hyperflow/package.json"
    package.parent.mkdir(parents=True)
    package.write_text('{"version": "1.7.0"}')
    settings = replace(SETTINGS, node_modules=tmp_path / "node_modules")
    environ: dict[str, Any] = {"AWS_DEFAULT_REGION": "eu-west-1", "CLUSTER_NAME": "mine"}

    known = facts(settings, environ)

    assert known.pop("hfecs")
    assert known == {"engine": "1.7.0", "region": "eu-west-1", "cluster": "mine"}
    assert set(facts(SETTINGS, {})) == {"hfecs"}
