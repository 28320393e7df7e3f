"""The engine is killed in the middle of a mosaic; somebody else goes on with the run, and it is the same mosaic."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from end_to_end.fits import compare
from end_to_end.project import Project, project, wait_until
from hfecs.aws.clients import Cloud
from hfecs.aws.errors import ignoring
from hfecs.local import client
from hfecs.local.processes import processes_of

pytestmark = [pytest.mark.end_to_end, pytest.mark.reliability]

MONTAGE = ("montage", "--bucket", "mosaics-of-the-lost")


HOLD = """#!/bin/sh
while [ ! -e {folder}/go ] && kill -0 $PPID; do sleep 0.05; done
exec /usr/bin/mConcatFit "$@"
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project with a cluster that has a worker, on whose machine mConcatFit waits until it may go on."""
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / "mConcatFit").write_text(HOLD.format(folder=tmp_path))
    (shims / "mConcatFit").chmod(0o755)
    monkeypatch.setenv("PATH", str(shims), prepend=":")
    (tmp_path / "hfecs.toml").write_text("[scaling]\nasg_desired = 1\n")
    with project(tmp_path) as made:
        made.done("example", "montage", "montage", "--grid", "3", "--pixels", "100")
        made.done("--local", "cluster", "up")
        yield made


def test_a_run_whose_runner_was_killed_ends_with_the_same_mosaic(here: Project) -> None:
    go_on = here.folder / "go"
    go_on.touch()
    here.done("--local", "run", "montage", "--bucket", "mosaics", "--download", "undisturbed")
    go_on.unlink()

    with here.running("--local", "run", *MONTAGE) as process:
        wait_until(lambda: told(here, "fired") > 5, what="some jobs to be done", seconds=120)
        kill_the_engine(here.folder)
        before = journal(here)
        said, _ = process.communicate(timeout=120)
    lost = re.search(r"Run (\S+) is lost", said)
    assert lost and f"hfecs --local run --resume {lost[1]}" in said, said
    assert here.status()["run_state"] == "lost"
    attached = here.hfecs("--local", "run", "--attach").stderr
    assert "is lost" in attached and "mProject" not in attached

    go_on.touch()
    options = ("--bucket", MONTAGE[2], "--download", "resumed")
    resumed = here.done("--local", "--state", "elsewhere.json", "run", "--resume", lost[1], *options)

    assert re.search(r"\(attempt 2\) succeeded: (\d+) of \1 jobs", resumed), resumed
    difference = compare(here.folder / "resumed" / "mosaic.fits", here.folder / "undisturbed" / "mosaic.fits")
    assert (difference.same_size, difference.only_in_one, difference.greatest) == (True, 0, 0)
    assert sent_again(before, journal(here)) == set()


def told(here: Project, what: str) -> int:
    """How often the journal in the bucket tells of something."""
    return sum(entry[0] == what for entry in journal(here))


def journal(here: Project) -> list[Any]:
    """The journal of the only run in the second bucket."""
    cloud = client.find(here.folder / ".hfecs")
    assert cloud
    s3 = Cloud(region="us-east-1", endpoint_url=cloud.endpoint_url, environment=cloud.environment()).s3
    with ignoring("NoSuchBucket"):
        listed = s3.list_objects_v2(Bucket=MONTAGE[2], Prefix="runs/").get("Contents", [])
        for key in [entry["Key"] for entry in listed if entry["Key"].endswith("journal.jsonl.gz")]:
            packed = s3.get_object(Bucket=MONTAGE[2], Key=key)["Body"].read()
            return [json.loads(line) for line in gzip.decompress(packed).splitlines()]
    return []


def sent_again(before: list[Any], after: list[Any]) -> set[int]:
    """The jobs that the journal knew of when the engine was killed, and that were sent once more."""
    known = {entry[1] for entry in before if entry[0] == "sent"}
    sent = [entry[1] for entry in after if entry[0] == "sent"]
    return {number for number in known if sent.count(number) > 1}


def kill_the_engine(folder: Path) -> None:
    """Kill the agent and what it started, which may end with it before its own turn comes."""
    for found in processes_of(folder / ".hfecs"):
        if "engine" in found.what:
            with suppress(ProcessLookupError):
                os.kill(found.pid, signal.SIGKILL)
