"""Removing a stack: every kind in order, past errors, with a list of what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hfecs.answers import foreseen
from hfecs.errors import Leftovers
from hfecs.report import Outcome
from hfecs.stack import Module, Stack
from hfecs.state import Record
from hfecs.together import together

Paragraphs = Sequence[Sequence[Module]]


def remove(stack: Stack, paragraphs: Paragraphs, *, looked: bool = False) -> None:
    """Tear down what the state file names and what carries our tags, paragraph by paragraph.

    `looked` says that the stack has been surveyed a moment ago: only what that left out is looked at. An error does
    not stop it: the rest is removed, and Leftovers lists what is still there.
    """
    stack.survey([module for paragraph in paragraphs for module in paragraph], again=not looked)
    failures: list[str] = []
    for paragraph in paragraphs:
        together(
            *[_removal(stack, module, record, failures) for module in paragraph for record in stack.existing(module)]
        )
    if failures:
        raise Leftovers("Not everything could be removed:\n" + "\n".join(failures), hint="run the same command again")


def absent(stack: Stack, module: Module, name: str) -> None:
    """Tear down one resource that is not wanted any more; nothing if it is not there, or not ours."""
    for record in stack.existing(module):
        if record.name == name:
            if not stack.plan:
                module.teardown(stack, record)
                stack.state.forget(stack.name, record)
            stack.report(Outcome.DELETED, record.kind, record.name, record.id)


def _removal(stack: Stack, module: Module, record: Record, failures: list[str]) -> Callable[[], None]:
    def tear_down() -> None:
        try:
            if not stack.plan:
                stack.state.store.check()
                module.teardown(stack, record)
                stack.state.forget(stack.name, record)
        except foreseen() as error:
            failures.append(f"  {stack.failure(record.kind, record.name, error)}")
        else:
            stack.report(Outcome.DELETED, record.kind, record.name, record.id)

    return tear_down
