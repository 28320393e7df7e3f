"""What the tests of the agents need: a bucket on a moto server, executors and engines as processes, workflows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pika

from hfecs.messaging import messages

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SOURCE = Path(__file__).parents[2] / "src"
ENDING_SECONDS = 60
SECONDS = 30.0


def eventually(probe: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Wait for something that real programs do."""
    give_up = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def process(name: str, command: str, ins: Sequence[int], outs: Sequence[int], **executor: Any) -> dict[str, Any]:
    """A process of a dag.json that runs a line of shell."""
    run = {"executable": "sh", "args": ["-c", command], **executor}
    return {"name": name, "function": "{{function}}", "config": {"executor": run}, "ins": [*ins], "outs": [*outs]}


def chain(*commands: str) -> dict[str, Any]:
    """A dag.json in which each line of shell makes file_N from file_N-1; file_0 is the input."""
    processes = [process(f"job_{n}", command, [n - 1], [n]) for n, command in enumerate(commands, start=1)]
    signals = [{"name": f"file_{n}"} for n in range(len(commands) + 1)]
    return {"name": "chain", "processes": processes, "signals": signals, "ins": [0], "outs": [len(commands)]}


@dataclass
class Site:
    """A broker, a bucket, and the environment in which agents find both."""

    endpoint: str
    broker_url: str
    bucket: str
    directory: Path

    @property
    def temporary(self) -> Path:
        return self.directory / "temporary"

    @property
    def s3(self) -> S3Client:
        return boto3.session.Session("test", "test", region_name="us-east-1").client("s3", endpoint_url=self.endpoint)

    def upload(self, dag: Mapping[str, Any], **inputs: str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key="workdir/dag.json", Body=json.dumps(dag))
        for name, content in inputs.items():
            self.s3.put_object(Bucket=self.bucket, Key=f"input/{name}", Body=content)

    def read(self, key: str) -> str:
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read().decode()

    def result(self, run: str) -> Any:
        return json.loads(self.read(f"runs/{run}/result.json"))

    def objects(self) -> set[str]:
        return {entry["Key"] for entry in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])}

    @contextmanager
    def engine(self, run: str, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
        with self._start("engine", RUN_ID=run, BUCKET=self.bucket, **environ) as engine:
            try:
                yield engine
            finally:
                engine.kill()

    def run(self, run: str, **environ: str) -> int:
        with self.engine(run, **environ) as engine:
            return engine.wait(ENDING_SECONDS)

    @contextmanager
    def executor(self, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
        with self._start("worker", THREADS="2", **environ) as executor:
            try:
                yield executor
            finally:
                executor.kill()

    def log(self, agent: str) -> str:
        return (self.directory / f"{agent}.log").read_text()

    def _start(self, agent: str, **environ: str) -> subprocess.Popen[bytes]:
        with (self.directory / f"{agent}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", f"import sys; from hfecs.agents.{agent}.main import main; sys.exit(main())"],
                env={**self._environ(), **environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _environ(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": str(SOURCE),
            "AMQP_URL": self.broker_url,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }


def events_of(site: Site, run: str) -> list[dict[str, Any]]:
    """The history of a run, read as someone does who comes late."""
    with pika.BlockingConnection(pika.URLParameters(site.broker_url)) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=100)
        events = []
        consuming = channel.consume(
            messages.HISTORY_QUEUE, arguments={"x-stream-offset": "first"}, inactivity_timeout=SECONDS
        )
        for method, _, body in consuming:
            assert method is not None and body is not None, "the end of the run is not in the history"
            channel.basic_ack(method.delivery_tag or 0)
            event = messages.read_event(body)
            events += [event] if event.get("run") == run else []
            if event.get("type") == messages.workflow_event(run, "finished"):
                return events
    raise AssertionError("the history ended")
