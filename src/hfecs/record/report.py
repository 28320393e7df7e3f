"""One HTML file with the story of a run; it asks the network for nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from hfecs import templating
from hfecs.record import figures
from hfecs.record.model import Job, RunRecord, Try
from hfecs.record.timeline import COLOURS, timeline
from hfecs.record.words import amount, duration, money, percent

SLOWEST = 15
SHOWN_FAILURES = 50
SHOWN_MACHINES = 200
SHOWN_CHAIN = 100

PICTURES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif"}
"""What browsers show; SVG is left out, since it can carry scripts."""

MOST_PICTURE_BYTES = 650_000
"""Of all pictures together: what does not fit is named only."""


@dataclass(frozen=True)
class Picture:
    """An output of the run that is a picture; without content, only its name and size are told."""

    name: str
    size: int
    content: bytes = b""


def report(record: RunRecord, pictures: Sequence[Picture] = (), *, version: str) -> str:
    """The page."""
    explained = figures.explanation(record)
    sections = (
        _failures(record),
        _explained(record, explained),
        _timeline(record, explained),
        _programs(record),
        _longest_chain(record),
        _slowest(record),
        _machines(record),
    )
    return templating.text(
        "report/page.html",
        title=escape(record.workflow),
        status=escape(record.status),
        subtitle=escape(_subtitle(record)),
        facts=_facts(record),
        pictures=_pictures(pictures),
        sections="\n".join(section for section in sections if section),
        style=templating.text("report/page.css"),
        script=templating.template_path("report/page.js").read_text(encoding="utf-8"),
        data=_json(timeline(record, explained)),
        footer=escape(f"Made by hfecs {version} from runs/{record.run}/ of the run's bucket."),
    )


def _json(data: Any) -> str:
    """JSON that can stand in a script element, whatever its texts say."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _subtitle(record: RunRecord) -> str:
    when = datetime.fromtimestamp(record.began, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    facts = "; ".join(f"{name} {value}" for name, value in record.facts.items() if value)
    return f"Run {record.run}, begun {when}" + (f"; {facts}" if facts else "")


def _facts(record: RunRecord) -> str:
    tries, uses = record.tries, figures.uses(record)
    again = sum(max(0, len(job.tries) - 1) for job in record.jobs)
    hours = [use.paid for use in uses if use.paid is not None]
    shown = [
        ("makespan" if record.status != "running" else "so far", duration(record.makespan)),
        ("jobs done", f"{sum(job.has_succeeded for job in record.jobs):,} of {len(record.jobs):,}"),
        ("longest chain of jobs", duration(sum(one.seconds for one in figures.longest_chain(record)))),
        ("machines", f"{len(uses):,}"),
        ("machine hours paid", f"{sum(hours) / 3600:.2f}" if hours else "unknown"),
        ("cost of machines", money(figures.cost(record))),
        ("of paid slots used", percent(_used(uses))),
        ("fetched", amount(sum(one.stage_in.bytes for one in tries if one.stage_in))),
        ("stored", amount(sum(one.stage_out.bytes for one in tries if one.stage_out))),
        ("tried again", f"{again:,}"),
    ]
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in shown)


def _used(uses: Sequence[figures.Use]) -> float | None:
    known = [(use.used, use.paid) for use in uses if use.used is not None and use.paid]
    paid = sum(seconds for _, seconds in known if seconds)
    return sum(used * (seconds or 0.0) for used, seconds in known if used is not None) / paid if paid else None


def _pictures(pictures: Sequence[Picture]) -> str:
    shown, left = [], MOST_PICTURE_BYTES
    for picture in pictures:
        kind = next((kind for end, kind in PICTURES.items() if picture.name.lower().endswith(end)), None)
        name = escape(picture.name)
        if kind and picture.content and len(picture.content) <= left:
            left -= len(picture.content)
            data = base64.b64encode(picture.content).decode()
            image = f'<img src="data:{kind};base64,{data}" alt="The output {name}">'
            shown.append(f"<figure>{image}<figcaption>{name}, {amount(picture.size)}</figcaption></figure>")
        elif kind:
            shown.append(f"<p>{name}, {amount(picture.size)}: too large to be shown here</p>")
    return f'<section id="pictures" aria-label="Pictures">{"".join(shown)}</section>' if shown else ""


