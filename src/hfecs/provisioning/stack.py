"""Stacks and their steps: look, create, record, converge; the same code plans and does.

A resource module says what its kind needs; the order of the five beats lives here, once:

1. look      `survey` lists what exists of a kind, with one round of calls for a whole stack (`Stack.survey`)
2. create    when nothing of that name is there
3. record    in the state file, in the next statement
4. converge  each difference is one Change, made and named
5. return    the id

In plan mode neither `create` nor a change is called: they are reported, and a Planned id is handed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from hfecs.aws.clients import Cloud
from hfecs.aws.errors import expected_errors, explain, matches, one_or_several, passable
from hfecs.aws.tags import NAME_TAG, OWNER_TAG, STACK_TAG
from hfecs.errors import HfecsError, NotConfirmed, NotOurs
from hfecs.parallel import together
from hfecs.provisioning.report import Outcome, Reporter, Step
from hfecs.provisioning.resource import NOT_YET, Change, Existing, Inventory, digest
from hfecs.provisioning.state import ClusterState, Record
from hfecs.provisioning.wait import Wait


class Module(Protocol):
    """What a resource module offers beside its own `ensure`."""

    KIND: str

    def survey(self, stack: Stack) -> Iterable[Existing]:
        """List what exists of this kind for the stack."""

    def teardown(self, stack: Stack, record: Record) -> None:
        """Make it not exist."""


@dataclass
class Stack:
    """Everything that belongs together: it is made, planned and removed as one."""

    name: str
    cluster: str
    cloud: Cloud
    state: ClusterState
    reporter: Reporter
    wait: Wait
    plan: bool = False
    may_interrupt: bool = False
    confirm: Callable[[str], bool] = lambda question: False
    inventory: Inventory = field(default_factory=Inventory)

    def full_name(self, name: str) -> str:
        """The name in AWS of this cluster's resource."""
        return f"hfecs-{self.cluster}-{name}"

    def iam_name(self, name: str) -> str:
        """The name in IAM, which is one for all regions: it includes the region."""
        return f"hfecs-{self.cluster}-{self.cloud.region}-{name}"

    @property
    def iam_path(self) -> str:
        """The path of this cluster's roles and profiles, by which permissions to pass them can be limited."""
        return f"/hfecs/{self.cluster}/"

    @property
    def ecs_cluster(self) -> str:
        """The ECS cluster of this stack; the monitoring has one of its own."""
        return self.full_name("monitoring" if self.name == "monitoring" else "cluster")

    def tags(self, name: str) -> dict[str, str]:
        """The tags that say whose a resource is."""
        return {OWNER_TAG: self.cluster, STACK_TAG: self.name, NAME_TAG: name}

    def owns(self, tags: dict[str, str]) -> bool:
        """Whether these tags are of this stack."""
        return (tags.get(OWNER_TAG), tags.get(STACK_TAG)) == (self.cluster, self.name)

    def outputs(self) -> dict[str, Any]:
        """What earlier commands wrote down for this stack."""
        return self.state.outputs(self.name)

    def output(self, **values: Any) -> None:
        """Write down values for later commands; no secrets. A plan writes nothing."""
        if not self.plan and any(self.outputs().get(key) != value for key, value in values.items()):
            self.state.output(self.name, **values)

    def token(self, kind: str, name: str) -> str:
        """An idempotency token: the same until the thing has been torn down."""
        generation = self.state.generation(self.name, kind, name)
        return digest(self.state.document.lineage, self.cluster, self.name, kind, name, generation)[:32]

    def survey(self, modules: Iterable[Module], *, again: bool = True, past_errors: bool = False) -> None:
        """List these kinds at once (not those listed before, if not `again`); check that the state is of this account.

        With `past_errors`, a kind that could not be listed is kept in `inventory.failures` and the others are listed.
        """

        def look(module: Module) -> Callable[[], None]:
            return lambda: self._look(module, past_errors=past_errors)

        listed = {*self.inventory.failures} if past_errors else set()
        wanted = [
            module
            for module in modules
            if again or (module.KIND not in listed and self.inventory.of(module.KIND) is None)
        ]
        together(*(look(module) for module in wanted), lambda: self.cloud.account and None)
        self.state.document.belongs_to(self.cloud.account, self.cloud.region)

    def _look(self, module: Module, *, past_errors: bool) -> None:
        try:
            self.inventory.remember(module.KIND, module.survey(self))
        except one_or_several() as error:
            if not (past_errors and passable(error)):
                raise
            self.inventory.fail(module.KIND, error)

    def seen(self, kind: str, name: str) -> Existing | None:
        """What the survey has shown under that name, whichever stack or stranger made it."""
        return (self.inventory.of(kind) or {}).get(name)

    def found(self, kind: str, name: str, survey: Callable[[Stack], Iterable[Existing]]) -> Existing | None:
        """The resource of that kind and name if it exists; a stranger's of that name is NotOurs."""
        if self.inventory.of(kind) is None:
            self.inventory.remember(kind, survey(self))
        found = self.seen(kind, name)
        if found and not self.inventory.owns(found):
            raise NotOurs(
                f"The {kind} {name} ({found.id}) exists and does not carry the tags of this {self.name}.",
                hint="remove it, or choose another cluster.name or --bucket; hfecs touches only what it created",
            )
        return found

    def ensure(
        self,
        kind: str,
        name: str,
        *,
        survey: Callable[[Stack], Iterable[Existing]],
        create: Callable[[], str],
        changes: Callable[[Existing], Iterable[Change]] = lambda found: (),
        exists_codes: Sequence[str] = (),
    ) -> str:
        """Make a resource exist as described and return its id; `exists_codes` say that it already does."""
        try:
            if found := self.found(kind, name, survey):
                return self._converge(kind, found, changes)
            if self.plan:
                return self.report(Outcome.CREATED, kind, name, NOT_YET)
            identifier = self._create(kind, name, survey, create, exists_codes)
        except expected_errors() as error:
            raise self.failure(kind, name, error) from error
        self.state.record(self.name, Record(kind, name, identifier))
        return self.report(Outcome.CREATED, kind, name, identifier)

    def _create(
        self,
        kind: str,
        name: str,
        survey: Callable[[Stack], Iterable[Existing]],
        create: Callable[[], str],
        exists_codes: Sequence[str],
    ) -> str:
        """Create; if the name is taken by something that was not visible yet, look again until it is."""
        self.state.store.check()
        try:
            return create()
        except expected_errors() as error:
            if not matches(error, *exists_codes):
                raise

        def look() -> Existing | None:
            self.inventory.remember(kind, survey(self))
            return self.found(kind, name, survey)

        return self.wait.until(look, what=f"the {kind} {name}, which exists, to show up", timeout=60).id

    def _converge(self, kind: str, found: Existing, changes: Callable[[Existing], Iterable[Change]]) -> str:
        identifier, made = found.id, list(changes(found))
        for change in made:
            if self.plan:
                identifier = NOT_YET if change.replaces else identifier
                continue
            if change.interrupts and not self.may_interrupt:
                raise NotConfirmed(
                    f"Changing {change} {change.interrupts}.", hint="repeat with --yes if that is all right"
                )
            self.state.store.check()
            answer = change.apply()
            identifier = answer if isinstance(answer, str) else identifier
        recorded = {(record.kind, record.name): record.id for record in self.state.records(self.name)}
        if not self.plan and recorded.get((kind, found.name)) != identifier:
            self.state.record(self.name, Record(kind, found.name, identifier))
        outcome = Outcome.CHANGED if made else Outcome.UNCHANGED
        self.reporter.step(Step(outcome, kind, found.name, "; ".join(map(str, made)), identifier, made))
        return identifier

    def report(self, outcome: Outcome, kind: str, name: str, identifier: str, detail: str = "") -> str:
        """Tell the reporter what became of a resource; return its id."""
        self.reporter.step(Step(outcome, kind, name, detail, identifier))
        return identifier

    def failure(self, kind: str, name: str, error: Exception) -> Exception:
        """The error as a sentence about this resource, told to the reporter."""
        known = error if isinstance(error, HfecsError) else explain(error, doing=f"{kind} {name}") or error
        self.reporter.step(Step(Outcome.FAILED, kind, name, str(known)))
        return known

    def existing(self, module: Module) -> list[Record]:
        """What exists of one kind: what the state file names, and what AWS lists with our tags.

        Left out is what now has the name of a recorded resource without our tags: `estranged` and `replaced` tell.
        """
        shown = self.inventory.of(module.KIND) or {}
        ours = [found for found in self.inventory.all_of(module.KIND) if self._owns(found)]
        recorded = [record for record in self._recorded(module.KIND) if record.name not in shown]
        return [*(Record(module.KIND, found.name, found.id) for found in ours), *recorded]

    def estranged(self, module: Module) -> list[tuple[Record, Existing]]:
        """What the state file names and AWS lists under the recorded id, but without our tags."""
        listed = {found.id: found for found in self.inventory.all_of(module.KIND)}
        recorded = [(record, listed[record.id]) for record in self._recorded(module.KIND) if record.id in listed]
        return [(record, found) for record, found in recorded if not self._owns(found)]

    def replaced(self, module: Module) -> list[Record]:
        """What the state file names and is gone: its name belongs to something else, which is not ours."""
        ids = {found.id for found in self.inventory.all_of(module.KIND)}
        kept = {record.name for record in self.existing(module)}
        return [record for record in self._recorded(module.KIND) if record.id not in ids and record.name not in kept]

    def _owns(self, found: Existing) -> bool:
        """Whether we own it; of a parent that could not be looked at, the state file tells."""
        kind, name = found.within
        known = kind not in self.inventory.failures or name in {record.name for record in self._recorded(kind)}
        return known and self.inventory.owns(found)

    def _recorded(self, kind: str) -> list[Record]:
        return [record for record in self.state.records(self.name) if record.kind == kind]
