"""A network or a broker that falls silent, its connections open: every wait ends, and what was lost is done again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from end_to_end.proxy import Proxy, proxy
from end_to_end.sites import SECONDS, Site, chain, events_of, eventually
from hfecs.agents.engine.broker import Broker
from hfecs.agents.worker.poison_messages import history
from hfecs.errors import TimedOut

pytestmark = [pytest.mark.end_to_end, pytest.mark.reliability]

HOLD = "if mkdir $SITE/held 2>/dev/null; then while [ ! -e $SITE/go ] && kill -0 $PPID; do sleep 0.05; done; fi"
"""The first try of a job waits for the test, and no longer than its executor lives."""

GREETING, REPLY_QUEUE, JOB, FAREWELL = b"amqplib", b"x-expires", b'"executable"', b"\x00\x32\x00\x28"
"""What an engine says when it opens a connection, declares its queue, sends a job, and deletes its queue."""

QUESTION = b"\x00\x32\x00\x0a"
"""What it says when it asks whether a queue exists."""


@pytest.fixture
def network(site: Site) -> Iterator[Proxy]:
    """What lies between the engine and the broker; executors reach it directly."""
    with proxy(site.broker_url) as made:
        yield made


def over(network: Proxy, queue: str) -> dict[str, str]:
    """The variables of an engine there: it waits a second for an answer, and has a heartbeat of two."""
    return {"AMQP_QUEUE": queue, "AMQP_URL": f"{network.url}?heartbeat=2", "HFECS_ANSWER_SECONDS": "1"}


def test_an_event_that_the_broker_does_not_confirm_is_sent_again(site: Site) -> None:
    with proxy(site.broker_url) as network:
        Broker(network.url).declare("jobs", within=SECONDS)
        broker = Broker(network.url, longest_visit=2.0)
        network.fall_silent(at=b"workflow.unconfirmed.finished")

        broker.publish("engine", "workflow.unconfirmed.finished", within=SECONDS, run="unconfirmed")

    told = [event for event in history(site.broker_url)(None) if event.get("run") == "unconfirmed"]
    assert told


def test_a_broker_that_never_confirms_is_given_up_in_time(site: Site) -> None:
    with proxy(site.broker_url) as network:
        broker = Broker(network.url, pause=lambda _: None)
        broker.declare("jobs", within=SECONDS)
        network.silent = True

        with pytest.raises(TimedOut, match="does not answer"):
            broker.publish("engine", "workflow.unheard.finished", within=0.5, run="unheard")


@pytest.mark.parametrize("word", [GREETING, REPLY_QUEUE, JOB, FAREWELL])
def test_an_engine_whose_broker_owes_an_answer_tries_again(site: Site, network: Proxy, word: bytes) -> None:
    run = f"owed-{word[-4:].hex()}"
    site.upload(chain("cp file_0 file_1"), file_0="abc")
    network.fall_silent(at=word)

    with site.executor(AMQP_QUEUE=run):
        exit_code = site.run(run, **over(network, run))

    assert exit_code == 0, site.log("engine")
    assert site.read("input/file_1") == "abc"
    assert network.fell_silent


def test_an_engine_whose_network_is_cut_in_the_middle_of_a_job_comes_back(site: Site, network: Proxy) -> None:
    site.upload(chain(f"{HOLD}; cp file_0 file_1"), file_0="abc")

    with site.executor(AMQP_QUEUE="cut", SITE=str(site.directory)), site.engine("cut", **over(network, "cut")) as run:
        eventually((site.directory / "held").exists)
        network.fall_silent()
        eventually(lambda: "is lost, coming back" in site.log("engine"))
        (site.directory / "go").touch()
        exit_code = run.wait(SECONDS)

    assert exit_code == 0, site.log("engine")


def test_an_engine_that_loses_the_network_twice_does_not_send_its_jobs_again(site: Site, network: Proxy) -> None:
    site.upload(chain(f"echo . >> $SITE/ran; {HOLD}; cp file_0 file_1"), file_0="abc")

    with site.executor(AMQP_QUEUE="twice", SITE=str(site.directory)):
        with site.engine("twice", **over(network, "twice")) as run:
            eventually((site.directory / "held").exists)
            network.fall_silent(at=QUESTION)
            network.cut()
            eventually(lambda: network.fell_silent)
            eventually(lambda: "trying again" in site.log("engine"))
            (site.directory / "go").touch()
            exit_code = run.wait(SECONDS)

    assert exit_code == 0, site.log("engine")
    assert (site.directory / "ran").read_text() == ".\n"


def test_an_executor_whose_network_is_cut_comes_back_and_its_job_is_done_again(site: Site, network: Proxy) -> None:
    site.upload(chain(f"echo . >> $SITE/ran; {HOLD}; cp file_0 file_1"), file_0="abc")
    broken = {"AMQP_URL": f"{network.url}?heartbeat=1", "AMQP_QUEUE": "redelivered", "SITE": str(site.directory)}

    with site.executor(**broken), site.engine("redelivered", AMQP_QUEUE="redelivered") as run:
        eventually((site.directory / "held").exists)
        network.fall_silent()
        exit_code = run.wait(SECONDS)

    assert exit_code == 0, site.log("engine")
    assert "is lost" in site.log("worker")
    assert (site.directory / "ran").read_text() == ".\n.\n"
    (done,) = [event for event in events_of(site, "redelivered") if event["type"].endswith("-1.finished")]
    assert done["attempts"] == 2
