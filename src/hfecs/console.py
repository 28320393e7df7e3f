"""The only file that prints: messages go to stderr, data to stdout, and meaning never depends on colour alone."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from rich.console import Console as Terminal
from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from hfecs.errors import HfecsError
from hfecs.provisioning.report import Outcome, Step

STYLES = {
    Outcome.CREATED: "green",
    Outcome.CHANGED: "yellow",
    Outcome.UNCHANGED: "dim",
    Outcome.DELETED: "red",
    Outcome.KEPT: "dim",
    Outcome.FAILED: "bold red",
}
WORDS = {
    Outcome.CREATED: ("created", "to create"),
    Outcome.CHANGED: ("changed", "to change"),
    Outcome.DELETED: ("deleted", "to delete"),
    Outcome.UNCHANGED: ("unchanged", "unchanged"),
    Outcome.FAILED: ("failed", "failing"),
}

PIPE_WIDTH = 1000

# A command that the user is told to type; one in quotes has already been typed.
_COMMAND = re.compile(
    r"(?<!')\bhfecs "
    r"(?=(?:destroy|export|logs|plan|report|runs?|status"
    r"|(?:cluster|config|images|monitoring) (?:build|down|open|push|show|status|up))\b)"
)


_TERMINAL_CODES = re.compile(r"(?:\x1b\[|\x9b)[0-9;:?<=>]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
"""What moves, colours or renames a terminal."""


def harmless(line: str) -> str:
    """A line that a program printed, for a terminal: without codes for one, other control characters written out.

    Of a line that was written over, such as a progress bar, the last state.
    """
    text = _TERMINAL_CODES.sub("", line.rstrip("\r")).rpartition("\r")[2].expandtabs()
    return text if text.isprintable() else "".join(one if one.isprintable() else _written_out(one) for one in text)


def _written_out(character: str) -> str:
    return character.encode("unicode_escape").decode()


class Console:
    """Prints messages for people and data for pipes; listens to the steps of a stack (see report.py).

    `options` are added to every suggested command, so that it works on the same cluster as this one.
    """

    def __init__(self, *, verbose: bool = False, quiet: bool = False) -> None:
        self.verbose, self.options = verbose, ""
        self._talk = Terminal(stderr=True, highlight=False, quiet=quiet)
        if not self._talk.is_terminal:
            self._talk.width = PIPE_WIDTH  # a narrow terminal wraps long lines; a pipe gets whole ones
        self._data = Terminal(highlight=False, soft_wrap=True, emoji=False)
        if not self._data.is_terminal:
            self._data.width = PIPE_WIDTH
        self._steps = self._talk
        self._counts: dict[Outcome, int] = {}
        self._telling = threading.RLock()
        self._bars: Progress | None = None
        self._transfers: dict[str, TaskID] = {}

    @property
    def is_terminal(self) -> bool:
        """Whether stderr is a terminal."""
        return self._talk.is_terminal

    def say(self, text: str = "", style: str = "") -> None:
        """Print a message on stderr."""
        self._print(self._talk, text, style)

    def show(self, text: str = "", style: str = "") -> None:
        """Print a sentence that was asked for, on stdout."""
        self._print(self._data, text, style)

    def _print(self, terminal: Terminal, text: str, style: str) -> None:
        if self.options:
            text = _COMMAND.sub(lambda _: f"hfecs {self.options} ", text)
        terminal.print(Text(text, style=style), soft_wrap=True)

    def data(self, value: Any) -> None:
        """Print a value on stdout: text as it is, anything else as JSON."""
        text = value if isinstance(value, str) else json.dumps(value, indent=2, default=str)
        self._data.print(text, markup=False)

    def error(self, error: HfecsError) -> None:
        """Print an error and its hint."""
        self.say(f"error: {error.message}", "red")
        if error.hint:
            self.say(f"\nhint: {error.hint}")

    def confirm(self, question: str) -> bool:
        """Ask the user; without a terminal, or at the end of input, the answer is no."""
        if not self._talk.is_terminal:
            return False
        with suppress(EOFError):
            return self._talk.input(Text(f"{question} [y/N] ")).strip().lower() in ("y", "yes")
        return False

    def table(self, title: str, columns: list[str], rows: list[list[str]]) -> None:
        """Print a table on stdout."""
        table = Table(box=None, pad_edge=False)
        for column in columns:
            table.add_column(Text(column), header_style="dim", overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self.show(title, "bold")  # Rich would wrap it to the width of the columns
        self._data.print(table)

    @contextmanager
    def steps_shown(self) -> Iterator[None]:
        """Print the steps of the block and their summary on stdout: they are what was asked for."""
        self._steps = self._data
        try:
            yield
        finally:
            self._steps = self._talk

    def step(self, step: Step) -> None:
        """Print the outcome of a resource; unchanged ones are only counted, unless --verbose."""
        with self._telling:
            self._counts[step.outcome] = self._counts.get(step.outcome, 0) + 1
            if step.outcome is Outcome.UNCHANGED and not self.verbose:
                return
            line = Text(f"{step.outcome.value} ", style=STYLES[step.outcome])
            line.append(f"{step.kind} {step.name}", style="")
            lines = [str(change) for change in step.changes] if len(step.changes) > 1 else []
            line.append(f"  {'' if lines else step.detail or _short(step)}", style="dim")
            self._steps.print(line, soft_wrap=True)
            ends = dict.fromkeys(change.interrupts for change in step.changes if change.interrupts)
            for text in (*lines, *ends):
                self._print(self._steps, f"    {text}", "dim")

    def waiting(self, what: str, seconds: float) -> None:
        """Say what the command waits for."""
        self.say(f"  waiting for {what} ({seconds:.0f} s)", "dim")

    def note(self, sentence: str) -> None:
        """Say something that the user should know."""
        self.say(f"  note: {sentence}", "yellow")

    def transferred(self, what: str, done: int, total: int) -> None:
        """Update the progress bar of a transfer, in bytes."""
        with self._telling:
            if self._bars is None:
                return
            if what not in self._transfers:
                self._transfers[what] = self._bars.add_task(what, total=total)
            self._bars.update(self._transfers[what], completed=done)

    @contextmanager
    def transfers(self) -> Iterator[None]:
        """Show bars for the transfers inside the block."""
        columns = (TextColumn("  {task.description}", markup=False), BarColumn(), DownloadColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._talk, transient=not self.verbose) as self._bars:
            yield
        self._bars, self._transfers = None, {}

    @contextmanager
    def summary(self, what: str, *, plan: bool = False) -> Iterator[None]:
        """Count the steps inside the block, and print totals and duration, even after Ctrl-C."""
        start, self._counts = time.monotonic(), {}
        try:
            yield
        except KeyboardInterrupt:
            done = f" with {self._counted(plan)}; all of it is recorded" if self._counts else " before any change"
            self.say(f"\n{what}: interrupted{'' if plan else done}", "bold")
            raise
        self._print(self._steps, f"{what}: {self._counted(plan)} ({time.monotonic() - start:.1f} s)", "bold")

    def _counted(self, plan: bool) -> str:
        """How many steps had which outcome; the number created is given even if 0, unless something was deleted."""
        if not self._counts:
            return "nothing to do"
        always = set() if self._counts.get(Outcome.DELETED) else {Outcome.CREATED}
        return ", ".join(
            f"{self._counts.get(outcome, 0)} {words[plan]}"
            for outcome, words in WORDS.items()
            if self._counts.get(outcome) or outcome in always
        )

    @contextmanager
    def jobs(self, totals: dict[str, int]) -> Iterator[JobBars]:
        """Show a bar for each program, and a line below them; the caller reports how many of its jobs are done."""
        counted = TextColumn("{task.completed:>6.0f} / {task.total:<6.0f}", markup=False)
        columns = (TextColumn("  {task.description}", markup=False), BarColumn(), counted, TimeElapsedColumn())
        bars = JobBars(Progress(*columns, console=self._talk), totals, self)
        if not self.is_terminal:
            yield bars
            self._talk.print(bars.progress)
            return
        with Live(get_renderable=bars.render, console=self._talk, refresh_per_second=4):
            yield bars
            bars.status("", None)

    @contextmanager
    def counting(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """Show one bar; the caller reports the progress."""
        columns = (TextColumn("  {task.description}", markup=False), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self._talk, transient=True) as bars:
            task = bars.add_task(what, total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)


class JobBars:
    """A bar for each program, and a line about what is waited for: it moves on a terminal, elsewhere lines follow."""

    def __init__(self, progress: Progress, totals: dict[str, int], console: Console) -> None:
        self.progress, self._totals, self._console, self._line = progress, totals, console, ""
        width = max(map(len, totals), default=0)
        self._tasks = {
            name: progress.add_task(name.ljust(width), total=total, start=False) for name, total in totals.items()
        }

    def done(self, program: str, count: int) -> None:
        """So many jobs of a program are done."""
        if program in self._tasks:
            self.progress.start_task(self._tasks[program])
            self.progress.update(self._tasks[program], completed=count)
            if count >= self._totals[program]:
                self.progress.stop_task(self._tasks[program])

    def status(self, words: str, line: str | None) -> None:
        """What is waited for; `line` is the same where it is worth a line of its own."""
        self._line = words
        if line and not self._console.is_terminal:
            self._console.say(f"  {line}")

    def render(self) -> Group:
        """The bars with the line below them."""
        return Group(self.progress, *([Text(f"  {self._line}", style="dim")] if self._line else []))


def _short(step: Step) -> str:
    """The distinguishing part of an id: the end of an ARN; empty if it only repeats the name."""
    last = step.id.rpartition("/")[2] if step.id.startswith("arn:") else step.id
    return "" if last.endswith(step.name) else last
