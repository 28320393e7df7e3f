"""Answers of AWS that lack what they may lack: handled, or an error with a sentence, and never a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.parsers import create_parser
from botocore.session import Session

from hfecs.aws.errors import each
from hfecs.blueprints import cluster
from hfecs.explained import explained
from hfecs.observe.reasons import reasons
from hfecs.observe.status import overview
from hfecs.provisioning.stack import Stack
from standing import stands
from support import WatchedCloud, add_machine, again, configuration, stack_of


class Lacking(WatchedCloud):
    """The answers to one operation lack a list at their top, as they do where a service leaves out empty ones."""

    def __init__(self) -> None:
        super().__init__()
        self.operation = ""
        self.has_lacked = False

    def client(self, service: str) -> Any:
        client = super().client(service)
        client.meta.events.register_first("after-call", self._take, unique_id="take")
        return client

    def _take(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name != self.operation:
            return
        for name, shape in model.output_shape.members.items():
            if shape.type_name == "list" and name in parsed:
                del parsed[name]
                self.has_lacked = True


COMMANDS: dict[str, Callable[[Stack], object]] = {
    "up": lambda stack: cluster.up(again(stack, plan=True), configuration()),
    "status": lambda stack: overview(again(stack), stack_of(stack.cloud, stack.state, "run")),
    "reasons": lambda stack: reasons(again(stack)),
    "down": lambda stack: cluster.down(again(stack, plan=True)),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_list_that_an_answer_lacks_ends_no_command_in_a_traceback(command: str, stack: Stack) -> None:
    stands(stack, scaling__asg_desired=1)
    add_machine(stack)
    cloud = Lacking()
    lacking = stack_of(cloud, stack.state)
    COMMANDS[command](lacking)
    operations = {call.operation for call in cloud.calls}
    lacked = set()

    for cloud.operation in sorted(operations):
        cloud.has_lacked = False
        error = _error_of(lambda: COMMANDS[command](lacking))
        lacked |= {cloud.operation} if cloud.has_lacked else set()
        unexplained = [repr(single) for single in each(error) if not explained(single)] if error else []
        assert not unexplained, f"{command} without the lists of {cloud.operation}"

    assert len(lacked) >= 3, "nothing was tried"


def _error_of(call: Callable[[], object]) -> Exception | None:
    try:
        call()
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize(
    ("service", "operation", "answer"),
    [
        ("ecs", "DescribeServices", {"services": None, "failures": None}),
        ("ecs", "DescribeTasks", {"tasks": [{"taskArn": "a", "containers": None, "stoppedReason": None}]}),
        ("ecs", "RunTask", {"tasks": [{"taskArn": "a", "tags": None}], "failures": None}),
        ("logs", "DescribeLogGroups", {"logGroups": [{"logGroupName": "a", "storedBytes": None}]}),
        ("ssm", "DescribeParameters", {"Parameters": None}),
        ("ecr", "DescribeRepositories", {"repositories": None}),
    ],
)
def test_botocore_drops_what_is_null_so_that_a_default_guards_against_both(
    service: str, operation: str, answer: dict[str, Any]
) -> None:
    model = Session().get_service_model(service).operation_model(operation)
    assert model.output_shape
    response = {"status_code": 200, "headers": {}, "body": json.dumps(answer).encode()}

    parsed = create_parser("json").parse(response, model.output_shape)

    assert None not in _values(parsed)


def _values(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in _values(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _values(inner)]
    return [value]
