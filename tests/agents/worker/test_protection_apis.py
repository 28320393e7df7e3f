"""Asking the ECS agent for the protection of a task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from hfecs.agents.worker.protection_apis import (
    InstanceProtectionApi,
    Machine,
    TaskProtectionApi,
    machine_of,
    protection_apis,
)
from serving import Quiet, serving


class FakeAgent(HTTPServer):
    """An ECS agent, which answers with what the test says."""

    status = 200
    answer: Any = None
    asked: list[tuple[str, str, Any]]

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/one"


class Handler(Quiet, BaseHTTPRequestHandler):
    """Answers one request."""

    server: FakeAgent

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Content-Type"], body))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(json.dumps(self.server.answer).encode())


@pytest.fixture
def agent() -> Iterator[FakeAgent]:
    with serving(FakeAgent(("127.0.0.1", 0), Handler)) as server:
        server.asked = []
        yield server


def test_the_agent_is_asked_with_its_own_keys(agent: FakeAgent) -> None:
    agent.answer = {"protection": {"ProtectionEnabled": True}}
    api = TaskProtectionApi(agent.uri)

    refusals = [api.protect(True), api.protect(False)]

    assert refusals == ["", ""]
    path, kind = "/api/one/task-protection/v1/state", "application/json"
    assert agent.asked == [
        (path, kind, {"ProtectionEnabled": True, "ExpiresInMinutes": 60}),
        (path, kind, {"ProtectionEnabled": False}),
    ]


def test_a_refusal_in_the_answer_is_one(agent: FakeAgent) -> None:
    agent.answer = {"failure": {"Arn": "arn", "Detail": "too many", "Reason": "DEPLOYMENT_BLOCKED"}}

    assert TaskProtectionApi(agent.uri).protect(True) == "DEPLOYMENT_BLOCKED"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"failure": {"Arn": "arn", "Reason": None}}, "no reason given"),
        ({"failure": "busy"}, "busy"),
        (["busy"], "not an answer"),
    ],
)
def test_a_refusal_without_a_reason_is_one_too(agent: FakeAgent, answer: Any, said: str) -> None:
    agent.answer = answer

    assert said in TaskProtectionApi(agent.uri).protect(True)


def test_a_missing_task_role_is_told_in_the_words_of_the_agent(agent: FakeAgent) -> None:
    agent.status, agent.answer = 403, {"error": {"Code": "AccessDeniedException"}}

    assert TaskProtectionApi(agent.uri).protect(True).startswith("HTTP 403: ")
    assert "AccessDeniedException" in TaskProtectionApi(agent.uri).protect(True)


def test_an_agent_that_is_away_refuses() -> None:
    assert "refused" in TaskProtectionApi("http://127.0.0.1:9/api").protect(True)


def test_a_machine_whose_agent_is_away_is_not_protected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    assert "refused" in InstanceProtectionApi("workers", Machine("http://127.0.0.1:9/v4")).protect(True)


def test_outside_ecs_there_is_nobody_to_ask() -> None:
    agent, metadata = {"ECS_AGENT_URI": "http://a"}, {"ECS_CONTAINER_METADATA_URI_V4": "http://a/v4"}

    def names(environ: dict[str, str]) -> list[str]:
        return [api.name for api in protection_apis(environ, machine_of(environ))]

    assert names({}) == []
    assert names(agent | metadata) == ["ECS"]
    assert names({**agent, **metadata, "AUTO_SCALING_GROUP": "g"}) == ["ECS", "Auto Scaling"]


def test_a_machine_that_nobody_knows_has_no_name_and_keeps_nobody_waiting() -> None:
    for machine in (Machine(""), Machine("http://127.0.0.1:9/v4")):
        machine.look()

        assert machine.id_if_known() == ""
