"""The record of runs, from the executor to the bucket: the real broker, engine and executor."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Sequence

import pytest

from end_to_end.sites import Site, chain, events_of, eventually
from hfecs.record import model
from hfecs.record.model import Try

pytestmark = pytest.mark.end_to_end

FLAKY = "test -e $SITE/seen || { touch $SITE/seen; exit 3; }; cp file_1 file_2"


def recorded(site: Site, run: str) -> list[Try]:
    key = f"runs/{run}/{model.JOBS}"
    if key not in site.objects():
        return []
    body = site.s3.get_object(Bucket=site.bucket, Key=key)["Body"].read()
    return list(model.tries(gzip.decompress(body).splitlines()))


def plain(tries: Sequence[Try]) -> list[tuple[int, int | None]]:
    return [(one.number, one.exit_status) for one in tries]


def test_each_try_of_each_job_is_recorded_with_its_times_and_sizes(site: Site) -> None:
    site.upload(chain("cp file_0 file_1", FLAKY, "sleep 0.3; cp file_2 file_3"), file_0="x" * 1000)

    with site.executor(SITE=str(site.directory)):
        assert site.run("told", RETRIES="1") == 0, site.log("engine")

    tries = recorded(site, "told")
    assert plain(tries) == [(1, 0), (2, 3), (2, 0), (3, 0)]
    assert [one.why for one in tries] == ["", "sh ended with exit code 3.", "", ""]
    for one in tries:
        assert one.ready and one.sent and one.started and one.ended and one.stage_in and one.execution
        assert one.ready - 0.01 <= one.sent <= one.started + 0.01
        assert one.started <= one.stage_in.began <= one.execution.began <= one.ended + 0.001
        assert one.stage_in.bytes == 1000
        assert one.worker and one.slot
    last = tries[-1]
    assert last.stage_out and last.stage_out.bytes == 1000
    assert last.execution and last.execution.seconds == pytest.approx(0.3, abs=0.2)
    assert tries[1].stage_out is None


def test_seconds_and_bytes_are_those_of_the_events(site: Site) -> None:
    site.upload(chain("cp file_0 file_1", "sleep 0.2; cp file_1 file_2"), file_0="x" * 5000)

    with site.executor():
        assert site.run("same", RETRIES="0") == 0, site.log("engine")

    events = [event for event in events_of(site, "same") if event["type"].endswith(".finished")]
    told = Counter[str]()
    for event in events:
        for stage in ("stage_in", "execution", "stage_out"):
            if event["type"].endswith(f".{stage}.finished"):
                told[stage] += event["time"]
                told[f"{stage} bytes"] += event.get("bytes", 0)
    of_record = Counter[str]()
    for one in recorded(site, "same"):
        for stage, found in (("stage_in", one.stage_in), ("execution", one.execution), ("stage_out", one.stage_out)):
            assert found
            of_record[stage] += found.seconds  # type: ignore[assignment]
            of_record[f"{stage} bytes"] += found.bytes
    assert told["stage_in bytes"] == 10_000
    assert dict(of_record) == pytest.approx(dict(told), rel=0.01)


def test_a_function_of_the_engine_is_recorded_too(site: Site) -> None:
    document = chain("cp file_0 file_1", "cp file_1 file_2")
    document["processes"][1] |= {"function": "noop", "config": {}}
    site.upload(document, file_0="abc")

    with site.executor():
        site.run("called")

    assert (2, 0) in plain(recorded(site, "called"))


@pytest.mark.reliability
def test_a_killed_engine_and_the_next_one_record_each_job_once(site: Site) -> None:
    waiting = "touch $SITE/begun; while [ ! -e $SITE/go ]; do sleep 0.05; done"
    commands = ("cp file_0 file_1", f"{waiting}; cp file_1 file_2", "cp file_2 file_3")
    site.upload(chain(*commands), file_0="abc")
    with site.executor(SITE=str(site.directory)):
        with site.engine("lost") as engine:
            eventually(lambda: len(recorded(site, "lost")) == 1)
            engine.kill()
        (site.directory / "go").touch()

        assert site.run("lost", ATTEMPT="2") == 0, site.log("engine")

    assert plain(recorded(site, "lost")) == [(1, 0), (2, 0), (3, 0)]


@pytest.mark.reliability
def test_a_try_that_was_lost_with_its_executor_is_recorded_without_an_end(site: Site) -> None:
    waiting = "touch $SITE/begun; while [ ! -e $SITE/go ]; do sleep 0.05; done; cp file_0 file_1"
    site.upload(chain(waiting), file_0="abc")
    with site.engine("worker-lost") as engine:
        with site.executor(SITE=str(site.directory)) as executor:
            eventually((site.directory / "begun").exists)
            executor.kill()
        (site.directory / "go").touch()
        with site.executor(SITE=str(site.directory)):
            engine.wait(60)

    lost, done = recorded(site, "worker-lost")
    assert (lost.exit_status, lost.ended, lost.order) == (None, None, 1)
    assert "lost" in lost.why
    assert (done.exit_status, done.order) == (0, 2)
