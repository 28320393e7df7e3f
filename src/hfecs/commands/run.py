"""hfecs run: upload a job directory, run its workflow, follow it, fetch its outputs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hfecs.commands import elsewhere
from hfecs.commands.options import RUN, sets
from hfecs.errors import Misused
from hfecs.runs import progress, resume
from hfecs.session import Session

if TYPE_CHECKING:
    from hfecs.workflow import Workflow


@sets(*RUN)
def run(
    context: typer.Context,
    job_directory: Annotated[
        Path | None, typer.Argument(help="Holds workdir/dag.json and input/.", metavar="JOB_DIR", show_default=False)
    ] = None,
    download: Annotated[Path | None, typer.Option(help="Fetch the workflow's outputs to here.", metavar="DIR")] = None,
    attach: Annotated[bool, typer.Option("--attach", help="Follow a run that goes on, or show how it ended.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop a run that goes on.")] = False,
    resumed: Annotated[
        str | None,
        typer.Option("--resume", help="Go on with a run that failed, was stopped or lost.", metavar="RUN"),
    ] = None,
    keep_going: Annotated[
        bool,
        typer.Option("--keep-going", help="After a job has failed, finish all that does not depend on it."),
    ] = False,
    which: Annotated[
        str | None, typer.Option("--run", help="Which run to attach to or stop [default: the last].", metavar="RUN")
    ] = None,
) -> None:
    """Run a workflow on the cluster and follow it to its end; exit 0 only if every job succeeded.

    Checks the job directory first, all of it. Makes the bucket (closed to the public, encrypted), uploads what
    changed, and starts the engine on a machine of its own, which ends itself when the run has ended. Ctrl-C leaves
    the run going.

    Where the cluster looks ahead (scaling.metric), says at once what machines the workflow is worth, by the times of
    earlier runs that the bucket keeps, so that they boot beside the engine's.

    --resume does again only what is not done, with the workflow and the inputs that the run began with; name the job
    directory too, and it is compared with them, and what is missing is uploaded.

    Costs on AWS: the engine's machine while the run lasts (a t2.micro is about 0.012 USD an hour), worker machines
    as the work asks for them, and the bucket's storage (about 0.023 USD for each GB a month).
    """
    hfecs: Session = context.obj
    _fitting(job_directory, attach, stop, resumed, which)
    if download and not _could_hold_files(download):
        raise Misused(f"{download} is no directory.", hint="name a directory for --download, new or not")
    if keep_going:
        hfecs.flags["run.fail_fast"] = False
    if (attach or stop or resumed) and hfecs.nothing_runs:
        hint = "start one: hfecs cluster up, then hfecs run JOB_DIR --bucket NAME"
        raise Misused("No local cloud is running here, so there is no run.", hint)
    if stop:
        return progress.stop(hfecs, which)
    if attach:
        return progress.follow(hfecs, progress.find(hfecs, which), download)
    with elsewhere.pointed_to(hfecs, "run"):
        if resumed:
            return resume.resume(hfecs, resumed, job_directory, download)
        directory = _directory(hfecs, job_directory, download)
        return _begin(hfecs, directory, _checked(hfecs, directory), download)


def _fitting(job_directory: Path | None, attach: bool, stop: bool, resumed: str | None, which: str | None) -> None:
    """Refuse options that contradict each other: none of them is passed over."""
    asked = [flag for flag, given in (("--attach", attach), ("--stop", stop), ("--resume", resumed)) if given]
    if len(asked) > 1:
        raise Misused(f"{' and '.join(asked)} do not go together.", hint="follow the run, stop it, or resume it")
    if job_directory and (attach or stop):
        raise Misused(f"A run that goes on takes no job directory: {job_directory}.", hint="leave it out")
    if which and not (attach or stop):
        raise Misused(
            f"--run {which} is for --attach and --stop: a new run gets its name by itself.",
            hint=f"leave it out; to go on with that run: hfecs run --resume {which}",
        )


def _could_hold_files(directory: Path) -> bool:
    """Whether a path is a directory, or can become one."""
    first = next(place for place in (directory, *directory.absolute().parents) if place.exists())
    return first.is_dir()


def _directory(hfecs: Session, given: Path | None, download: Path | None) -> Path:
    """The job directory that was named, here or in the configuration."""
    wanted = hfecs.said.run
    directory = given or (Path(wanted.job_directory) if wanted.job_directory else None)
    if directory is None:
        raise Misused("No job directory was given.", hint="hfecs run JOB_DIR --bucket NAME, or hfecs run --attach")
    if download and wanted.storage != "s3":
        hint = f"fetch them from {wanted.workdir} of the workers, and leave --download out"
        raise Misused(f"With storage {wanted.storage} the outputs are not in the bucket.", hint)
    return directory


def _checked(hfecs: Session, directory: Path) -> Workflow:
    """Say what is going to run; a faulty job directory ends here, before anything is made."""
    from hfecs import workflow

    in_bucket = hfecs.said.run.storage == "s3"
    loaded = workflow.load(directory, inputs_elsewhere=not in_bucket)
    programs = loaded.jobs_by_program()
    hfecs.console.say(
        f"Workflow {loaded.name}: {sum(programs.values())} jobs, up to {loaded.width()} side by side, "
        f"at least {loaded.longest_chain()} one after the other"
    )
    hfecs.console.say("  " + ", ".join(f"{count} {program}" for program, count in programs.items()))
    return loaded


def _begin(hfecs: Session, directory: Path, workflow: Workflow, download: Path | None) -> None:
    """Start the run and follow it; its demand is told from now on, until the engine tells it."""
    from hfecs.blueprints import cluster
    from hfecs.blueprints import run as run_blueprint
    from hfecs.runs.first_demand import announcing

    bucket = hfecs.said.run.bucket
    if bucket is None:
        raise Misused("No bucket was named.", hint="name one, new or of an earlier run: --bucket NAME")
    stack, whole = hfecs.stack(run_blueprint.STACK), hfecs.stack(cluster.STACK)
    left = run_blueprint.interrupted(stack, bucket, directory)
    if left:
        hfecs.console.say(f"Going on with run {left}, whose start was interrupted")
    run = run_blueprint.Run(left or run_blueprint.new_name(), bucket)
    with announcing(stack.cloud, workflow, run, hfecs.console.say) as announce:
        with progress.starting(hfecs, run):
            started = run_blueprint.up(stack, whole, hfecs.config, run=run, directory=directory, announce=announce)
        progress.follow(hfecs, started, download)
