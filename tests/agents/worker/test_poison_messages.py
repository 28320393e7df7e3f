"""Which executors died of a job."""

from __future__ import annotations

from typing import Any

from hfecs.agents.worker.delivery import DeliveryHistory
from hfecs.agents.worker.poison_messages import Events, PoisonMessages, history
from mute import mute_broker


def event(executor: str, kind: str) -> dict[str, Any]:
    return {"executor": executor, "type": kind, "timestamp": f"when {executor} told"}


def began(*executors: str) -> list[dict[str, Any]]:
    return [event(executor, "job.r-1.started") for executor in executors]


def poison_messages(events: Events, delivery_history: DeliveryHistory) -> str:
    return PoisonMessages(lambda _: events).of("r-1", delivery_history)


def test_a_job_of_which_two_deliveries_were_lost_may_run() -> None:
    asked: list[int | None] = []

    assert PoisonMessages(lambda since: asked.append(since) or []).of("r-1", DeliveryHistory(lost=2)) == ""  # type: ignore[func-returns-value]
    assert asked == []


def test_the_story_names_each_executor_and_the_time() -> None:
    story = poison_messages(began("anna", "bert", "carl"), DeliveryHistory(lost=3))

    assert story.startswith("The job was given up: it was delivered 3 times, and each time its executor was lost")
    assert "anna at when anna told, bert at when bert told, carl at when carl told." in story


def test_executors_that_the_history_does_not_know_count_as_dead() -> None:
    assert "bert at when bert told, 2 missing from the event history" in poison_messages(
        began("bert"), DeliveryHistory(lost=3)
    )


def test_an_executor_that_spoke_after_another_had_begun_was_not_killed() -> None:
    events = [*began("anna", "bert"), event("anna", "job.r-2.finished"), *began("carl")]

    assert poison_messages(events, DeliveryHistory(lost=3)) == ""


def test_an_executor_that_told_of_other_jobs_before_it_was_gone_was_killed() -> None:
    events = [*began("anna"), event("anna", "job.r-2.finished"), *began("bert", "carl")]

    assert "3 times" in poison_messages(events, DeliveryHistory(lost=3))


def test_the_last_executor_survived_if_it_has_come_back() -> None:
    events = [*began("anna", "bert", "carl"), event("carl", "executor.ready")]

    assert poison_messages(events, DeliveryHistory(lost=3)) == ""
    assert "anna at" in poison_messages(events, DeliveryHistory(lost=4))


def test_who_handed_the_job_back_is_not_in_its_story() -> None:
    events = [*began("anna"), event("anna", "executor.stopped"), *began("bert", "carl", "dora")]

    assert "it was delivered 3 times" in poison_messages(events, DeliveryHistory(lost=3, handed_back=1))
    assert "anna" not in poison_messages(events, DeliveryHistory(lost=3, handed_back=1))


def test_a_broker_that_says_nothing_has_no_history() -> None:
    with mute_broker() as port:
        read = history(f"amqp://127.0.0.1:{port}", silence=0.1)

        assert list(read(None)) == []
