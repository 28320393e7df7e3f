"""What `hfecs run` does with a run that exists: find it, stop it, follow or resume it, and show how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfecs.errors import Locked, NoWorkers, TimedOut, WorkflowFailed
from hfecs.runs.outcome import show_outcome
from hfecs.session import Session

if TYPE_CHECKING:
    from hfecs.blueprints.run import Run
    from hfecs.messaging.url import AmqpUrl
    from hfecs.workflow import JobDirectory, Workflow


STOPPED = ("stopped", "lost")
"""The states of a run that was stopped: with a result of its engine, or without."""

SHOWN = 5
"""Names of missing outputs that are shown."""


def find(hfecs: Session, name: str | None) -> Run:
    """The run of that name, or the last one; if neither the state file nor ECS knows it, it is read from its bucket."""
    from hfecs.blueprints import run as run_blueprint
    from hfecs.runs import archive, lookup

    stack = hfecs.look(run_blueprint.STACK)
    run = lookup.latest(stack) if name is None else lookup.named(stack, name)
    return run or archive.find(stack, name or "", hfecs.config.run.bucket).run()


def stop(hfecs: Session, name: str | None) -> None:
    """Stop a run, or report how it ended, also while it was being stopped; its machine shuts down automatically."""
    from hfecs.blueprints import run as run_blueprint
    from hfecs.runs import archive

    stack, run = hfecs.stack(run_blueprint.STACK), find(hfecs, name)
    before = archive.state_of(stack, run)
    if run.task:  # in any case: ECS may not list a task yet that has just been started
        run_blueprint.stop(stack, run)
    after = archive.state_of(stack, run) if before == "running" else before
    hfecs.console.say(stopped_or_ended(run, before, after))


def stopped_or_ended(run: Run, before: str, after: str) -> str:
    """What became of a run that was to be stopped, by its states before and after."""
    if before == "running" and after in STOPPED:
        return f"Run {run.name} was stopped; the files its jobs stored stay in {run.bucket}."
    return f"Run {run.name} has already ended: {after}."


@contextmanager
def leaving_it(hfecs: Session, run: Run) -> Iterator[None]:
    """On Ctrl-C, say that the run is still running and how to follow it again, if its task has been started."""
    from hfecs.blueprints import run as run_blueprint
    from hfecs.runs import lookup

    try:
        yield
    except KeyboardInterrupt:
        begun = run if run.task else lookup.remembered(hfecs.stack(run_blueprint.STACK))
        if begun and (begun.name, begun.attempt) == (run.name, run.attempt):
            hfecs.console.say(
                f"\nRun {run.name} is still running. Follow it: hfecs run --attach   Stop it: hfecs run --stop", "bold"
            )
        raise


@contextmanager
def starting(hfecs: Session, run: Run) -> Iterator[None]:
    """Show the start of a run, which nobody else may start at the same time; AWS's reasons if it takes too long."""
    console = hfecs.console
    try:
        with (
            leaving_it(hfecs, run),
            hfecs.locked("run"),
            console.transfers(),
            console.summary(f"Run {run.name}"),
        ):
            yield
    except TimedOut as error:
        from hfecs.blueprints import cluster
        from hfecs.observe.reasons import lines_of

        raise TimedOut(error.message, "\n".join([*lines_of(hfecs.stack(cluster.STACK)), error.hint])) from error


def follow(hfecs: Session, run: Run, download: Path | None, workflow: Workflow | None = None) -> None:
    """Show a run until its end, then its result; WorkflowFailed unless every job succeeded.

    A workflow that has been read already need not be read from the bucket.
    """
    with leaving_it(hfecs, run):  # before all else: the imports alone take long enough for a Ctrl-C
        from hfecs.blueprints import run as run_blueprint
        from hfecs.runs.follow import Follower
        from hfecs.runs.worker_watch import given_up

        stack = hfecs.stack(run_blueprint.STACK)
        run_blueprint.begun(stack, run)
        follower = Follower(stack, run, lambda: _broker(hfecs))
        if not follower.is_over:
            try:
                workflow = workflow or _workflow(hfecs, run)
                _watch(hfecs, follower, workflow)
            except NoWorkers as error:
                stop(hfecs, run.name)
                raise given_up(run.name, error) from error
        result = follower.result()
    with suppress(Locked), hfecs.locked("run"):  # what is not forgotten now is found to be gone later
        run_blueprint.forget(stack, run)
    end(hfecs, run, result, download, workflow)


def end(
    hfecs: Session, run: Run, result: dict[str, Any], download: Path | None, workflow: Workflow | None = None
) -> None:
    """Show how a run ended, and download its outputs; WorkflowFailed unless every job succeeded."""
    show_outcome(hfecs.console, run, result)
    if download:
        fetch(hfecs, run, workflow or _workflow(hfecs, run), download)


