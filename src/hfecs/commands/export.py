"""hfecs export: a run in the formats of other tools."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hfecs.commands.runs import BucketName, RunName, named, stack_of
from hfecs.errors import Misused
from hfecs.session import Session

if TYPE_CHECKING:
    from hfecs.record.model import RunRecord
    from hfecs.workflow import Workflow


class Format(StrEnum):
    """What a run can be written as."""

    CSV = "csv"
    TRACE = "trace"
    WFFORMAT = "wfformat"
    HYPERFLOW = "hyperflow"


def export(
    context: typer.Context,
    format_: Annotated[Format, typer.Option("--format", help="Format to write.", show_default=False)],
    run: RunName = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File to write, or directory for hyperflow [default: RUN.FORMAT].", metavar="PATH"
        ),
    ] = None,
    bucket: BucketName = None,
) -> None:
    """Write what is recorded of a run in a format of another tool.

    csv: a line for each try. trace: for ui.perfetto.dev, speedscope or chrome://tracing. wfformat: WfFormat 1.6 of
    WfCommons. hyperflow: a directory with the job_descriptions.jsonl, metrics.jsonl and sys_info.jsonl of HyperFlow.

    Only reads; costs nothing on AWS.
    """
    from hfecs.runs import records

    hfecs: Session = context.obj
    name = named(hfecs, run)
    stack = stack_of(hfecs)
    record, workflow, kept = records.read(stack, name, bucket)
    sizes = records.sizes(stack, kept, workflow) if format_ in (Format.WFFORMAT, Format.HYPERFLOW) else {}
    target = output or Path(f"{name}.{ENDINGS[format_]}")
    try:
        for path, text in _files(format_, record, workflow, sizes, target).items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Misused(f"{target} cannot be written: {error.strerror}.", hint="-o PATH names another one") from None
    if not record.tries:
        hfecs.console.say("Nothing is recorded of the jobs of this run.", "yellow")
    hfecs.console.data(str(target))


ENDINGS = {
    Format.CSV: "csv",
    Format.TRACE: "trace.json",
    Format.WFFORMAT: "wfformat.json",
    Format.HYPERFLOW: "hyperflow",
}


def _files(
    format_: Format, record: RunRecord, workflow: Workflow, sizes: dict[str, int], target: Path
) -> dict[Path, str]:
    from hfecs import __version__
    from hfecs.record import exports

    match format_:
        case Format.CSV:
            return {target: exports.table(record)}
        case Format.TRACE:
            return {target: json.dumps(exports.trace(record))}
        case Format.WFFORMAT:
            return {target: json.dumps(exports.wfformat(record, workflow, sizes, __version__), indent=2)}
        case Format.HYPERFLOW:
            return {target / name: text for name, text in exports.hyperflow(record, workflow, sizes).items()}
