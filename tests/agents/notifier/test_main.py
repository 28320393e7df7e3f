"""The numbers of the queue on their way to CloudWatch."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hfecs.agents.notifier.main import Notifier, Settings
from hfecs.agents.notifier.queue import Management, QueueNumbers
from hfecs.errors import ConfigurationInvalid
from serving import Quiet, serving


class FakeManagement(HTTPServer):
    """The broker's management: answers with what the test says."""

    status = 200
    body: Any = None
    asked: tuple[str, str | None] = ("", None)


class Handler(Quiet, BaseHTTPRequestHandler):
    """Answers one question."""

    server: FakeManagement

    def do_GET(self) -> None:
        self.server.asked = (self.path, self.headers["Authorization"])
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(json.dumps(self.server.body or {}).encode())


class FakeCloudWatch:
    """CloudWatch, which may be away."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.away = False

    def put_metric_data(self, **call: Any) -> None:
        if self.away:
            raise ClientError({"Error": {"Code": "Throttling", "Message": "slow down"}}, "PutMetricData")
        self.calls.append(call)


@pytest.fixture
def management() -> Iterator[FakeManagement]:
    with serving(FakeManagement(("127.0.0.1", 0), Handler)) as server:
        yield server


def settings(management: FakeManagement) -> Settings:
    return Settings.from_environment(
        {
            "AMQP_URL": "amqp://hyper:flow@localhost",
            "CLUSTER_NAME": "stars",
            "MANAGEMENT_URL": f"http://127.0.0.1:{management.server_port}/",
        }
    )


def notifier(management: FakeManagement) -> tuple[Notifier, FakeCloudWatch]:
    cloudwatch: Any = FakeCloudWatch()
    return Notifier(settings(management), cloudwatch), cloudwatch


def test_the_numbers_go_out_in_one_call_at_high_resolution(management: FakeManagement) -> None:
    management.body = {"messages_ready": 5, "messages_unacknowledged": 3, "consumers": 2}
    reporting, cloudwatch = notifier(management)

    reporting.report()

    (call,) = cloudwatch.calls
    values = {metric["MetricName"]: metric["Value"] for metric in call["MetricData"]}
    assert values == {"QueueLength": 5, "JobsInFlight": 3, "Backlog": 8, "Consumers": 2, "BacklogPerWorker": 4}
    assert call["Namespace"] == "hyperflow"
    for metric in call["MetricData"]:
        assert metric["StorageResolution"] == 1
        assert metric["Dimensions"] == [{"Name": "ClusterName", "Value": "stars"}]
        assert "Unit" not in metric


def test_where_alarms_look_at_the_demand_the_notifier_adds_nothing_to_it(management: FakeManagement) -> None:
    management.body = {"messages_ready": 5}
    once: Any = FakeCloudWatch()
    cloudwatch: Any = FakeCloudWatch()
    reporting = Notifier(replace(settings(management), demand_period=86_400), cloudwatch, once)

    reporting.report()
    reporting.report()

    assert [call["MetricData"][0]["Value"] for call in once.calls] == [0]  # once in a period, that of a day here
    assert len(cloudwatch.calls) == 2


def test_the_queue_is_asked_for_with_the_account_of_the_broker(management: FakeManagement) -> None:
    Management(f"http://127.0.0.1:{management.server_port}", "hyper", "flow").read("a/queue")

    assert management.asked == ("/api/queues/%2F/a%2Fqueue", "Basic aHlwZXI6Zmxvdw==")


def test_a_queue_that_nobody_has_declared_is_empty(management: FakeManagement) -> None:
    management.status = 404

    assert settings(management).management.read("hyperflow.jobs") == QueueNumbers()


def test_a_broker_that_is_away_is_told_once_and_then_that_it_is_back(
    management: FakeManagement, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    reporting, cloudwatch = notifier(management)
    management.status = 500

    reporting.report()
    reporting.report()
    management.status = 200
    reporting.report()

    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "cannot reach the broker's management: HTTP Error 500: Internal Server Error",
        "the broker's management is back",
    ]
    assert len(cloudwatch.calls) == 1


def test_numbers_that_cloudwatch_does_not_take_are_told_once(
    management: FakeManagement, caplog: pytest.LogCaptureFixture
) -> None:
    reporting, cloudwatch = notifier(management)
    cloudwatch.away = True

    reporting.report()
    reporting.report()

    assert len(caplog.records) == 1
    assert "cannot reach CloudWatch" in caplog.text


def test_a_period_of_nothing_is_refused() -> None:
    environ = {"AMQP_URL": "amqp://master", "CLUSTER_NAME": "c", "MANAGEMENT_URL": "http://m", "PERIOD": "0"}

    with pytest.raises(ConfigurationInvalid, match="PERIOD is '0'"):
        Settings.from_environment(environ)
