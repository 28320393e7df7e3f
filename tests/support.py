"""What the tests share: a cloud that is watched, a clock that does not wait, a configuration that works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from hfecs.aws.clients import Cloud
from hfecs.config import Config
from hfecs.provisioning.report import Outcome, Recorder, Step
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import ClusterState, State
from hfecs.provisioning.wait import Wait

REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
ME = "192.0.2.7/32"
READING = ("Describe", "Get", "List", "Head")
WORKING = {"images.hfecs": "hfecs:1", "images.worker": "montage:1", "network.admin_cidrs": [ME]}


@dataclass
class FakeClock:
    """A clock whose time passes only when somebody sleeps."""

    time: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@dataclass(frozen=True)
class Call:
    """A call to AWS, as boto3 was asked for it."""

    operation: str
    arguments: dict[str, Any]

    @property
    def changing(self) -> bool:
        return not self.operation.startswith(READING)


class WatchedCloud(Cloud):
    """Keeps all calls, and answers some of them with an error when a test wants to know what comes of it."""

    def __init__(self, region: str = REGION) -> None:
        super().__init__(region=region, environment=KEYS)
        self.calls: list[Call] = []
        self.refusals: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, dict[str, Any]] = {}
        self.answers_once: dict[str, dict[str, Any]] = {}

    def client(self, service: str) -> Any:
        client = super().client(service)
        client.meta.events.register("provide-client-params", self._note, unique_id="note")
        client.meta.events.register("before-call", self._refuse, unique_id="refuse")
        return client

    def forget(self) -> None:
        self.calls.clear()
        self.refusals.clear()
        self.answers.clear()
        self.answers_once.clear()

    def refuse(self, operation: str, code: str, message: str = "", times: int = 1) -> None:
        """Answer the next calls of an operation with an error of AWS."""
        self.refusals += [(operation, {"Code": code, "Message": message})] * times

    def answer(self, operation: str, **parsed: Any) -> None:
        """Answer all calls of an operation with this, as if AWS had it so."""
        self.answers[operation] = parsed

    def answer_once(self, operation: str, **parsed: Any) -> None:
        """Answer the next call of an operation with this."""
        self.answers_once[operation] = parsed

    def changing(self) -> list[str]:
        return [call.operation for call in self.calls if call.changing]

    def calls_of(self, operation: str) -> list[dict[str, Any]]:
        return [call.arguments for call in self.calls if call.operation == operation]

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.calls.append(Call(model.name, dict(params)))

    def _refuse(self, model: Any, **_: Any) -> Any:
        for refusal in self.refusals:
            if refusal[0] == model.name:
                self.refusals.remove(refusal)
                return AWSResponse("", 400, HTTPHeaders(), None), {"Error": refusal[1], "ResponseMetadata": {}}
        said = self.answers_once.pop(model.name, None) or self.answers.get(model.name)
        if said:
            return AWSResponse("", 200, HTTPHeaders(), None), said
        return None


@contextmanager
def nothing_changes(cloud: WatchedCloud) -> Iterator[None]:
    """Fail if a call that changes something is made meanwhile."""
    before = len(cloud.changing())
    yield
    assert cloud.changing()[before:] == []


def stack_of(
    cloud: Cloud,
    state: State | ClusterState,
    name: str = "cluster",
    *,
    cluster: str = "hyperflow",
    plan: bool = False,
    may_interrupt: bool = False,
    clock: FakeClock | None = None,
) -> Stack:
    """A stack that has not looked at anything yet, with a reporter and a clock of its own."""
    reporter = Recorder()
    wait = Wait(clock or FakeClock(), reporter.waiting)
    whole = state if isinstance(state, State) else state.document
    return Stack(name, cluster, cloud, whole.of(cluster), reporter, wait, plan, may_interrupt)


def again(
    stack: Stack, *, plan: bool = False, may_interrupt: bool = False, state: State | ClusterState | None = None
) -> Stack:
    """The same stack as a later command has it."""
    return stack_of(
        stack.cloud, state or stack.state, stack.name, cluster=stack.cluster, plan=plan, may_interrupt=may_interrupt
    )


def watched(stack: Stack) -> WatchedCloud:
    """The cloud of a stack of these tests."""
    assert isinstance(stack.cloud, WatchedCloud)
    return stack.cloud


def steps(stack: Stack) -> list[Step]:
    """What became of the resources, in order."""
    assert isinstance(stack.reporter, Recorder)
    return stack.reporter.steps


def outcomes(stack: Stack) -> set[Outcome]:
    """What became of the resources."""
    return {step.outcome for step in steps(stack)}


def configuration(**changes: Any) -> Config:
    """A configuration with images and an admin's address; changes are written as scaling__asg_max=3."""
    values = WORKING | {key.replace("__", "."): value for key, value in changes.items()}
    tables: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        table, _, name = key.partition(".")
        tables.setdefault(table, {})[name] = value
    return Config.model_validate(tables)


def add_machine(stack: Stack) -> str:
    """Register a machine with the cluster, as its agent would; return the ARN that ECS gives it."""
    answer = stack.cloud.ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    identity = {"instanceId": answer["Instances"][0]["InstanceId"], "region": REGION}
    registered = stack.cloud.ecs.register_container_instance(
        cluster=stack.full_name("cluster"), instanceIdentityDocument=json.dumps(identity)
    )
    return registered["containerInstance"]["containerInstanceArn"]


def write_job(folder: Path) -> Path:
    """A job directory with one job: `cat` makes b.txt of a.txt."""
    executor = {"executable": "cat", "args": ["a.txt"], "stdout": "b.txt"}
    process = {"name": "cat", "function": "amqpCommand", "ins": [0], "outs": [1], "config": {"executor": executor}}
    document = {
        "name": "copy",
        "processes": [process],
        "signals": [{"name": "a.txt", "data": [{}]}, {"name": "b.txt"}],
        "ins": [0],
        "outs": [1],
    }
    for name, text in {"workdir/dag.json": json.dumps(document), "input/a.txt": "a"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder
