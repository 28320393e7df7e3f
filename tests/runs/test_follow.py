from __future__ import annotations

import json
import socket
import threading
from collections.abc import Generator, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from moto.moto_api import state_manager

from hfecs.blueprints.run import Run
from hfecs.errors import WorkflowFailed
from hfecs.messaging.url import AmqpUrl
from hfecs.provisioning.stack import Stack
from hfecs.runs.follow import Follower
from mute import mute_broker
from resources.cases import cluster, definition
from support import add_machine

BUCKET = "hfecs-files"


@pytest.fixture
def lasting_tasks() -> Iterator[None]:
    """moto moves a task on each time it is looked at; here it takes many looks."""
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 100})
    yield
    state_manager.unset_transition("ecs::task")


@pytest.fixture
def run(stack: Stack) -> Run:
    """A run whose task is on its way."""
    cluster(stack)
    add_machine(stack)
    stack.cloud.s3.create_bucket(Bucket=BUCKET)
    answer = stack.cloud.ecs.run_task(cluster=stack.full_name("cluster"), taskDefinition=definition(stack))
    return Run("one", BUCKET, answer["tasks"][0]["taskArn"])


def stop(stack: Stack, run: Run) -> None:
    stack.cloud.ecs.stop_task(cluster=stack.full_name("cluster"), task=run.task, reason="out of memory")


def status(stack: Stack, run: Run) -> str:
    answer = stack.cloud.ecs.describe_tasks(cluster=stack.full_name("cluster"), tasks=[run.task])
    return answer["tasks"][0]["lastStatus"]


def nobody() -> AmqpUrl:
    """A broker at an address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return AmqpUrl.parse(f"amqp://user:password@127.0.0.1:{probe.getsockname()[1]}")


def test_the_result_of_a_run_that_has_ended_comes_from_the_bucket(stack: Stack, run: Run) -> None:
    result = {"run": "one", "status": "succeeded", "jobs": 1, "done": 1, "failed": [], "error": ""}
    stack.cloud.s3.put_object(Bucket=BUCKET, Key="runs/one/result.json", Body=json.dumps(result))
    stop(stack, run)

    told = Follower(stack, run, nobody).result()

    assert told == result | {"attempt": 1, "never_ran": 0}


def test_a_run_without_a_result_failed_for_the_reason_that_ecs_gives(stack: Stack, run: Run) -> None:
    stop(stack, run)

    with pytest.raises(WorkflowFailed, match="Run one is lost; its engine ended without a result: out of memory"):
        Follower(stack, run, nobody).result()


def test_a_run_whose_engine_never_began_is_not_offered_to_be_resumed(stack: Stack, run: Run) -> None:
    stop(stack, run)

    with pytest.raises(WorkflowFailed) as raised:
        Follower(stack, run, nobody).result()

    assert "--resume" not in raised.value.hint
    assert "hfecs logs runner" in raised.value.hint


def test_the_result_of_an_earlier_attempt_is_not_that_of_a_later_one_that_was_lost(stack: Stack, run: Run) -> None:
    stack.cloud.s3.put_object(Bucket=BUCKET, Key="runs/one/result.json", Body='{"status": "failed"}')
    stack.cloud.s3.put_object(Bucket=BUCKET, Key="runs/one/run.json", Body="{}")
    stop(stack, run)

    with pytest.raises(WorkflowFailed, match="Run one is lost") as raised:
        Follower(stack, replace(run, attempt=2), nobody).result()

    assert "hfecs run --resume one" in raised.value.hint


def test_a_run_whose_task_nobody_knows_has_ended(stack: Stack, run: Run) -> None:
    stack.cloud.s3.put_object(Bucket=BUCKET, Key="runs/one/result.json", Body='{"status": "stopped"}')

    assert Follower(stack, replace(run, task=""), nobody).result()["status"] == "stopped"


def test_a_run_that_ecs_has_forgotten_still_has_its_result(stack: Stack, run: Run) -> None:
    stack.cloud.s3.put_object(Bucket=BUCKET, Key="runs/one/result.json", Body='{"status": "stopped"}')
    forgotten = Run("one", BUCKET, run.task.rpartition("/")[0] + "/none")

    assert Follower(stack, forgotten, nobody).result()["status"] == "stopped"


@pytest.mark.usefixtures("lasting_tasks")
def test_a_broker_that_cannot_be_reached_is_told_once_and_costs_only_the_progress(stack: Stack, run: Run) -> None:
    told: list[str] = []
    tries: list[Any] = []

    def broker() -> AmqpUrl:
        tries.append(None)
        if len(tries) == 60:
            stop(stack, run)
        return nobody()

    events = list(Follower(stack, run, broker).events(told.append))

    assert events == []
    assert len(told) == 1
    assert len(tries) >= 60


@pytest.mark.usefixtures("lasting_tasks")
def test_a_broker_that_takes_the_connection_and_says_nothing_costs_only_the_progress(stack: Stack, run: Run) -> None:
    told: list[str] = []
    tries: list[Any] = []
    with mute_broker() as port:

        def broker() -> AmqpUrl:
            tries.append(None)
            if len(tries) == 40:
                stop(stack, run)
            return AmqpUrl.parse(f"amqp://user:password@127.0.0.1:{port}")

        events = list(Follower(stack, run, broker, silence=0.01).events(told.append))

    assert events == []
    assert len(told) == 1


@pytest.mark.usefixtures("lasting_tasks")
def test_what_aws_takes_to_name_the_broker_is_no_silence_of_the_broker(stack: Stack, run: Run) -> None:
    asked: list[threading.Thread] = []

    def broker() -> AmqpUrl:
        asked.append(threading.current_thread())
        stop(stack, run)
        return nobody()

    list(Follower(stack, run, broker).events(print))

    assert set(asked) == {threading.current_thread()}


@pytest.mark.usefixtures("lasting_tasks")
def test_a_run_whose_engine_is_lost_while_events_come_is_over(stack: Stack, run: Run) -> None:
    follower = Talkative(stack, run, nobody)

    events = list(follower.events(print))

    assert status(stack, run) == "STOPPED"
    assert len(events) >= 3


class Talkative(Follower):
    """A follower of a broker that never falls silent; its run is stopped after three events."""

    def _listen(self, _: AmqpUrl) -> Generator[dict[str, Any], None, None]:
        for number in count():
            self._stack.wait.pause(1.5)
            if number == 3:
                stop(self._stack, self._run)
            yield {"run": "one", "type": "job.one-1.started"}


def test_a_run_that_has_ended_is_not_listened_to(stack: Stack, run: Run) -> None:
    stop(stack, run)
    stack.wait.until(lambda: status(stack, run) == "STOPPED", what="the task to end", timeout=60)

    def broker() -> AmqpUrl:
        raise AssertionError("the broker was asked")

    assert list(Follower(stack, run, broker).events(print)) == []
