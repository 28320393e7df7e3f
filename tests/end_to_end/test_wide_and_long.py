"""Runs of unusual size, with the real broker and the real HyperFlow engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pika
import pytest
import requests
from pika.adapters.blocking_connection import BlockingChannel

from end_to_end.answering import Answering
from end_to_end.broker import PASSWORD, USER, PrivateBroker, private_broker
from end_to_end.sites import SECONDS, Site, chain, eventually
from hfecs.messaging import messages
from hfecs.templating import template_path

pytestmark = [pytest.mark.end_to_end, pytest.mark.reliability]

SMALL_HEAP = "--max-old-space-size=96"
"""MB that the engine's Node.js may keep; before memory_patches.js a workflow of 3,000 jobs did not begin with it."""


def test_three_thousand_ready_jobs_are_sent_once_over_a_broker_with_its_own_defaults(site: Site) -> None:
    site.upload(_wide(3_000), file_0="")
    answering = Answering(site.broker_url, "wide")
    answering.start()

    # Nobody writes files here: they are not where the engine looks for them.
    exit_code = site.run("wide", AMQP_QUEUE="wide", NODE_OPTIONS=SMALL_HEAP, STORAGE="nfs", WORKDIR="/nfs")

    assert exit_code == 0, site.log("engine")
    assert site.result("wide")["done"] == 3_001
    assert sorted(answering.answered) == sorted(f"wide-{number}" for number in range(1, 3_002))


LONG = 240.0

MOST_KIB = 150 * 1024
"""Of the executor's memory, beside its jobs."""

OFTEN = "-rabbit channel_tick_interval 200"
"""Milliseconds between two looks of the broker for jobs that nobody has acknowledged in time; its own are 60,000."""

BUSY = """
echo . >> ran
for hog in 1 2 3 4 5 6 7 8; do timeout 6 sh -c 'while :; do :; done' & done
wait
echo done
"""
"""A job that takes all processors for six seconds."""


def test_an_engine_without_enough_memory_says_so(site: Site) -> None:
    site.upload(_wide(3_000), file_0="")

    exit_code = site.run("small", AMQP_QUEUE="nobody-listens", NODE_OPTIONS="--max-old-space-size=24")

    assert exit_code == 1
    assert "not enough memory for 3001 processes" in site.result("small")["error"]
    assert "cluster.instance_type" in site.result("small")["error"]


@pytest.mark.parametrize("files", [300, pytest.param(3_000, marks=pytest.mark.reliability)])
def test_a_job_may_read_and_write_many_files(site: Site, files: int) -> None:
    numbers = range(1, files + 1)
    dag = chain(f"seq {files} | while read n; do echo $n > file_$n; done", "cat file_* | sort -n > all")
    dag["signals"] = [{"name": f"file_{number}"} for number in range(files + 1)] + [{"name": "all"}]
    dag["processes"][0]["outs"] = dag["processes"][1]["ins"] = [*numbers]
    dag["processes"][1]["outs"] = dag["outs"] = [files + 1]
    site.upload(dag, file_0="")

    with site.executor() as executor, site.engine(f"files-{files}") as engine:
        exit_code = engine.wait(LONG)
        status = Path(f"/proc/{executor.pid}/status").read_text()

    assert exit_code == 0, site.log("engine")
    assert site.read("input/all") == "".join(f"{number}\n" for number in numbers)
    assert int(status.split("VmHWM:")[1].split()[0]) < MOST_KIB


def test_a_job_longer_than_heartbeats_and_the_brokers_patience_runs_once_though_it_takes_all_processors(
    site: Site,
) -> None:
    with private_broker(arguments=f"{_arguments_of_the_cluster()} {OFTEN}") as broker:
        site.broker_url = f"{broker.url}?heartbeat=2"
        with site.executor() as executor, _asked(broker, site.directory, BUSY) as channel:
            eventually(lambda: 2 in _heartbeats(broker))
            reply = _reply(channel)
            executor.terminate()
            executor.wait(SECONDS)

    assert (reply["exit_status"], reply["stdout"], reply["attempts"]) == (0, "done\n", 1)
    assert (site.directory / "ran").read_text() == ".\n"
    assert "is lost" not in site.log("worker")


def test_a_broker_of_little_patience_has_the_job_run_again(site: Site) -> None:
    arguments = _arguments_of_the_cluster().replace("consumer_timeout undefined", "consumer_timeout 1000")
    with private_broker(arguments=f"{arguments} {OFTEN}") as broker:
        site.broker_url = broker.url
        with site.executor(), _asked(broker, site.directory, "echo . >> ran; exec sleep 30"):
            eventually(lambda: "delivery acknowledgement on channel" in site.log("worker"))
            eventually(lambda: (site.directory / "ran").read_text().count(".") > 1)


def _wide(ready: int) -> dict[str, Any]:
    """So many jobs that are ready at once, and one that waits for all of them."""
    dag = chain("true", "true")
    numbers = range(1, ready + 1)
    first = [{**dag["processes"][0], "outs": [number]} for number in numbers]
    last = {**dag["processes"][1], "ins": [*numbers], "outs": [ready + 1]}
    signals = [{"name": f"file_{number}"} for number in range(ready + 2)]
    return {**dag, "processes": [*first, last], "signals": signals, "outs": [ready + 1]}


def _arguments_of_the_cluster() -> str:
    broker = json.loads(template_path("task-definitions/master.json").read_text())["containerDefinitions"][0]
    return " ".join(pair["value"] for pair in broker["environment"] if pair["name"].endswith("_ERL_ARGS"))


@contextmanager
def _asked(broker: PrivateBroker, directory: Path, command: str) -> Iterator[BlockingChannel]:
    """A job on the queue, and the channel on which its reply arrives."""
    options = {"storage": "local", "workdir": str(directory)}
    job = {"executable": "sh", "args": ["-c", command], "options": options}
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_declare(messages.JOBS_QUEUE, durable=True)
        channel.queue_declare("replies", exclusive=True)
        properties = pika.BasicProperties(reply_to="replies", correlation_id="long")
        channel.basic_publish("", messages.JOBS_QUEUE, json.dumps(job).encode(), properties)
        yield channel


def _reply(channel: BlockingChannel) -> Any:
    for _, _, body in channel.consume("replies", inactivity_timeout=SECONDS):
        assert body is not None, "no reply"
        return json.loads(body)
    raise AssertionError("the queue is gone")


def _heartbeats(broker: PrivateBroker) -> list[int]:
    """The heartbeats of all connections, in seconds."""
    answer = requests.get(f"{broker.management_url}/api/connections", auth=(USER, PASSWORD), timeout=SECONDS)
    return [connection.get("timeout", 0) for connection in answer.json()]
