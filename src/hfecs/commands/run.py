"""hfecs run: upload a job directory, run its workflow, follow it, fetch its outputs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hfecs.aws.prices import in_help
from hfecs.commands import elsewhere
from hfecs.commands.options import RUN, sets
from hfecs.errors import Misused
from hfecs.runs import progress
from hfecs.session import Session

if TYPE_CHECKING:
    from hfecs.workflow import JobDirectory, Workflow


@sets(*RUN)
@in_help
def run(  # noqa: PLR0913, PLR0917 (each is an option)
    context: typer.Context,
    job_directory: Annotated[
        Path | None,
        typer.Argument(
            help="Contains workdir/dag.json and input/, or dag.json.", metavar="JOB_DIR", show_default=False
        ),
    ] = None,
    download: Annotated[Path | None, typer.Option(help="Download the outputs to here.", metavar="DIR")] = None,
    attach: Annotated[bool, typer.Option("--attach", help="Follow a running run, or show how it ended.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop a running run.")] = False,
    resumed: Annotated[
        str | None,
        typer.Option("--resume", help="Continue a run that failed, was stopped or was lost.", metavar="RUN"),
    ] = None,
    keep_going: Annotated[
        bool,
        typer.Option("--keep-going", help="After a job fails, finish all jobs that do not depend on it."),
    ] = False,
    var: Annotated[
        list[str] | None,
        typer.Option("--var", help="Fill {{NAME}} in the workflow; repeatable.", metavar="NAME=VALUE"),
    ] = None,
    which: Annotated[
        str | None, typer.Option("--run", help="Run to attach to or stop [default: the last].", metavar="RUN")
    ] = None,
) -> None:
    """Run a workflow on the cluster and follow it to its end; exit 0 only if every job succeeded.

    Checks the whole job directory first. Creates the bucket (private, encrypted), uploads what changed, and starts the
    engine on a machine of its own, which is terminated when the run ends. Ctrl-C does not stop the run.

    If the cluster plans ahead (scaling.metric), reports the machines the workflow needs at once, estimated from the
    job times of earlier runs in the bucket, so that they boot while the engine's machine does.

    --resume runs only the jobs that are not done, with the workflow and inputs that the run started with. If you also
    name the job directory, it is compared with them, and missing files are uploaded.

    --var fills {{NAME}} in the workflow, and so does the environment variable HF_VAR_NAME. A resumed run keeps its
    values.

    Costs on AWS: the engine's machine during the run (a t3.micro or t2.micro is {machine} USD an hour), worker
    machines as needed, and the bucket's storage (about {bucket} USD per GB and month).
    """
    hfecs: Session = context.obj
    _fitting(job_directory, attach, stop, resumed, which)
    if var and (attach or stop or resumed):
        raise Misused("--var is for a new run.", hint="omit it: a run keeps the values that it started with")
    if download and not _could_hold_files(download):
        raise Misused(f"{download} is not a directory.", hint="give --download a new or existing directory")
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
            arranged = _arranged(hfecs, job_directory) if job_directory else None
            return progress.resume(hfecs, resumed, arranged, download)
        directory = _arranged(hfecs, _directory(hfecs, job_directory, download))
        return _begin(hfecs, directory, _checked(hfecs, directory, var or []), download)


def _fitting(job_directory: Path | None, attach: bool, stop: bool, resumed: str | None, which: str | None) -> None:
    """Refuse options that contradict each other, rather than ignore one."""
    asked = [flag for flag, given in (("--attach", attach), ("--stop", stop), ("--resume", resumed)) if given]
    if len(asked) > 1:
        raise Misused(f"{' and '.join(asked)} cannot be combined.", hint="follow the run, stop it, or resume it")
    if job_directory and (attach or stop):
        raise Misused(f"A running run takes no job directory: {job_directory}.", hint="omit it")
    if which and not (attach or stop):
        raise Misused(
            f"--run {which} is for --attach and --stop: a new run is named automatically.",
            hint=f"omit it; to continue that run: hfecs run --resume {which}",
        )


def _could_hold_files(directory: Path) -> bool:
    """Whether a path is a directory, or could be created as one."""
    first = next(place for place in (directory, *directory.absolute().parents) if place.exists())
    return first.is_dir()


def _directory(hfecs: Session, given: Path | None, download: Path | None) -> Path:
    """The job directory given on the command line or in the configuration."""
    wanted = hfecs.said.run
    directory = given or (Path(wanted.job_directory) if wanted.job_directory else None)
    if directory is None:
        raise Misused("No job directory was given.", hint="hfecs run JOB_DIR --bucket NAME, or hfecs run --attach")
    if download and wanted.storage != "s3":
        hint = f"copy them from {wanted.workdir} on the workers, and omit --download"
        raise Misused(f"With storage {wanted.storage} the outputs are not in the bucket.", hint)
    return directory


def _arranged(hfecs: Session, directory: Path) -> JobDirectory:
    """The job directory, with its inputs where the configuration has them."""
    from hfecs.workflow import JobDirectory

    inputs = hfecs.said.run.inputs
    return JobDirectory(directory, Path(inputs) if inputs else None)


def _checked(hfecs: Session, directory: JobDirectory, var: list[str]) -> Workflow:
    """Show what is going to run; an invalid job directory ends here, before anything is created."""
    from hfecs import workflow
    from hfecs.workflow.variables import given

    in_bucket = hfecs.said.run.storage == "s3"
    variables, asked = given(var, os.environ)
    loaded = workflow.load(directory, variables, asked=asked, inputs_elsewhere=not in_bucket)
    programs = loaded.jobs_by_program()
    hfecs.console.say(
        f"Workflow {loaded.name}: {sum(programs.values())} jobs, up to {loaded.width()} in parallel, "
        f"at least {loaded.longest_chain()} in sequence"
    )
    hfecs.console.say("  " + ", ".join(f"{count} {program}" for program, count in programs.items()))
    for note in loaded.notes:
        hfecs.console.say(f"  {note}", "yellow")
    return loaded


def _begin(hfecs: Session, directory: JobDirectory, workflow: Workflow, download: Path | None) -> None:
    """Start the run and follow it; its demand is reported from here until the engine takes over."""
    from hfecs.blueprints import cluster
    from hfecs.blueprints import run as run_blueprint
    from hfecs.runs.first_demand import announcing

    bucket = hfecs.said.run.bucket
    if bucket is None:
        raise Misused("No bucket was named.", hint="name a new one or that of an earlier run: --bucket NAME")
    stack, whole = hfecs.stack(run_blueprint.STACK), hfecs.stack(cluster.STACK)
    left = run_blueprint.interrupted(stack, bucket, directory.directory)
    if left:
        hfecs.console.say(f"Continuing run {left}, whose start was interrupted")
    run = run_blueprint.Run(left or run_blueprint.new_name(), bucket, variables=workflow.variables)
    with announcing(stack.cloud, workflow, run, hfecs.console.say) as announce:
        with progress.starting(hfecs, run):
            place, files = directory.directory, directory.files([*workflow.inputs(), *workflow.outputs()])
            started = run_blueprint.up(
                stack, whole, hfecs.config, run=run, directory=place, files=files, announce=announce
            )
        progress.follow(hfecs, started, download, workflow)
