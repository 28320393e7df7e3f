"""docs/reliability.md, made of what the tests wrote down: `python -m hostile.document FOLDER` writes it to stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hostile import rows, successes
from hostile.facts import read
from hostile.scenarios import SCENARIOS
from hostile.sweep import ANSWERED, BRANCHES, STORIES, UNANSWERED

HEAD = """# Reliability: what was tried, and what came of it

Made by `scripts/reliability` from the results of the tests in `tests/hostile/`; `scripts/reliability --check` fails
when the tests find something else.

The stand-in for AWS is moto with the mends of the local cloud: services that drain, machines that take time to end,
tokens that outlive what they made, security groups and clusters that cannot be deleted while they are used, and
checks that AWS makes and moto does not.
"""
SUCCEEDED = """## What exit code 0 says

Every command ends with 0 only when what it says has been verified; kept by hand in `tests/hostile/successes.toml`.
"""
KILLED = """## Killed anywhere

The program is killed by SIGKILL at each of its changing calls: when the call has taken effect and before it is
answered, and after the answer, before the next one. From there four copies of the cloud go their own ways: `hfecs
destroy` with the state file and from a second directory that has none must leave nothing; the same command again,
with the state file and after that was deleted, must arrive at exactly what an undisturbed command makes: the same
things with the same settings, none twice. After the answer only the ways with the state file are tried: for the
others the two moments are the same.

A run that is started again without the state file is a run of its own; the machine of the first one ends by itself
within half an hour, and `hfecs destroy` removes it.
"""
SCENARIO = """## Scenarios

`monitoring up`, `cluster up`, `run` and the removal of all, while AWS answers as it says here. "well" means that
nobody sees anything of it but a longer wait. Afterwards, when AWS behaves again, removing leaves nothing.
"""
ROWS = """## Rows

The numbers are those of our list of AWS's behaviours that moto hides.
"""


def table(head: Iterable[str], lines: Iterable[Iterable[object]]) -> Iterator[str]:
    """A table of Markdown."""
    heads = list(head)
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for cells in lines:
        yield "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
    yield ""


def of_kind(facts: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [fact for fact in facts if fact["fact"] == kind]


def word(outcome: dict[str, str], branch: str) -> str:
    """What became of a branch, for a cell."""
    if branch not in outcome:
        return "-"
    return "FAILED" if outcome[branch] else "ok"


def succeeded() -> Iterator[str]:
    """A line for each command."""
    yield SUCCEEDED
    lines = [[f"`{command}`", told["says"], told["verified"]] for command, told in successes.read().items()]
    yield from table(["command", "exit code 0 says", "verified before"], lines)


def killed(kills: list[dict[str, Any]]) -> Iterator[str]:
    """A table that sums up, and one for each command."""
    yield KILLED
    tried = [outcome for kill in kills for outcome in kill["outcome"].values()]
    failed = sum(bool(outcome) for outcome in tried)
    yield f"**{len(kills)} kills, {len(tried)} ways on from there, {failed} that did not end well.**\n"
    summary = []
    for command in STORIES:
        own = [kill for kill in kills if kill["command"] == command]
        counts = [[kill["outcome"].get(branch) for kill in own if branch in kill["outcome"]] for branch in BRANCHES]
        cells = [f"{done.count('')} of {len(done)}" if done else "-" for done in counts]
        summary.append([f"`{command}`", len({kill["number"] for kill in own}), len(own), *cells])
    yield from table(["command", "calls", "kills", *BRANCHES], summary)
    for command in STORIES:
        yield f"### {command}\n"
        yield from table(["call", "on", "killed", *BRANCHES], each_point(kills, command))


def each_point(kills: list[dict[str, Any]], command: str) -> Iterator[list[object]]:
    """A line for each point of a command."""
    own = [kill for kill in kills if kill["command"] == command]
    for kill in sorted(own, key=lambda kill: (kill["number"], [UNANSWERED, ANSWERED].index(kill["moment"]))):
        cells = [word(kill["outcome"], branch) for branch in BRANCHES]
        yield [f"{kill['number']} {kill['operation']}", kill["what"], kill["moment"], *cells]


def scenarios(facts: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each scenario."""
    yield SCENARIO
    found = {fact["name"]: fact for fact in facts}
    lines = []
    for scenario in SCENARIOS:
        does = ", ".join(
            f"{operation} {'always' if count > 1000 else f'{count} times'}" for operation, _, count in scenario.does
        )
        fact = found.get(scenario.name)
        ends = f"{fact['ends']}, exit {fact['code']}" if fact else "NOT RUN"
        left = "nothing" if fact and not fact["left"] else "SOMETHING"
        lines.append([", ".join(map(str, scenario.rows)), scenario.name, does, ends, left])
    yield from table(["rows", "what AWS does", "to", "ends", "left"], lines)


def each_row() -> Iterator[str]:
    """A line for each row."""
    yield ROWS
    tested, accepted = rows.tested(), rows.accepted()
    yield f"**{len(tested)} rows are handled and tested, {len(accepted)} are accepted.**\n"
    lines = [
        [number, "tested", "; ".join(_named(test) for test in tested[number])]
        if number in tested
        else [number, "accepted", accepted[number]]
        for number in range(1, rows.LAST_ROW + 1)
    ]
    yield from table(["row", "", "by which tests, or why"], lines)


def _named(test: str) -> str:
    file, _, name = test.partition("::")
    return f"{file}: {name.removeprefix('test_').replace('_', ' ')}" if name else test


def main(folder: Path) -> None:
    """Write the document."""
    facts = read(folder)
    parts = [HEAD, *succeeded(), *killed(of_kind(facts, "kill")), *scenarios(of_kind(facts, "scenario")), *each_row()]
    sys.stdout.write("\n".join(parts).rstrip() + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