def _section(name: str, title: str, about: str, content: str) -> str:
    head = f'<h2 id="{name}-title">{title}</h2>' + (f"<p>{escape(about)}</p>" if about else "")
    return f'<section id="{name}" aria-labelledby="{name}-title">{head}{content}</section>'


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column names the row; cells are HTML."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>' for first, *rest in rows
    )
    table = f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}, table">{table}</div>'


def _failures(record: RunRecord) -> str:
    if not record.failures and not record.error:
        return ""
    parts = [f"<p>{escape(record.error)}</p>"] if record.error else []
    parts += [_failure(failed) for failed in record.failures[:SHOWN_FAILURES]]
    if len(record.failures) > SHOWN_FAILURES:
        parts.append(f"<p>{len(record.failures) - SHOWN_FAILURES:,} more failed: see result.json.</p>")
    return _section("failures", "What failed", "", "".join(parts))


def _failure(failed: Mapping[str, Any]) -> str:
    words = " ".join([str(failed.get("executable", "")), *map(str, failed.get("args") or [])])
    code = failed.get("exit_status")
    title = f"{failed.get('name')} ({failed.get('id')})" + (f", exit code {code}" if code is not None else "")
    told = [*(failed.get("exceptions") or [])]
    streams = [(name, str(failed.get(name) or "").rstrip()) for name in ("stdout", "stderr")]
    printed = "".join(f"<p>{name}:</p><pre>{escape(text)}</pre>" for name, text in streams if text)
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in told)
    return f"<article><h3>{escape(title)}</h3><pre>$ {escape(words)}</pre>{sentences}{printed}</article>"


def _explained(record: RunRecord, explained: figures.Explanation) -> str:
    whole = record.makespan or 1.0
    parts = [(name, seconds) for name, seconds in explained.parts.items() if seconds > 0]
    bar = "".join(
        f'<span class="part part-{figures.PARTS.index(name)}" style="flex-grow:{seconds / whole:.6f}"></span>'
        for name, seconds in parts
    )
    legend = "".join(
        f'<li><span class="swatch part-{figures.PARTS.index(name)}"></span>{escape(name)} '
        f"<b>{duration(seconds)}</b> ({percent(seconds / whole)})</li>"
        for name, seconds in parts
    )
    jobs = len(explained.chain)
    about = (
        f"From the job that ended last back to the beginning: each of these {jobs:,} waited for a job before it, or "
        f"for a slot ({explained.for_slot:,} of them). The parts add up to the makespan, {duration(record.makespan)}."
        if jobs
        else "No job has ended yet."
    )
    content = f'<div class="parts" aria-hidden="true">{bar}</div><ul class="legend">{legend}</ul>'
    return _section("time", "What set the time of this run", about, content)


def _timeline(record: RunRecord, explained: figures.Explanation) -> str:
    if not record.tries:
        return ""
    names = [program.name for program in figures.programs(record)]
    options = "".join(f"<option>{escape(name)}</option>" for name in names)
    content = templating.text("report/timeline.html", options=options)
    about = (
        "A lane is a job slot of a worker. Grey: its machine was there and the slot was idle. The line is the chain of "
        "the section above. A red edge: the job failed or was tried again."
    )
    return _section("timeline", "Timeline", about, content)