def _workflow(hfecs: Session, run: Run) -> Workflow:
    """The workflow of a run; before its engine has started, the one in the bucket."""
    from hfecs.aws.errors import ignoring
    from hfecs.blueprints import run as run_blueprint
    from hfecs.runs import archive
    from hfecs.workflow import from_bytes

    stack = hfecs.look(run_blueprint.STACK)
    variables = archive.beginning_of(stack, run).variables
    key = f"runs/{run.name}/workdir/dag.json"
    with ignoring("NoSuchKey"):
        return from_bytes(_read(hfecs, run, key), variables, source=f"s3://{run.bucket}/{key}")
    key = archive.document_key(stack, run)
    return from_bytes(_read(hfecs, run, key), variables, source=f"s3://{run.bucket}/{key}")


def _read(hfecs: Session, run: Run, key: str) -> bytes:
    return bytes(hfecs.cloud.s3.get_object(Bucket=run.bucket, Key=key)["Body"].read())


def _broker(hfecs: Session) -> AmqpUrl:
    """How this machine reaches the broker of the cluster."""
    from hfecs.blueprints import broker, cluster
    from hfecs.messaging.url import AmqpUrl

    return AmqpUrl.parse(broker.for_people(hfecs.stack(cluster.STACK), hfecs.config))


def _watch(hfecs: Session, follower: Any, workflow: Workflow) -> None:
    """A bar for each program, moved by the events of its jobs, and a line about what is waited for."""
    from hfecs.blueprints import cluster
    from hfecs.runs.jobs_told import JobsTold
    from hfecs.runs.worker_watch import WorkerWatch

    def unreachable(why: str) -> None:
        hfecs.console.say(
            f"  the broker cannot be reached yet ({why}): hfecs status shows whether it is running. "
            "Without it, or behind a firewall, only the result is shown.",
            "yellow",
        )

    stack, totals = hfecs.stack(cluster.STACK), workflow.jobs_by_program()
    told = JobsTold(totals, stack.wait.clock.now)
    workers = WorkerWatch.of(stack, hfecs.config, lambda line: hfecs.console.say(line, "yellow"), lambda: told.left > 0)
    with hfecs.console.jobs(totals) as shown:

        def look() -> None:
            shown.status(told.words(), told.line())
            workers()

        shown.status(told.words(), told.line())
        for event in follower.events(unreachable, look):
            for program, count in told.heard(event).items():
                shown.done(program, count)


def fetch(hfecs: Session, run: Run, workflow: Workflow, directory: Path) -> None:
    """Download the workflow's outputs, several at a time; WorkflowFailed names those that the bucket does not hold."""
    from functools import partial

    from hfecs.aws.errors import ignoring
    from hfecs.blueprints import run as run_blueprint
    from hfecs.parallel import together
    from hfecs.runs import archive

    beginning = archive.beginning_of(hfecs.look(run_blueprint.STACK), run)
    directory.mkdir(parents=True, exist_ok=True)
    fetched: set[str] = set()

    def one(name: str) -> None:
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with ignoring("404", "NoSuchKey"):
            hfecs.cloud.s3.download_file(run.bucket, beginning.key_of(name), str(target))
            fetched.add(name)

    outputs = workflow.outputs()
    together(*[partial(one, name) for name in outputs])
    for name in outputs:
        if name in fetched:
            hfecs.console.data(str(directory / name))
    missing = [name for name in outputs if name not in fetched]
    if missing:
        named = ", ".join(missing[:SHOWN]) + (f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else "")
        raise WorkflowFailed(
            f"The bucket {run.bucket} does not hold {named} of run {run.name}; "
            f"{len(fetched)} of {len(outputs)} outputs were fetched to {directory}.",
            hint=f"the jobs store their outputs under s3://{run.bucket}/{beginning.prefix}: look who removed them, "
            "or run again",
        )


def resume(hfecs: Session, name: str, directory: JobDirectory | None, download: Path | None) -> None:
    """Start the next attempt of a run and follow it; a run that succeeded is only shown."""
    from hfecs.blueprints import cluster
    from hfecs.blueprints import run as run_blueprint
    from hfecs.runs import archive

    stack, whole = hfecs.look(run_blueprint.STACK), hfecs.stack(cluster.STACK)
    known = archive.find(stack, name, hfecs.config.run.bucket)
    if known.has_succeeded:
        hfecs.console.say(f"Run {name} has nothing left to do.")
        return end(hfecs, known.run(), known.result or {}, download)
    archive.refuse_changes(stack, known, directory)
    run = archive.next_attempt(stack, known)
    hfecs.console.say(f"Run {name}, attempt {run.attempt}: {_state_before(known.result)}.")
    place, files = (directory.directory, directory.files(known.beginning.inputs)) if directory else (None, None)
    with starting(hfecs, run):
        run_blueprint.forget(stack, known.run())
        started = run_blueprint.up(stack, whole, hfecs.config, run=run, directory=place, files=files)
    return follow(hfecs, started, download)


def _state_before(result: dict[str, Any] | None) -> str:
    if result is None:
        return "its engine was lost; its journal lists the finished jobs"
    return f"{result['status']} before, after {result['done']} of {result['jobs']} jobs"
