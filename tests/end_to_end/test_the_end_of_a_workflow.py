"""When a run counts as succeeded, whatever its engine says: the real broker, engine and executor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from end_to_end.broker import PrivateBroker
from end_to_end.sites import Site, eventually, process

pytestmark = pytest.mark.end_to_end

EXIT = {"name": "Done", "function": "exit", "config": {}, "ins": [2], "outs": []}


def function(name: str, ins: list[int], outs: list[int]) -> dict[str, Any]:
    return {"name": f"process {name}", "function": name, "ins": ins, "outs": outs}


def dag(*processes: dict[str, Any], files: int = 3, outs: tuple[int, ...] = (), **more: Any) -> dict[str, Any]:
    """Processes over the signals file_0, which is sent, file_1 and so on."""
    signals: list[dict[str, Any]] = [{"name": f"file_{number}"} for number in range(files)]
    signals[0]["data"] = [{}]
    return {"name": "w", "processes": [*processes], "signals": signals, "ins": [0], "outs": [*outs], **more}


@pytest.fixture(scope="module", autouse=True)
def executor(aws_endpoint: str, rabbitmq: PrivateBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One executor for all tests of this file."""
    site = Site(aws_endpoint, rabbitmq.url, "", tmp_path_factory.mktemp("executor"))
    site.temporary.mkdir()
    with site.executor():
        yield


def ended(site: Site, run: str, **environ: str) -> tuple[int, Any]:
    """The exit code and the result of a run, of which nothing is tried twice."""
    code = site.run(run, RETRIES="0", HFECS_STALL_SECONDS="2", **environ)
    return code, site.result(run)


def with_functions(site: Site, source: str, document: dict[str, Any]) -> None:
    site.upload(document, file_0="abc")
    site.s3.put_object(Bucket=site.bucket, Key="workdir/functions.js", Body=source)


@pytest.mark.parametrize("keep_going", ["false", "true"])
def test_an_exit_process_does_not_end_a_run_that_fails(site: Site, keep_going: str) -> None:
    bad, good = process("bad", "sleep 1; false", [0], [1]), process("good", "cp file_0 file_2", [0], [2])
    site.upload(dag(bad, good, EXIT), file_0="abc")

    code, result = ended(site, "exits", KEEP_GOING=keep_going)

    assert (code, result["status"]) == (1, "failed")
    assert [job["name"] for job in result["failed"]] == ["bad"]


def test_an_exit_process_is_the_end_of_a_run_in_which_all_else_is_done(site: Site) -> None:
    slow, good = process("slow", "sleep 1; cp file_0 file_1", [0], [1]), process("good", "cp file_0 file_2", [0], [2])
    site.upload(dag(slow, good, EXIT, outs=(1, 2)), file_0="abc")

    code, result = ended(site, "done")

    assert (code, result["done"]) == (0, 3), site.log("engine")
    assert site.read("input/file_1") == "abc"


@pytest.mark.parametrize(
    ("body", "code", "told"),
    [
        ("process.exit(0)", 0, None),
        ("setTimeout(() => process.exit(), 20)", 0, None),
        ("process.exit(4)", 1, "process.exit(4)"),
        ("done(new Error('no luck'))", 1, "no luck"),
        ("done('no luck')", 1, "no luck"),
        ("throw new Error('no luck')", 1, "no luck"),
        ("setTimeout(() => { throw new Error('no luck') }, 20)", 1, "no luck"),
        ("return Promise.reject(new Error('no luck'))", 1, "no luck"),
        ("outs[0].data = [1, 2, 3]; done(null, outs)", 1, "it wrote 3 data elements to file_1"),
        ("outs[0].data = [7]; done(null, outs); done(null, outs)", 0, None),
    ],
)
def test_a_function_of_the_user_ends_its_own_process_and_no_more(
    site: Site, body: str, code: int, told: str | None
) -> None:
    document = dag(function("own", [0], [1]), function("noop", [1], [2]))
    with_functions(site, f"exports.own = (ins, outs, context, done) => {{ {body}; }};", document)

    exit_code, result = ended(site, "own")

    assert exit_code == code, site.log("engine")
    assert result["done"] == (0 if code else 2)
    if told:
        (failed,) = result["failed"]
        assert failed["name"] == "process own"
        assert told in failed["exceptions"][0]


