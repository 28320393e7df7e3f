"""What `up` would do, field by field: for people, and as the document described in docs/plan.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from hfecs.blueprints import cluster, monitoring
from hfecs.config import Config
from hfecs.provisioning.report import Outcome, Recorder, Step
from hfecs.provisioning.resource import Existing
from hfecs.provisioning.stack import Stack
from hfecs.resources import container_instance, instance, service_linked_role, task

# Version of the document; raised when a field is removed or changes its meaning.
SCHEMA = 1
# Kinds that come and go automatically, or belong to the account.
NOT_CONFIGURED = (container_instance.KIND, service_linked_role.KIND, task.KIND)
VERBS = {Outcome.CREATED: "create", Outcome.CHANGED: "update", Outcome.DELETED: "delete"}


@dataclass
class Plan:
    """What differs between AWS and the configuration; `orphans` are our resources that are no longer configured."""

    cluster: str
    region: str
    steps: list[tuple[str, Step]] = field(default_factory=list)
    orphans: list[tuple[str, str, Existing]] = field(default_factory=list)

    @property
    def has_changes(self) -> bool:
        """Whether `up` would create, change or delete anything."""
        return any(step.outcome in VERBS for _, step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        """The plan as JSON."""
        entries = [_entry(stack, step) for stack, step in self.steps if step.outcome in VERBS]
        entries += [_orphan(*orphan) for orphan in self.orphans]
        actions = ["create", "update", "replace", "delete", "orphan"]
        counts = {action: sum(entry["action"] == action for entry in entries) for action in actions}
        unchanged = sum(step.outcome is Outcome.UNCHANGED for _, step in self.steps)
        return {
            "schema": SCHEMA,
            "cluster": self.cluster,
            "region": self.region,
            "changes": self.has_changes,
            "summary": counts | {"unchanged": unchanged},
            "resources": entries,
        }


def plan(whole: Stack, watching: Stack, config: Config) -> Plan:
    """Plan the cluster, and the monitoring if it exists; `whole` and `watching` are their stacks. Only reads."""
    planned = Plan(whole.cluster, whole.cloud.region)
    _rehearse(planned, whole, lambda stack: cluster.up(stack, config))
    if watching.records or whole.seen(instance.KIND, monitoring.STACK):
        _rehearse(planned, watching, lambda stack: monitoring.up(stack, config))
    planned.steps.sort(key=lambda entry: (entry[0], entry[1].kind, entry[1].name))
    return planned


def _rehearse(planned: Plan, stack: Stack, up: Callable[[Stack], None]) -> None:
    recorder = Recorder()
    up(replace(stack, plan=True, reporter=recorder))
    planned.steps += [(stack.name, step) for step in recorder.steps]
    planned.orphans += sorted(_orphans(stack, recorder.steps), key=lambda orphan: (orphan[1], orphan[2].name))


def _orphans(stack: Stack, steps: list[Step]) -> Iterator[tuple[str, str, Existing]]:
    """Resources that the survey of this stack found and `up` did not ask for."""
    wanted = {(step.kind, step.name) for step in steps}
    for kind, found in stack.inventory.everything():
        if stack.inventory.owns(found) and kind not in NOT_CONFIGURED and (kind, found.name) not in wanted:
            yield stack.name, kind, found


def _entry(stack: str, step: Step) -> dict[str, Any]:
    fields = [
        {"path": change.field, "old": change.old, "new": change.new, "replaces": change.replaces}
        for change in step.changes
    ]
    replaced = any(change.replaces for change in step.changes)
    return {
        "stack": stack,
        "action": "replace" if replaced else VERBS[step.outcome],
        "kind": step.kind,
        "name": step.name,
        "id": None if step.outcome is Outcome.CREATED else step.id,
        "interrupts": next((change.interrupts for change in step.changes if change.interrupts), None),
        "fields": fields,
    }


def _orphan(stack: str, kind: str, found: Existing) -> dict[str, Any]:
    known = {"stack": stack, "action": "orphan", "kind": kind, "name": found.name, "id": found.id}
    return {**known, "interrupts": None, "fields": []}
