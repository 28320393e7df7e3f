"""What stands again without being made again: an AWS, photographed when it was made for the first time."""

from __future__ import annotations

import copy
import copyreg
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from moto.core.base_backend import BackendDict
from moto.kms.utils import AbstractPrivateKey
from moto.ssm.models import ParameterDict

from hfecs.blueprints import cluster, monitoring
from hfecs.provisioning.report import Recorder, Step
from hfecs.provisioning.stack import Stack
from support import Call, WatchedCloud, configuration

Result = TypeVar("Result")

# The services that were asked since the last test.
IN_USE: list[Any] = vars(BackendDict)["_instances"]
PARTS = {cluster.STACK: cluster, monitoring.STACK: monitoring}


@dataclass(frozen=True)
class Photograph:
    """All that moto had, the state file, what was told and called, and what came of it."""

    backends: list[tuple[Any, dict[str, Any]]]
    state: bytes
    steps: list[Step]
    calls: list[Call]
    result: Any


_album: dict[Hashable, Photograph] = {}


def once(stack: Stack, what: Hashable, make: Callable[[], Result]) -> Result:
    """Make something in an empty AWS, or let it stand as it stood when it was made first; return what came of it.

    `what` says what is made, with all that makes a difference. In an AWS that is not empty it is made in any case.
    """
    if not _untouched(stack):
        return make()
    if (known := _album.get(what)) is None:
        made = make()
        _album[what] = _taken(stack, made)
        return made
    _put_back(known, stack)
    return known.result  # type: ignore[no-any-return]


def stands(stack: Stack, **changes: Any) -> Stack:
    """Let a cluster (or the monitoring) stand as `up` makes it; the stack has the steps, the cloud the calls of it."""
    config, part = configuration(**changes), PARTS[stack.name]
    region = stack.cloud.region
    once(stack, ("up", stack.name, stack.cluster, region, config.model_dump_json()), lambda: part.up(stack, config))
    return stack


def _untouched(stack: Stack) -> bool:
    """Whether nothing was made or asked yet, and AWS behaves."""
    cloud = stack.cloud
    odd = isinstance(cloud, WatchedCloud) and (cloud.refusals or cloud.answers or cloud.answers_once)
    return not (IN_USE or odd or stack.plan or stack.state.stacks())


def _taken(stack: Stack, result: Any) -> Photograph:
    recorder = stack.reporter
    assert isinstance(recorder, Recorder)
    calls = [*stack.cloud.calls] if isinstance(stack.cloud, WatchedCloud) else []
    return Photograph(_copied(), stack.state.store.read() or b"", [*recorder.steps], calls, result)


def _copied() -> list[tuple[Any, dict[str, Any]]]:
    services = list(IN_USE)
    copies = copy.deepcopy([dict(service) for service in services])  # at once: services refer to each other
    return list(zip(services, copies, strict=True))


def _put_back(known: Photograph, stack: Stack) -> None:
    copies = copy.deepcopy([accounts for _, accounts in known.backends])
    for (service, _), accounts in zip(known.backends, copies, strict=True):
        service.clear()
        service.update(accounts)
        IN_USE.append(service)
    stack.state.store.write(known.state)()
    with stack.state.document.locked("a test"):  # it reads what is there
        pass
    assert isinstance(stack.reporter, Recorder)
    stack.reporter.steps += known.steps
    if isinstance(stack.cloud, WatchedCloud):
        stack.cloud.calls += known.calls


def _parameters(parameters: ParameterDict) -> Any:
    """How parameters are copied: moto's class cannot be without its arguments."""
    made_of = (parameters.account_id, parameters.region_name)
    return ParameterDict, made_of, vars(parameters), None, iter(dict(parameters).items())


copyreg.pickle(ParameterDict, _parameters)
# A key is never changed, and need not be copied.
setattr(AbstractPrivateKey, "__deepcopy__", lambda key, _: key)  # noqa: B010
