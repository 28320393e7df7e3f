"""How a run ended, as `hfecs run` shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from hfecs.console import Console, harmless
from hfecs.errors import WorkflowFailed

if TYPE_CHECKING:
    from hfecs.blueprints.run import Run

# Lines of each stream of a failed job to show; number of failed jobs to show in full, and in one line each.
TAIL_LINES = 20
SHOWN_IN_FULL = 5
SHOWN_FAILED = 100


def show_outcome(console: Console, run: Run, result: dict[str, Any]) -> None:
    """Show how a run ended; WorkflowFailed unless every job succeeded."""
    which = f"Run {run.name}" + (f" (attempt {result['attempt']})" if result["attempt"] > 1 else "")
    if result["status"] == "succeeded":
        console.say(f"{which} succeeded: {result['done']} of {result['jobs']} jobs.", "bold green")
        return
    failed = result["failed"]
    for job in failed[:SHOWN_IN_FULL]:
        _show_job(console, job)
    for job in failed[SHOWN_IN_FULL:SHOWN_FAILED]:
        console.say(f"{_job_sentence(job)}.", "bold red")
    folder = f"s3://{run.bucket}/runs/{run.name}"
    if len(failed) > SHOWN_FAILED:
        console.say(f"{len(failed) - SHOWN_FAILED} more failed: see {folder}/result.json.", "bold red")
    why = _jobs(len(failed), "failed") if failed else result["error"]
    rest = f"; {_jobs(result['never_ran'], 'never ran')}" if failed and result["never_ran"] else ""
    raise WorkflowFailed(
        f"{which} {result['status']} after {result['done']} of {result['jobs']} jobs: {why.rstrip('.')}{rest}.",
        hint=f"hfecs run --resume {run.name} continues it once the cause is fixed\n"
        + (f"hfecs logs --failed --run {run.name} shows what the failed jobs printed at each try; " if failed else "")
        + f"the engine's log is {folder}/engine.log",
    )


def _jobs(count: int, what: str) -> str:
    return f"1 job {what}" if count == 1 else f"{count} jobs {what}"


def _job_sentence(job: dict[str, Any]) -> str:
    tries = job["attempts"] or 1
    tried = f" at each of {tries} tries" if tries > 1 else ""
    behind = f"; {_jobs(job['never_ran'], 'depending on it never ran')}" if job["never_ran"] else ""
    how = "failed" if job["exit_status"] is None else f"failed with exit code {job['exit_status']}"
    return f"Job {harmless(job['name'])} ({harmless(job['id'])}) {how}{tried}{behind}"


def _show_job(console: Console, job: dict[str, Any]) -> None:
    console.say(f"{_job_sentence(job)}:", "bold red")
    console.say(f"  $ {harmless(' '.join([job['executable'], *job['args']]))}")
    for sentence in job.get("exceptions") or []:
        console.say(f"  {harmless(sentence)}")
    for stream in ("stdout", "stderr"):
        text = (job.get(stream) or "").rstrip()
        for line in labelled(stream, text.split("\n")[-TAIL_LINES:] if text else []):
            console.say(line)


def labelled(stream: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines of a stream, behind its name."""
    for line in lines:
        yield f"  {stream} | {harmless(line)}"