def _programs(record: RunRecord) -> str:
    heads = ("program", "jobs", "mean", "median", "95 %", "longest", "together", "share")
    used = ("processor", "memory", "fetched", "stored")
    rows = [
        (
            f'<span class="swatch colour-{number % COLOURS}"></span>{escape(one.name)}',
            f"{one.jobs:,}",
            *(duration(seconds) for seconds in (one.mean, one.median, one.most_of_them, one.longest, one.together)),
            percent(one.share),
            percent(one.processor),
            amount(one.resident_bytes),
            amount(one.fetched),
            amount(one.stored),
        )
        for number, one in enumerate(figures.programs(record))
    ]
    about = (
        "Times are those of a job from its start to its stored outputs. Processor: 100 % is one busy core. Memory: "
        "that of the largest job."
    )
    return _section("programs", "Programs", about, _table("Programs", (*heads, *used), rows)) if rows else ""


def _longest_chain(record: RunRecord) -> str:
    chain = figures.longest_chain(record)
    if not chain:
        return ""
    together = duration(sum(one.seconds for one in chain))
    more = f" The first {SHOWN_CHAIN} are shown." if len(chain) > SHOWN_CHAIN else ""
    about = (
        f"No number of machines makes the run shorter than these {len(chain):,} jobs one after the other: "
        f"{together}.{more}"
    )
    table = _jobs_table("The longest chain by dependencies", record, chain[:SHOWN_CHAIN])
    return _section("chain", "The longest chain by dependencies", about, table)


def _slowest(record: RunRecord) -> str:
    jobs = figures.slowest(record.jobs, SLOWEST)
    tries = [job.last for job in jobs if job.last]
    return _section("slowest", "Slowest jobs", "", _jobs_table("Slowest jobs", record, tries)) if tries else ""


def _jobs_table(caption: str, record: RunRecord, tries: Sequence[Try]) -> str:
    jobs = {job.number: job for job in record.jobs}
    heads = ("job", "waited", "fetch", "run", "store", "whole", "processor", "memory", "ended at", "worker")
    return _table(caption, heads, [_job_row(jobs[one.number], one, record) for one in tries])


def _job_row(job: Job, one: Try, record: RunRecord) -> Sequence[str]:
    waited = one.started - one.ready if one.started is not None and one.ready is not None else None
    used, time = one.processor_seconds, one.execution.seconds if one.execution else 0.0
    stages = [duration(stage.seconds) if stage else "" for stage in (one.stage_in, one.execution, one.stage_out)]
    return (
        f'<a href="#timeline" data-job="{job.number}">{escape(job.name)} #{job.number}</a>',
        duration(max(0.0, waited)) if waited is not None else "",
        *stages,
        duration(one.seconds),
        percent(used / time if used is not None and time else None),
        amount(one.resident_bytes),
        duration(one.ended - record.began) if one.ended is not None else "",
        escape(one.worker),
    )


def _machines(record: RunRecord) -> str:
    uses = figures.uses(record)
    if not uses:
        return ""
    heads = ("machine", "type", "zone", "launched at", "boot", "paid", "jobs", "used", "cost")
    rows = [_machine_row(use, record) for use in uses[:SHOWN_MACHINES]]
    sources = sorted({use.machine.price_source for use in uses if use.machine.price_source})
    priced = f"Prices: {'; '.join(sources)}." if sources else "No price is written down of these machines."
    more = f" {len(uses) - SHOWN_MACHINES:,} more machines are not shown." if len(uses) > SHOWN_MACHINES else ""
    about = f"{priced} Used: the share of paid slots in which a job was.{more}"
    return _section("machines", "Machines and cost", about, _table("Machines and cost", heads, rows))


def _machine_row(use: figures.Use, record: RunRecord) -> Sequence[str]:
    machine = use.machine
    kind = escape(machine.type) + (" (spot)" if machine.spot else "")
    launched = None if machine.launched is None else machine.launched - record.began
    times = ["" if seconds is None else duration(seconds) for seconds in (launched, use.boot, use.paid)]
    return (
        escape(machine.id),
        kind,
        escape(machine.zone),
        *times,
        f"{use.jobs:,}",
        percent(use.used),
        money(use.cost),
    )
