"""hfecs logs: the output of the containers, and of the jobs of a run."""

from __future__ import annotations

from typing import Annotated

import typer

from hfecs.commands.options import Option, sets
from hfecs.errors import Misused
from hfecs.session import Session

MACHINE = "machine"
PARTS = ("master", "worker", "runner", "telegraf", "monitoring")
BUCKET = "run.bucket"


@sets(Option(BUCKET, "Bucket of the run [default: that of the last run, and the cluster's].", "NAME"))
def logs(  # noqa: PLR0913, PLR0917 (each is an option)
    context: typer.Context,
    part: Annotated[str | None, typer.Argument(help=f"{', '.join(PARTS)} [default: all parts], or {MACHINE}.")] = None,
    name: Annotated[
        str | None, typer.Argument(help=f"With {MACHINE}: a machine's name or id.", metavar="NAME|ID")
    ] = None,
    since: Annotated[int, typer.Option(help="Minutes to look back.", min=1)] = 60,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new lines until Ctrl-C.")] = False,
    job: Annotated[
        str | None, typer.Option("--job", help="Show what the job of this name or number printed.", metavar="JOB")
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", help="Show what jobs of this run printed [default: the last].", metavar="RUN")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Show what jobs printed when they failed.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print what jobs printed as JSON on stdout.")] = False,
) -> None:
    """Show the output of the containers, oldest first, each line with its time and container; or that of jobs.

    `hfecs logs --job NAME` shows what a job printed, at each of its tries, whether it succeeded or not; `--failed`
    what all failed tries of a run printed. It is read from the run's bucket, also when the cluster is gone.

    `hfecs logs machine NAME` shows what a machine wrote to its console while it booted, to see why it does not join
    the cluster. EC2 has it some minutes after the boot.

    Only reads; costs nothing on AWS.
    """
    hfecs: Session = context.obj
    hfecs.end_if_nothing_runs()
    if job is not None or run is not None or failed or json:
        if part or follow:
            given = part or "--follow"
            raise Misused(f"{given} shows containers, and --job, --run, --failed and --json jobs.", hint="omit one")
        _jobs(hfecs, job, run, failed=failed, json=json)
    elif part == MACHINE:
        _console(hfecs, name)
    elif name:
        raise Misused(f"{part} takes no name: {name}.", hint=f"hfecs logs {MACHINE} {name}")
    elif part not in (None, *PARTS):
        raise Misused(
            f"Unknown part {part}.",
            hint=f"choose {', '.join(PARTS)} or {MACHINE} NAME; of a job: hfecs logs --job {part}",
        )
    else:
        _containers(hfecs, part, since, follow)


def _containers(hfecs: Session, part: str | None, since: int, follow: bool) -> None:
    """Print the output of the containers, or say that there is none."""
    from hfecs.blueprints import cluster, monitoring
    from hfecs.observe.logs import lines

    stack = hfecs.look(monitoring.STACK if part == monitoring.STACK else cluster.STACK)
    is_silent = True
    for line in lines(stack, part, minutes=since, follow=follow):
        hfecs.console.data(line)
        is_silent = False
    if is_silent:
        hfecs.console.say(f"No output of {part or 'any part'} in the last {since} minutes")


def _jobs(hfecs: Session, job: str | None, run: str | None, *, failed: bool, json: bool) -> None:
    """Print what jobs printed, or say that no try of them is known."""
    from hfecs.blueprints import run as run_blueprint
    from hfecs.runs import printed

    stack = hfecs.look(run_blueprint.STACK)
    name, bucket = printed.find(stack, run, hfecs.flags.get(BUCKET), hfecs.said.run.bucket)
    tries = printed.read(stack, bucket, printed.Jobs(name, job, failed))
    if json:
        hfecs.console.data([one.model_dump(by_alias=True) for one in tries])
        return
    for one in tries:
        for line in one.lines():
            hfecs.console.data(line)
    if not tries:
        whose = f"job {job}" if job else "any job"
        hfecs.console.say(f"No {'failed' if failed else 'ended'} try of {whose} is known of run {name} in {bucket}")


def _console(hfecs: Session, name: str | None) -> None:
    """Print the console of a machine, or say that there is nothing yet."""
    from hfecs.blueprints import cluster
    from hfecs.observe.logs import console_output

    if not name:
        raise Misused("No machine was named.", hint=f"hfecs status shows them: hfecs logs {MACHINE} NAME")
    lines = console_output(hfecs.look(cluster.STACK), name)
    for line in lines:
        hfecs.console.data(line)
    if not lines:
        hfecs.console.say(f"EC2 has no console output of {name} yet: it comes some minutes after the boot")