def test_an_engine_that_is_ended_from_inside_has_not_succeeded(site: Site) -> None:
    document = dag(function("own", [0], [1]), process("after", "cp file_0 file_2", [0, 1], [2]))
    with_functions(site, "exports.own = () => process.reallyExit(0);", document)

    code, result = ended(site, "ended")

    assert (code, result["status"]) == (1, "failed")
    assert "after (process 1) waits for file_1" in result["error"]


@pytest.mark.parametrize("body", ["done(null, null)", "outs[0].data = []; done(null, outs)"])
def test_a_run_in_which_nothing_can_happen_ends_and_names_who_waits_for_what(site: Site, body: str) -> None:
    document = dag(function("own", [0], [1]), process("after", "cp file_0 file_2", [0, 1], [2]))
    with_functions(site, f"exports.own = (ins, outs, context, done) => {{ {body}; }};", document)

    code, result = ended(site, "stalled")

    assert (code, result["status"]) == (1, "failed")
    assert result["error"] == "Nothing can happen any more: 1 process has not run: after (process 1) waits for file_1."


def test_a_function_that_never_calls_back_fails_when_its_time_is_over(site: Site) -> None:
    with_functions(site, "exports.own = () => {};", dag(function("own", [0], [1])))

    code, result = ended(site, "mute", TIMEOUT="3")

    (failed,) = result["failed"]
    assert (code, failed["name"]) == (1, "process own")
    assert failed["exceptions"] == ["The function failed: it has not called back for 3 seconds"]


def test_a_function_that_is_not_exported_after_all_is_told_before_any_job_runs(site: Site) -> None:
    source = "module.exports = Object.assign({}, { other() { own(); } });"
    with_functions(site, source, dag(process("copy", "cp file_0 file_1", [0], [1]), function("own", [1], [2])))

    code, result = ended(site, "misspelt")

    assert (code, result["done"]) == (1, 0)
    assert "has the functions own." in result["error"]


def test_a_job_that_takes_longer_than_an_idle_engine_may_is_waited_for(site: Site) -> None:
    site.upload(dag(process("long", "sleep 3; cp file_0 file_1", [0], [1]), outs=(1,)), file_0="abc")

    code = site.run("long", HFECS_STALL_SECONDS="1")

    assert code == 0


def test_a_file_that_is_gone_from_the_bucket_at_the_end_is_named(site: Site) -> None:
    slow = "exports.own = (ins, outs, context, done) => setTimeout(() => done(null, outs), 2000);"
    document = dag(process("copy", "cp file_0 file_1", [0], [1]), function("own", [1], [2]), outs=(1,))
    with_functions(site, slow, document)

    with site.engine("lost") as engine:
        eventually(lambda: "input/file_1" in site.objects())
        site.s3.delete_object(Bucket=site.bucket, Key="input/file_1")
        code = engine.wait(30)

    assert code == 1
    assert site.result("lost")["error"] == "Every job succeeded, but the bucket does not hold file_1."


@pytest.mark.parametrize(("declared", "code"), [("more", 0), ("functions", 2)])
def test_functions_are_found_in_the_module_that_the_workflow_declares_and_nowhere_else(
    site: Site, declared: str, code: int
) -> None:
    document = dag(function("own", [0], [1]), functions=[{"name": "own", "module": declared}])
    with_functions(site, "exports.other = () => {};", document)
    own = "exports.own = (ins, outs, context, done) => done(null, outs);"
    site.s3.put_object(Bucket=site.bucket, Key="workdir/more.js", Body=own)

    exit_code, result = ended(site, "declared")

    assert exit_code == code, site.log("engine")
    assert ("functions.js has a function own" in result.get("error", "")) == bool(code)
