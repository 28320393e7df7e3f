"""What jobs print, from the executor to the bucket: the real broker, engine and executor."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from end_to_end.sites import Site, chain, events_of, eventually
from hfecs.templating import template_path

pytestmark = pytest.mark.end_to_end

PLAIN = ("job", "name", "try", "exit_status", "stdout", "stderr")


def printed(site: Site, run: str) -> list[dict[str, Any]]:
    key = f"runs/{run}/output.jsonl.gz"
    if key not in site.objects():
        return []
    body = site.s3.get_object(Bucket=site.bucket, Key=key)["Body"].read()
    return [json.loads(line) for line in gzip.decompress(body).splitlines()]


def plain(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(line[key] for key in PLAIN)


FLAKY = "echo out; echo err >&2; test -e $SITE/seen || { touch $SITE/seen; echo no >&2; exit 3; }; cp file_1 file_2"


def test_each_try_of_each_job_is_kept_with_both_streams(site: Site) -> None:
    site.upload(chain("echo hello; cp file_0 file_1", FLAKY, "echo bad; exit 4"), file_0="abc")

    with site.executor(SITE=str(site.directory)):
        exit_code = site.run("kept", RETRIES="1")

    lines = printed(site, "kept")
    assert exit_code == 1
    assert [plain(line) for line in lines] == [
        (1, "job_1", 1, 0, "hello\n", ""),
        (2, "job_2", 1, 3, "out\n", "err\nno\n"),
        (2, "job_2", 2, 0, "out\n", "err\n"),
        (3, "job_3", 1, 4, "bad\n", ""),
        (3, "job_3", 2, 4, "bad\n", ""),
    ]
    assert lines[1]["why"] == "sh ended with exit code 3."
    (failed,) = site.result("kept")["failed"]
    assert (failed["stdout"], failed["stderr"]) == ("bad\n", "")
    (brief,) = events_of(site, "kept")[-1]["result"]["failed"]
    assert (brief["name"], "stdout" in brief) == ("job_3", False)


@pytest.mark.reliability
def test_a_killed_engine_and_the_next_one_tell_each_try_once(site: Site) -> None:
    waiting = "touch $SITE/begun; while [ ! -e $SITE/go ]; do sleep 0.05; done"
    commands = ("echo 1; cp file_0 file_1", f"echo 2; {waiting}; cp file_1 file_2", "echo 3; cp file_2 file_3")
    site.upload(chain(*commands), file_0="abc")
    with site.executor(SITE=str(site.directory)):
        with site.engine("lost") as engine:
            eventually(lambda: len(printed(site, "lost")) == 1)
            engine.kill()
        (site.directory / "go").touch()

        exit_code = site.run("lost", ATTEMPT="2")

    assert exit_code == 0, site.log("engine")
    assert [line["stdout"] for line in printed(site, "lost")] == ["1\n", "2\n", "3\n"]


@pytest.mark.reliability
def test_a_reply_that_the_broker_delivers_again_is_not_told_again(site: Site) -> None:
    """The output is in the bucket, and the journal that would tell of the job is not: the engine was killed between."""
    site.upload(chain("echo 1; cp file_0 file_1", "echo 2; cp file_1 file_2"), file_0="abc")
    with site.executor():
        with site.engine("between") as engine:
            eventually(lambda: len(printed(site, "between")) == 2)
            engine.kill()
    lines = printed(site, "between")
    key = "runs/between/journal.jsonl.gz"
    entries = gzip.decompress(site.s3.get_object(Bucket=site.bucket, Key=key)["Body"].read()).splitlines()
    sent = [entry for entry in entries if b"fired" not in entry]
    site.s3.put_object(Bucket=site.bucket, Key=key, Body=gzip.compress(b"\n".join(sent) + b"\n"))

    replay(site, "between", lines)

    assert [line["stdout"] for line in printed(site, "between")] == ["1\n", "2\n"]


def replay(site: Site, run: str, lines: list[dict[str, Any]]) -> None:
    """Deliver the replies behind these lines again, to a second attempt of the run."""
    import pika

    queue = f"hyperflow.replies.{run}"
    with pika.BlockingConnection(pika.URLParameters(site.broker_url)) as connection:
        channel = connection.channel()
        channel.queue_delete(queue)
        channel.queue_declare(queue, durable=True, arguments={"x-expires": 3_600_000})
        for line in lines:
            reply = {key: line[key] for key in ("exit_status", "stdout", "stderr", "executor", "ended")}
            body = json.dumps({**reply, "attempts": line["try"]}).encode()
            properties = pika.BasicProperties(correlation_id=f"{run}-{line['job']}")
            channel.basic_publish("", queue, body, properties)
    assert site.run(run, ATTEMPT="2") == 0, site.log("engine")


def javascript(directory: Path, line: str) -> Any:
    """What a line of JavaScript says, with both classes at hand."""
    node = shutil.which("node") or "node"
    given = f"const {{ Printed }} = require('{template_path('engine/printed.js')}');"
    given += f"const {{ Failures }} = require('{template_path('engine/failures.js')}');"
    subprocess.run([node, "-e", given + line], cwd=directory, check=True, timeout=60)


MUCH = "const much = 'x'.repeat(100000);"


def test_2000_failed_jobs_that_print_much_leave_a_small_result(tmp_path: Path) -> None:
    line = f"{MUCH} const f = new Failures('f'); const job = {{id: 'r-1', name: 'n', args: Array(5000).fill('abc')}};"

    javascript(
        tmp_path, line + "for (let n = 0; n < 2000; n++) f.write(job, {exit_status: 1, stdout: much, stderr: much});"
    )

    lines = (tmp_path / "f").read_text().splitlines()
    first, last = json.loads(lines[0]), json.loads(lines[-1])
    assert (len(lines), len(first["stdout"]), len(first["stderr"]), first["args"][-1]) == (2000, 2048, 2048, "...")
    assert (last["id"], last["args"], "stdout" in last) == ("r-1", [], False)
    assert sum(map(len, lines)) < 4_300_000


def test_a_stream_that_is_alone_has_all_the_room(tmp_path: Path) -> None:
    javascript(tmp_path, f"{MUCH} new Failures('f').write({{id: 'r-1'}}, {{exit_status: 1, stdout: much, stderr: ''}})")

    assert len(json.loads((tmp_path / "f").read_text())["stdout"]) == 4096


def test_output_beyond_100_megabytes_is_missing_and_said_to_be(tmp_path: Path) -> None:
    line = f"{MUCH} const p = new Printed('p'); const bad = {{exit_status: 1, stdout: much, stderr: much}};"

    javascript(tmp_path, line + "for (let n = 1; n <= 1000; n++) p.tell(n, 'n', {...bad, ended: String(n)})")

    lines = (tmp_path / "p").read_bytes().splitlines()
    first, last = json.loads(lines[0]), json.loads(lines[-1])
    assert (len(lines), len(first["stdout"]), "cut" in first) == (1000, 65536, False)
    assert (last["job"], last["exit_status"], last["cut"], "stdout" in last) == (1000, 1, True, False)
    assert 94_000_000 < (tmp_path / "p").stat().st_size < 100_000_000
    javascript(tmp_path, line + "for (let n = 1; n <= 1001; n++) p.tell(n, 'n', {...bad, ended: String(n)})")
    assert len((tmp_path / "p").read_bytes().splitlines()) == 1001


def test_a_character_is_never_cut_in_two(tmp_path: Path) -> None:
    javascript(tmp_path, "new Printed('p').tell(1, 'n', {exit_status: 0, stdout: 'a' + 'ä'.repeat(3000), stderr: ''})")

    assert json.loads((tmp_path / "p").read_text())["stdout"] == "ä" * 2048
