"""hfecs runs: the runs of the buckets, what became of one, and what is different between two."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hfecs.errors import Misused
from hfecs.session import Session

if TYPE_CHECKING:
    from hfecs.record.model import RunRecord

app = typer.Typer(help="List runs, show what became of one, compare two.", invoke_without_command=True)

RunName = Annotated[str | None, typer.Argument(help="Name of the run [default: the last].", metavar="RUN")]
BucketName = Annotated[
    str | None, typer.Option("--bucket", help="Bucket of the run [default: those of the cluster].", metavar="BUCKET")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


@app.callback()
def runs(context: typer.Context, bucket: BucketName = None, json: AsJson = False) -> None:
    """List the runs of the cluster's buckets, the newest first.

    A bucket outlives its cluster: --bucket NAME lists its runs from any machine that may read it.

    Only reads; costs nothing on AWS.
    """
    from datetime import datetime

    from hfecs.record.words import duration
    from hfecs.runs.records import listed

    if context.invoked_subcommand:
        return
    hfecs: Session = context.obj
    hfecs.end_if_nothing_runs()
    found = listed(stack_of(hfecs), bucket)
    if json:
        hfecs.console.data([{**asdict(run), "seconds": run.seconds} for run in found])
        return
    if not found:
        hfecs.console.say("There is no run yet. Start one: hfecs run JOB_DIR --bucket NAME")
        return
    rows = [
        [
            run.name,
            run.status,
            datetime.fromtimestamp(run.began).strftime("%Y-%m-%d %H:%M") if run.began is not None else "",
            duration(run.seconds) if run.seconds is not None else "",
            "" if run.jobs is None else f"{run.done} of {run.jobs}",
            str(run.failed) if run.failed else "",
            run.bucket,
        ]
        for run in found
    ]
    hfecs.console.table("Runs", ["run", "status", "begun", "took", "jobs", "failed", "bucket"], rows)


@app.command(short_help="Show what became of a run.")
def show(context: typer.Context, run: RunName = None, bucket: BucketName = None, json: AsJson = False) -> None:
    """Show what became of a run: what set its time, its programs, its machines and their cost.

    Only reads; costs nothing on AWS.
    """
    from hfecs.record.summary import sentences, summary

    hfecs: Session = context.obj
    record = read(hfecs, run, bucket)
    told = summary(record)
    if json:
        hfecs.console.data(told)
        return
    for line in sentences(record):
        hfecs.console.show(line)
    _show_programs(hfecs, told["programs"])


def _show_programs(hfecs: Session, programs: list[dict[str, Any]]) -> None:
    from hfecs.record.words import amount, duration, percent

    if not programs:
        hfecs.console.say("Nothing is recorded of its jobs.")
        return
    heads = ["program", "jobs", "mean", "median", "95 %", "longest", "share", "processor", "memory"]
    rows = [
        [
            one["name"],
            str(one["jobs"]),
            *(duration(one[key]) for key in ("mean", "median", "most_of_them", "longest")),
            percent(one["share"]),
            percent(one["processor"]),
            amount(one["resident_bytes"]),
        ]
        for one in programs
    ]
    hfecs.console.table("Programs", heads, rows)


@app.command(short_help="Show what is different between two runs.")
def compare(
    context: typer.Context,
    before: Annotated[str, typer.Argument(help="The earlier run.", metavar="RUN")],
    after: Annotated[str, typer.Argument(help="The later run.", metavar="RUN")],
    bucket: BucketName = None,
    json: AsJson = False,
) -> None:
    """Compare two runs: the whole, the parts of their time, and each program, with what is new and what is gone.

    Only reads; costs nothing on AWS.
    """
    from hfecs.record.summary import comparison
    from hfecs.record.words import duration

    hfecs: Session = context.obj
    compared = comparison(read(hfecs, before, bucket), read(hfecs, after, bucket))
    if json:
        hfecs.console.data([asdict(one) for one in compared])
        return
    rows = [
        [
            one.what,
            duration(one.before) if one.before is not None else "-",
            duration(one.after) if one.after is not None else "-",
            one.word,
        ]
        for one in compared
    ]
    hfecs.console.table(f"{before} and {after}", ["what", before, after, "change"], rows)


def read(hfecs: Session, name: str | None, bucket: str | None) -> RunRecord:
    """The record of the run of that name, or of the last one."""
    from hfecs.runs import records

    known = named(hfecs, name)  # first: looking for a stack would start a local cloud
    record, *_ = records.read(stack_of(hfecs), known, bucket)
    return record


def named(hfecs: Session, name: str | None) -> str:
    """The name that was given, or that of the last run; Misused if there is none."""
    from hfecs.runs.lookup import latest

    if hfecs.nothing_runs:
        raise Misused("No local cloud is running here, so there is no run.", hint="hfecs cluster up")
    return name or latest(stack_of(hfecs)).name


def stack_of(hfecs: Session) -> Any:
    """The stack of the runs, for reading."""
    from hfecs.blueprints import run as run_blueprint

    return hfecs.look(run_blueprint.STACK)
