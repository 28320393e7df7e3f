"""Metrics on their way to InfluxDB, and what becomes of them when it is slow or gone."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hfecs.agents.common.influxdb import Database, Metrics
from hfecs.agents.common.line_protocol import Point
from hfecs.errors import ConfigurationInvalid
from serving import Quiet, serving

SOON = 0.01
PATIENCE_SECONDS = 10.0


class FakeInflux(HTTPServer):
    """An InfluxDB: keeps what it is sent and answers what the test says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 204
        self.body = b""
        self.requests: list[tuple[str, str | None, list[str]]] = []
        self.asked = threading.Condition()

    @property
    def database(self) -> Database:
        return Database(f"http://127.0.0.1:{self.server_port}", "tests", "writer", "sesame")

    @property
    def lines(self) -> list[str]:
        return [line for _, _, lines in self.requests for line in lines]

    def wait_for(self, count: int) -> None:
        """Until so many requests have come."""
        with self.asked:
            assert self.asked.wait_for(lambda: len(self.requests) >= count, PATIENCE_SECONDS)


class Handler(Quiet, BaseHTTPRequestHandler):
    """Takes one request."""

    server: FakeInflux

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with self.server.asked:
            self.server.requests.append((self.path, self.headers["Authorization"], body.split("\n")))
            status, answer = self.server.status, self.server.body
            self.server.asked.notify_all()
        self.send_response(status)
        self.end_headers()
        self.wfile.write(answer)


@pytest.fixture
def influx() -> Iterator[FakeInflux]:
    with serving(FakeInflux()) as server:
        yield server


@pytest.fixture
def silent() -> Iterator[Database]:
    """An InfluxDB that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield Database(f"http://127.0.0.1:{listener.getsockname()[1]}", "tests")


def point(number: int) -> Point:
    return Point("m", {}, {"number": number}, number)


def test_points_go_out_together_with_the_account_of_the_database(influx: FakeInflux) -> None:
    metrics = Metrics(influx.database, gathering=0.05)

    metrics.put(point(1), point(2))
    metrics.put(point(3))
    metrics.close()

    assert influx.requests == [
        (
            "/write?db=tests&precision=ns",
            "Basic d3JpdGVyOnNlc2FtZQ==",
            ["m number=1i 1", "m number=2i 2", "m number=3i 3"],
        )
    ]


def test_points_wait_for_a_database_that_is_away_and_it_is_told_once(
    influx: FakeInflux, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    influx.status = 503
    metrics = Metrics(influx.database, gathering=SOON)

    metrics.put(point(1))
    influx.wait_for(2)
    influx.status = 204
    metrics.put(point(2))
    influx.wait_for(3)
    metrics.close()

    assert influx.lines[-2:] == ["m number=1i 1", "m number=2i 2"]
    told = [record.getMessage() for record in caplog.records]
    assert told == ["cannot write metrics: HTTP Error 503: Service Unavailable", "metrics are written again"]


class Pauses(threading.Event):
    """Notes how long each pause should be, and lets no time pass."""

    def __init__(self, influx: FakeInflux, answers: list[int]) -> None:
        super().__init__()
        self.lengths: list[float] = []
        self.begin = threading.Event()
        self._influx = influx
        self._answers = answers

    def wait(self, timeout: float | None = None) -> bool:
        self.begin.wait(PATIENCE_SECONDS)
        self.lengths.append(timeout or 0.0)
        if self._answers:
            self._influx.status = self._answers.pop(0)
            return False
        return True


def test_pauses_double_up_to_a_minute_while_the_database_is_away_and_are_a_second_again_when_it_is_back(
    influx: FakeInflux,
) -> None:
    pauses = Pauses(influx, [503] * 8 + [204])
    metrics = Metrics(influx.database, ending=pauses)

    metrics.put(point(1))
    pauses.begin.set()
    metrics.close(PATIENCE_SECONDS)

    assert pauses.lengths == [1, 2, 4, 8, 16, 32, 60, 60, 60, 1]


def test_points_that_the_database_never_takes_are_not_sent_twice(influx: FakeInflux) -> None:
    influx.status = 400
    metrics = Metrics(influx.database, gathering=SOON)

    metrics.put(point(1))
    influx.wait_for(1)
    metrics.put(point(2))
    influx.wait_for(2)
    metrics.close()

    assert influx.lines == ["m number=1i 1", "m number=2i 2"]


CONFLICT = "partial write: field type conflict: input field QueueLength is type integer, already exists as type float"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (json.dumps({"error": CONFLICT}).encode(), CONFLICT),
        (b"no such\n database", "no such database"),
        (b"", "HTTP Error 400: Bad Request"),
        (b'{"errors": []}', '{"errors": []}'),
        (b"[]", "[]"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_the_reason_for_which_the_database_refuses_points_is_said_once(
    influx: FakeInflux, caplog: pytest.LogCaptureFixture, body: bytes, said: str
) -> None:
    influx.status, influx.body = 400, body
    metrics = Metrics(influx.database, gathering=SOON)

    metrics.put(point(1))
    influx.wait_for(1)
    metrics.put(point(2))
    influx.wait_for(2)
    metrics.close()

    assert [record.message for record in caplog.records if "refused" in record.message] == [
        f"InfluxDB refused some of 1 points: {said}"
    ]


def test_of_too_many_points_the_oldest_are_lost(influx: FakeInflux) -> None:
    metrics = Metrics(influx.database, gathering=60)

    metrics.put(*(point(number) for number in range(20_005)))
    metrics.close(PATIENCE_SECONDS)

    assert len(influx.lines) == 20_000
    assert influx.lines[0] == "m number=5i 5"


def test_a_database_that_never_answers_costs_whoever_measures_no_time(silent: Database) -> None:
    metrics = Metrics(silent, gathering=SOON)

    began = time.perf_counter()
    for number in range(10_000):
        metrics.put(point(number))
    took = time.perf_counter() - began

    # 0.02 s here; one answer that was waited for would be 5 s.
    assert took < 1


def test_an_end_does_not_wait_for_a_database_that_never_answers(silent: Database) -> None:
    metrics = Metrics(silent, gathering=SOON)
    metrics.put(point(1))

    began = time.perf_counter()
    metrics.close(0.05)

    assert time.perf_counter() - began < 2.5


def test_without_a_database_points_are_forgotten() -> None:
    metrics = Metrics(Database.from_environment({}))

    metrics.put(point(1))
    metrics.close()

    assert not metrics.wanted


def test_the_database_is_named_by_its_address_and_the_account_may_stand_beside_it() -> None:
    environ = {"INFLUXDB_URL": "http://db:8086/tests", "INFLUXDB_USER": "writer", "INFLUXDB_PASSWORD": "sesame"}

    assert Database.from_environment(environ) == Database("http://db:8086", "tests", "writer", "sesame")
    inside = {"INFLUXDB_URL": "https://wri%40ter:ses%2Fame@db/tests"}
    assert Database.from_environment(inside) == Database("https://db", "tests", "wri@ter", "ses/ame")


@pytest.mark.parametrize("url", ["db:8086/tests", "http://db:8086", "ftp://sesame@db/tests"])
def test_an_address_without_host_or_database_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationInvalid) as told:
        Database.from_environment({"INFLUXDB_URL": url})

    assert "sesame" not in told.value.message
