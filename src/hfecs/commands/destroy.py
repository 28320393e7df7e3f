"""hfecs destroy: delete everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from hfecs.aws.prices import in_help
from hfecs.commands import elsewhere
from hfecs.errors import NotConfirmed
from hfecs.session import Session

if TYPE_CHECKING:
    from hfecs.provisioning.stack import Stack


# The states of machines that cost money.
LIVING = ("pending", "running")


@in_help
def destroy(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    delete_data: Annotated[bool, typer.Option("--delete-data", help="Also delete the buckets of the runs.")] = False,
) -> None:
    """Delete everything that hfecs created for this cluster: runs, workers, broker, monitoring, images.

    Deletes what the state file names and what carries the cluster's tags, in the right order; nothing else is
    touched. Works without the state file, from another machine, and again after an interruption. Buckets stay unless
    --delete-data is given.

    Ends all costs on AWS except for buckets that stay (about {bucket} USD per GB and month).
    """
    from hfecs.blueprints import cluster, images, monitoring
    from hfecs.blueprints import run as run_blueprint
    from hfecs.parallel import in_turn, together
    from hfecs.provisioning.teardown import one_list, survey

    hfecs: Session = context.obj
    hfecs.end_if_nothing_runs()
    runs, whole, metrics = (hfecs.stack(name) for name in (run_blueprint.STACK, cluster.STACK, monitoring.STACK))
    what = f"everything of cluster {whole.cluster} in {hfecs.cloud.region}"
    if not yes:
        _say_affected(hfecs, runs, whole, delete_data)
    confirm(hfecs, f"Delete {what}{' with all data in its buckets' if delete_data else ''}?", yes)

    def look() -> None:
        parts = [(runs, run_blueprint.teardown(delete_data)), (whole, cluster.TEARDOWN), (metrics, monitoring.TEARDOWN)]
        with hfecs.cloud.coalescing.once():
            together(*(partial(survey, stack, [*chain(*kinds)]) for stack, kinds in parts))

    def remove_machines() -> None:
        together(partial(cluster.down_with_monitoring, whole), partial(monitoring.down_with_cluster, metrics))

    with hfecs.locked("destroy"), hfecs.console.summary(f"Destroyed {what}"), one_list():
        kept, pointers, *_ = together(
            lambda: [] if delete_data else _buckets(runs),
            lambda: elsewhere.pointers(hfecs, "destroy"),
            lambda: in_turn(
                look, partial(run_blueprint.down, runs, with_data=delete_data, looked=True), remove_machines
            ),
            lambda: images.down(hfecs.stack(images.STACK)),
        )
        _nothing_forgotten(hfecs)
    for pointer in pointers:
        hfecs.console.say(f"· {pointer}")
    for name in kept:
        hfecs.console.say(f"· kept bucket {name} and its data; hfecs destroy --delete-data deletes them")


def _say_affected(hfecs: Session, runs: Stack, whole: Stack, delete_data: bool) -> None:
    """Say what the answer decides on, as far as AWS tells: what it does not tell keeps nobody from deleting."""
    from hfecs.aws.errors import one_or_several, passable

    try:
        for line in _affected(runs, whole, delete_data):
            hfecs.console.say(line)
    except one_or_several() as error:
        if not passable(error):
            raise


def _affected(runs: Stack, whole: Stack, delete_data: bool) -> Iterator[str]:
    """What the answer decides on: runs that are running, machines, and buckets with how much is in them."""
    from hfecs.parallel import together
    from hfecs.resources import bucket, instance, task

    running, machines, buckets = together(
        lambda: [found.name for found in task.survey(runs)],
        lambda: instance.of_cluster(whole),
        lambda: [found.id for found in bucket.survey(runs) if found.ours] if delete_data else [],
    )
    if running:
        yield f"  running: {', '.join(sorted(running))}"
    if machines:
        types = Counter(machine["InstanceType"] for machine in machines if machine["State"]["Name"] in LIVING)
        yield f"  machines: {', '.join(f'{count} {kind}' for kind, count in sorted(types.items()))}"
    for name, held in zip(buckets, together(*[partial(bucket.held, runs, name) for name in buckets]), strict=True):
        yield f"  bucket {name}: {held}"


def _buckets(runs: Stack) -> list[str]:
    """The buckets that stay, with our tags or named by the state file: they cost money."""
    from hfecs.resources import bucket

    recorded = {record.id for record in runs.records if record.kind == bucket.KIND}
    return [found.id for found in bucket.survey(runs) if found.ours or found.id in recorded]


def _nothing_forgotten(hfecs: Session) -> None:
    """Leftovers if the state file still names something other than buckets: nothing else knows of it."""
    from hfecs.errors import Leftovers
    from hfecs.provisioning.teardown import unforgotten
    from hfecs.resources import bucket

    stacks = [hfecs.stack(name) for name in hfecs.state.of(hfecs.cluster).stacks()]
    if left := [leftover for stack in stacks for leftover in unforgotten(stack, {bucket.KIND})]:
        raise Leftovers(left)


def confirm(hfecs: Session, question: str, yes: bool) -> None:
    """Ask before deleting something."""
    if not (yes or hfecs.console.confirm(question)):
        raise NotConfirmed("Nothing was deleted.", hint="answer y, or repeat with --yes")
