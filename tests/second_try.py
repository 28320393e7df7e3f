"""Where CI is set, a test with real programs that fails is tried once more; one that passes only then is named.

A busy machine can lose a test that waits for real programs, and with it a submission. Such a test is still a fault to
be mended: its first traceback is shown, and its name stands in a line of its own at the end of the run.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

MARKS = ("end_to_end", "reliability")
FOLDER = "hostile"
MOST = 5
"""Second tries in one run: more failures are no bad second, and would only take their time twice."""

NAMES = "SECOND_TRIES_FILE"
"""The variable that names a file to which the names are added as well; .ci/run shows it when all is over."""

WORDS = "passed only at the second try, to be mended:"


def pytest_configure(config: pytest.Config) -> None:
    """Limit the second tries, and show why they were needed."""
    if os.environ.get("CI"):
        config.option.max_suite_reruns = MOST
        config.option.rerun_show_tracebacks = True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test with real programs a second try."""
    if os.environ.get("CI"):
        for item in items:
            if any(map(item.get_closest_marker, MARKS)) or item.path.parent.name == FOLDER:
                item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name those that needed it and passed; each worker of pytest-xdist has a summary too, which nobody sees."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    names = {outcome: _names(terminalreporter, outcome) for outcome in ("rerun", "passed", "failed", "error")}
    lines = [f"{WORDS} {name}" for name in sorted(names["rerun"] & names["passed"] - names["failed"] - names["error"])]
    for line in lines:
        terminalreporter.write_line(line, yellow=True)
    if lines and (file := os.environ.get(NAMES)):
        with Path(file).open("a") as together:
            together.writelines(f"{line}\n" for line in lines)


def _names(terminalreporter: pytest.TerminalReporter, outcome: str) -> set[str]:
    return {report.nodeid for report in terminalreporter.stats.get(outcome, [])}
