"""Delete a stack: kind after kind, past errors, with a list of what is left."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType

from hfecs.aws import prices
from hfecs.aws.errors import each, explain, one_or_several, passable
from hfecs.errors import Leftover, Leftovers
from hfecs.parallel import together
from hfecs.provisioning.report import Outcome, Step
from hfecs.provisioning.resource import Change, Existing
from hfecs.provisioning.stack import Module, Stack
from hfecs.provisioning.state import Record

Paragraphs = Sequence[Sequence[Module]]

# Seconds after which nothing of a stack is waited for any more; a service's tasks alone may take twenty minutes.
LONGEST = 45 * 60


def remove(
    stack: Stack,
    paragraphs: Paragraphs,
    *,
    looked: bool = False,
    keeping: Collection[str] = (),
    needed: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> None:
    """Delete what the state file names and what carries our tags, paragraph by paragraph, in less than an hour.

    `looked` says that the stack has just been surveyed: only kinds missing from that survey are listed. An error does
    not stop the rest. Of a kind that cannot be listed, what the state file names is deleted. At the end Leftovers names
    what still exists and its cost, what the state file names but no longer carries our tags, and what is of a kind that
    is neither deleted here nor one of `keeping`. What others still need stays, by its kind and name, with the reason.
    """
    stack = replace(stack, wait=stack.wait.within(LONGEST))
    modules = [module for paragraph in paragraphs for module in paragraph]
    survey(stack, modules, again=not looked)
    left = [leftover for module in modules for leftover in _untouched(stack, module)]
    for paragraph in paragraphs:
        together(
            *[
                _removal(stack, module, record, left)
                for module in paragraph
                for record in stack.inventory.existing(module.KIND, stack.records)
                if (module.KIND, record.name) not in needed
            ]
        )
    for (kind, name), why in needed.items():
        stack.report(Outcome.KEPT, kind, name, "", why)
    left += unforgotten(stack, {*(module.KIND for module in modules), *keeping})
    if left:
        raise Leftovers(left)


def survey(stack: Stack, modules: Iterable[Module], *, again: bool = True) -> None:
    """List these kinds; one that cannot be listed does not keep the others from being deleted."""
    stack.survey(modules, again=again, past_errors=True)


def estranged(stack: Stack, modules: Iterable[Module]) -> list[Leftover]:
    """What the state file names and still exists, but does not carry the tags of this cluster any more."""
    return [
        Leftover(_words(record), _cost(record, found), _estrangement(stack, found))
        for module in modules
        for record, found in stack.inventory.estranged(module.KIND, stack.records)
    ]


def unlisted(stack: Stack, module: Module) -> list[Leftover]:
    """What may exist of a kind that could not be listed."""
    failure = stack.inventory.failures.get(module.KIND)
    if failure is None:
        return []
    reasons = [str(explain(error) or error) for error in each(failure)]
    reason = f"they could not be listed: {'; '.join(dict.fromkeys(reasons))}"
    return [Leftover(f"any {module.KIND} that the state does not name", prices.words(None), reason)]


def unforgotten(stack: Stack, kinds: Collection[str]) -> list[Leftover]:
    """What the state file names of other kinds than these: another version of hfecs created it."""
    reason = "this version of hfecs does not know this kind: destroy it with the version that created it"
    others = [record for record in stack.records if record.kind not in kinds]
    return [Leftover(_words(record), _cost(record, None), reason) for record in others]


def _untouched(stack: Stack, module: Module) -> Iterator[Leftover]:
    """What will be left of a kind in any case; records whose name belongs to something else by now are dropped."""
    if not stack.plan:
        for record in stack.inventory.replaced(module.KIND, stack.records):
            stack.state.forget(stack.name, record)
    yield from unlisted(stack, module)
    for leftover in estranged(stack, [module]):
        stack.reporter.step(Step(Outcome.FAILED, module.KIND, leftover.what, leftover.reason))
        yield leftover


@contextmanager
def one_list() -> Iterator[None]:
    """Merge the leftovers of several stacks into one error."""
    try:
        yield
    except ExceptionGroup as group:
        errors = list(each(group))
        left = list(dict.fromkeys(thing for error in errors if isinstance(error, Leftovers) for thing in error.things))
        others = [error for error in errors if not isinstance(error, Leftovers)]
        raise ExceptionGroup(
            "not everything could be removed", [*others, *([Leftovers(left)] if left else [])]
        ) from None


def absent(stack: Stack, module: Module, name: str, because: Sequence[Change] = ()) -> None:
    """Delete one resource that is not needed any more; nothing happens if it does not exist, or is not ours.

    `because` says what differs, and what running work its removal ends: NotConfirmed if that was not allowed.
    """
    for record in stack.inventory.existing(module.KIND, stack.records):
        if record.name == name:
            if not stack.plan:
                for change in because:
                    stack.require_permission(change)
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
        except one_or_several() as error:
            if not passable(error):
                raise
            reasons = [str(stack.failure(record.kind, record.name, single)) for single in each(error)]
            left.append(_left(stack, record, "; ".join(dict.fromkeys(reasons))))
        else:
            stack.report(Outcome.DELETED, record.kind, record.name, record.id)

    return tear_down


def _left(stack: Stack, record: Record, reason: str) -> Leftover:
    """What still exists, with its cost as far as the survey tells."""
    return Leftover(_words(record), _cost(record, stack.seen(record.kind, record.name)), reason)


def _words(record: Record) -> str:
    return f"{record.kind} {record.name} ({record.id})"


def _cost(record: Record, found: Existing | None) -> str:
    return prices.words(prices.of(record.kind, found.actual if found else None))


def _estrangement(stack: Stack, found: Existing) -> str:
    """Why a resource that this cluster created is left alone, and what a person can do."""
    kind, name = found.within
    if found.ours and kind:
        return f"it belongs to {kind} {name}, which does not carry the tags of this {stack.name}: it goes with that"
    tags = ", ".join(f"{key}={value}" for key, value in stack.tags(found.name).items())
    return (
        f"hfecs created it under this id, but it no longer carries the tags of this {stack.name} and is left alone: "
        f"delete it yourself, or give it back its tags ({tags}), then run the same command again"
    )
