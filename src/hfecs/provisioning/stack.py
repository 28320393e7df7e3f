"""A stack: the resources that are created, planned and deleted together.

A resource module says what its kind needs. The order of the steps of `ensure` is here, once:

1. look      `Stack.survey` lists what exists of all kinds, with one round of parallel calls
2. create    if nothing of that name exists
3. record    in the state file, in the next statement
4. converge  each difference is one Change, applied and reported
5. return    the id

In plan mode nothing is created or changed: it is reported, and a Planned id stands for the id that is not known yet.
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
from hfecs.provisioning.inventory import Inventory
from hfecs.provisioning.report import Outcome, Reporter, Step
from hfecs.provisioning.resource import NOT_YET, Change, Existing, digest
from hfecs.provisioning.state import ClusterState, Record
from hfecs.provisioning.wait import Wait

# The path of the roles and profiles of all clusters.
IAM_ROOT = "/hfecs/"


class Module(Protocol):
    """What a resource module offers beside its own `ensure`."""

    KIND: str

    def survey(self, stack: Stack) -> Iterable[Existing]:
        """List what exists of this kind for the stack."""

    def teardown(self, stack: Stack, record: Record) -> None:
        """Delete it; nothing happens if it does not exist."""


@dataclass
class Stack:
    """The resources of one purpose in one cluster, with what is needed to create, plan and delete them."""

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
        """The name in IAM, where all regions share their names: it includes the region."""
        return f"hfecs-{self.cluster}-{self.cloud.region}-{name}"

    @property
    def iam_path(self) -> str:
        """The path of this cluster's roles and profiles, by which permissions to pass them can be limited."""
        return f"{IAM_ROOT}{self.cluster}/"

    def shares_iam_name(self, path: str, name: str) -> bool:
        """Whether a role or profile is this cluster's, or of one whose name differs in case only.

        IAM takes such names for the same: "names are not distinguished by case" (CreateRole).
        """
        return path.lower() == self.iam_path.lower() and name.lower().startswith(self.iam_name("").lower())

    @property
    def ecs_cluster(self) -> str:
        """The ECS cluster of this stack; the monitoring has one of its own."""
        return self.full_name("monitoring" if self.name == "monitoring" else "cluster")

    def tags(self, name: str) -> dict[str, str]:
        """The tags that mark a resource as this stack's."""
        return {OWNER_TAG: self.cluster, STACK_TAG: self.name, NAME_TAG: name}

    def owns(self, tags: dict[str, str]) -> bool:
        """Whether these tags mark a resource of this stack."""
        return (tags.get(OWNER_TAG), tags.get(STACK_TAG)) == (self.cluster, self.name)

    @property
    def records(self) -> list[Record]:
        """What the state file names of this stack."""
        return self.state.records(self.name)

    def outputs(self) -> dict[str, Any]:
        """The values that earlier commands saved for this stack."""
        return self.state.outputs(self.name)

    def output(self, **values: Any) -> None:
        """Save values for later commands; no secrets. A plan saves nothing."""
        if not self.plan and any(self.outputs().get(key) != value for key, value in values.items()):
            self.state.output(self.name, **values)

    def token(self, kind: str, name: str) -> str:
        """An idempotency token: the same until the resource has been deleted."""
        generation = self.state.generation(self.name, kind, name)
        return digest(self.state.document.lineage, self.cluster, self.name, kind, name, generation)[:32]

    def survey(self, modules: Iterable[Module], *, again: bool = True, past_errors: bool = False) -> None:
        """List these kinds in parallel (without `again`, only those not listed yet), and check the state's account.

        With `past_errors`, a kind that could not be listed is kept in `inventory.failures` and the others are listed.
        """

        def look(module: Module) -> Callable[[], None]:
            return lambda: self._look(module, past_errors=past_errors)

        listed = {*self.inventory.failures} if past_errors else set()
        chosen = [
            module
            for module in modules
            if again or (module.KIND not in listed and self.inventory.of(module.KIND) is None)
        ]
        together(*(look(module) for module in chosen), lambda: self.cloud.account and None)
        self.state.document.belongs_to(self.cloud.account, self.cloud.region)

    def _look(self, module: Module, *, past_errors: bool) -> None:
        try:
            self.inventory.remember(module.KIND, module.survey(self))
        except one_or_several() as error:
            if not (past_errors and passable(error)):
                raise
            self.inventory.fail(module.KIND, error)

    def seen(self, kind: str, name: str) -> Existing | None:
        """What the survey found under that name, whoever created it."""
        return (self.inventory.of(kind) or {}).get(name)

    def found(self, kind: str, name: str, survey: Callable[[Stack], Iterable[Existing]]) -> Existing | None:
        """The resource of that kind and name if it exists; NotOurs if somebody else created it."""
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
        """Create or change a resource so that it is as described, and return its id.

        `exists_codes` are the errors by which `create` is told that the name is taken.
        """
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
        """Create; if the name is taken by a resource that was not visible yet, list again until it is."""
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
            self.require_permission(change)
            self.state.store.check()
            answer = change.apply()
            identifier = answer if isinstance(answer, str) else identifier
        recorded = {(record.kind, record.name): record.id for record in self.records}
        if not self.plan and recorded.get((kind, found.name)) != identifier:
            self.state.record(self.name, Record(kind, found.name, identifier))
        outcome = Outcome.CHANGED if made else Outcome.UNCHANGED
        self.reporter.step(Step(outcome, kind, found.name, "; ".join(map(str, made)), identifier, made))
        return identifier

    def require_permission(self, change: Change) -> None:
        """NotConfirmed if the change interrupts running work and that was not allowed."""
        if change.interrupts and not self.may_interrupt:
            raise NotConfirmed(f"Changing {change} {change.interrupts}.", hint="repeat with --yes if that is all right")

    def report(self, outcome: Outcome, kind: str, name: str, identifier: str, detail: str = "") -> str:
        """Report what happened to a resource; return its id."""
        self.reporter.step(Step(outcome, kind, name, detail, identifier))
        return identifier

    def failure(self, kind: str, name: str, error: Exception) -> Exception:
        """The error as a sentence about this resource, which is also reported."""
        known = error if isinstance(error, HfecsError) else explain(error, doing=f"{kind} {name}") or error
        self.reporter.step(Step(Outcome.FAILED, kind, name, str(known)))
        return known
