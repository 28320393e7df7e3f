"""How a patch replaces moto's answers, but keeps moto's parsing of requests and formatting of responses."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult


@dataclass(frozen=True)
class Call:
    """A request: its region and its parameters by their AWS names."""

    region: str
    parameters: dict[str, Any]

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter, or the default when it was not sent."""
        value = self.parameters.get(name)
        return default if value is None else value


Answer = Callable[[Call], dict[str, Any]]


def take_over(response_class: type, answers: object) -> None:
    """Let each public method of `answers` handle the action of its name."""
    for name, method in inspect.getmembers(answers, inspect.ismethod):
        if not name.startswith("_"):
            setattr(response_class, name, _handler(method))


def replace(owner: type, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Replace a method by a function; returns the original method.

    The function gets the original's object as its first argument, even if it is a method itself.
    """

    def stand_in(thing: Any, *arguments: Any, **options: Any) -> Any:
        return function(thing, *arguments, **options)

    original: Callable[..., Any] = getattr(owner, name)
    setattr(owner, name, stand_in)
    return original


class Untagged:
    """A resource without its tags, which ECS returns only on request."""

    tags: tuple[()] = ()

    def __init__(self, thing: Any) -> None:
        self._thing = thing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._thing, name)


def shown(call: Call, things: Iterable[Any]) -> list[Any]:
    """The resources, with their tags if the call includes them."""
    return list(things) if "TAGS" in call.get("include", []) else [Untagged(thing) for thing in things]


def _handler(method: Answer) -> Callable[[Any], ActionResult]:
    def handle(response: Any) -> ActionResult:
        automated = response.automated_parameter_parsing
        parameters = response._get_params() if automated else json.loads(response.body or "{}")
        return ActionResult(method(Call(response.region, parameters)))

    return handle
