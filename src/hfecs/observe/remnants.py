"""What the state file names of a cluster without machines: resources that lost their tags, or that a removal left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from hfecs.aws import prices
from hfecs.blueprints import cluster, monitoring, run
from hfecs.errors import Leftover
from hfecs.parallel import together
from hfecs.provisioning.resource import Inventory
from hfecs.provisioning.stack import Module, Stack
from hfecs.provisioning.teardown import estranged, unlisted

REMOVABLE = "it still exists: hfecs destroy removes it"


def look(stack: Stack, runs: Stack) -> list[Leftover]:
    """Survey the kinds that the state file names, of all stacks of the cluster.

    What runs leave for the next cluster, such as their task definition and their buckets, is not listed.
    """
    parts = [
        (replace(stack, inventory=Inventory()), cluster.TEARDOWN),
        (replace(runs, inventory=Inventory()), run.TEARDOWN_WITH_DATA),
        (replace(stack, name=monitoring.STACK, inventory=Inventory()), monitoring.TEARDOWN),
    ]
    with stack.cloud.coalescing.once():
        found = together(*(partial(_of, part, paragraphs) for part, paragraphs in parts))
    return [leftover for leftovers in found for leftover in leftovers]


def _of(stack: Stack, paragraphs: Sequence[Sequence[Module]]) -> list[Leftover]:
    recorded = {record.kind for record in stack.state.records(stack.name)}
    modules = [module for paragraph in paragraphs for module in paragraph if module.KIND in recorded]
    if not modules:
        return []
    stack.survey(modules, past_errors=True)
    failed = [leftover for module in modules for leftover in unlisted(stack, module)]
    removable = [
        Leftover(f"{record.kind} {record.name} ({record.id})", _cost(stack, module, record.name), REMOVABLE)
        for module in modules
        for record in stack.existing(module)
        if stack.name != run.STACK and stack.seen(module.KIND, record.name)
    ]
    return [*failed, *estranged(stack, modules), *removable]


def _cost(stack: Stack, module: Module, name: str) -> str:
    known = stack.seen(module.KIND, name)
    return prices.words(prices.of(module.KIND, known.actual if known else None))
