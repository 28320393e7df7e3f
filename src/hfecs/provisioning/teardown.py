"""Removing a stack: every kind in order, past errors, with a list of what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from hfecs.aws import prices
from hfecs.aws.errors import each, expected_errors
from hfecs.errors import Leftover, Leftovers
from hfecs.parallel import together
from hfecs.provisioning.report import Outcome, Step
from hfecs.provisioning.resource import Change
from hfecs.provisioning.stack import Module, Stack
from hfecs.provisioning.state import Record

Paragraphs = Sequence[Sequence[Module]]

# Seconds after which nothing of a stack is waited for any more; a service's tasks alone may take twenty minutes.
LONGEST = 45 * 60


def remove(stack: Stack, paragraphs: Paragraphs, *, looked: bool = False) -> None:
    """Tear down what the state file names and what carries our tags, paragraph by paragraph, in less than an hour.

    `looked` says that the stack has been surveyed a moment ago: only what that left out is looked at. An error does
    not stop it: the rest is removed, and Leftovers lists what is still there and what it costs.
    """
    stack = replace(stack, wait=stack.wait.within(LONGEST))
    stack.survey([module for paragraph in paragraphs for module in paragraph], again=not looked)
    left: list[Leftover] = []
    for paragraph in paragraphs:
        together(*[_removal(stack, module, record, left) for module in paragraph for record in stack.existing(module)])
    if left:
        raise Leftovers(left)


@contextmanager
def one_list() -> Iterator[None]:
    """Let what is left of several stacks be one list."""
    try:
        yield
    except ExceptionGroup as group:
        errors = list(each(group))
        left = [thing for error in errors if isinstance(error, Leftovers) for thing in error.things]
        others = [error for error in errors if not isinstance(error, Leftovers)]
        raise ExceptionGroup(
            "not everything could be removed", [*others, *([Leftovers(left)] if left else [])]
        ) from None


def absent(stack: Stack, module: Module, name: str, because: Sequence[Change] = ()) -> None:
    """Tear down one resource that is not wanted any more; nothing if it is not there, or not ours.

    `because` says what differs, and what running work its removal ends.
    """
    for record in stack.existing(module):
        if record.name == name:
            if not stack.plan:
                stack.state.store.check()
                module.teardown(stack, record)
                stack.state.forget(stack.name, record)
            detail = "; ".join(map(str, because))
            stack.reporter.step(Step(Outcome.DELETED, record.kind, record.name, detail, record.id, because))


def _removal(stack: Stack, module: Module, record: Record, left: list[Leftover]) -> Callable[[], None]:
    def tear_down() -> None:
        try:
            if not stack.plan:
                stack.state.store.check()
                module.teardown(stack, record)
                stack.state.forget(stack.name, record)
        except expected_errors() as error:
            left.append(_left(stack, record, stack.failure(record.kind, record.name, error)))
        else:
            stack.report(Outcome.DELETED, record.kind, record.name, record.id)

    return tear_down


def _left(stack: Stack, record: Record, reason: Exception) -> Leftover:
    """What is still there; its cost by what the survey has shown of it."""
    known = stack.seen(record.kind, record.name)
    cost = prices.of(record.kind, known.actual if known else None)
    return Leftover(f"{record.kind} {record.name} ({record.id})", prices.words(cost), str(reason))
