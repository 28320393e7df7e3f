"""The bench's numbers as text."""

from __future__ import annotations

from collections.abc import Iterator

from calls import by_operation
from measure import Phase, median_phase
from tools import PHASES

GOALS = {"up": 3.0, "up again": 1.2, "destroy": 3.0}  # seconds, for hfecs with 80 ms added to each call
HEAD = f"{'':<12}{'median':>9}{'(min - max)':>18}{'goal':>8}{'':<7}{'calls':>6}{'changing':>10}{'longest chain':>15}"


def tool_lines(name: str, runs: list[dict[str, Phase]], *, goals: bool) -> Iterator[str]:
    """Yield a tool's table: a line for each phase, and what stood after `up` and after `destroy`."""
    yield name
    for phase in PHASES:
        yield _phase_line(phase, [phases[phase] for phases in runs], GOALS[phase] if goals else None)
    for phase, words in (("up", "stands after up"), ("destroy", "left after destroy")):
        standing = runs[-1][phase].standing
        number = sum(standing.values())
        kinds = ", ".join(f"{kind} {count}" for kind, count in standing.items())
        yield f"  {words}: {number} ({kinds})" if number else f"  {words}: nothing"


def ratio_lines(one: list[dict[str, Phase]], other: list[dict[str, Phase]]) -> Iterator[str]:
    """Yield what part of the other tool's time and calls the first one needs, phase by phase."""
    for phase in PHASES:
        first, second = (median_phase(phases[phase] for phases in runs) for runs in (one, other))
        times = f"{second.seconds / first.seconds:.1f} times as fast"
        yield f"  {phase:<10}{first.seconds / second.seconds:>9.3f} of the time ({times}), " + _share(first, second)


def details(name: str, runs: list[dict[str, Phase]]) -> Iterator[str]:
    """Yield, for each phase's median run, the longest chain call by call and the number of calls by operation."""
    for phase in PHASES:
        yield from _phase_details(f"{name}, {phase}", median_phase(phases[phase] for phases in runs))


def _phase_line(name: str, phases: list[Phase], goal: float | None) -> str:
    median = median_phase(phases)
    seconds = sorted(phase.seconds for phase in phases)
    span = f"({seconds[0]:.2f} - {seconds[-1]:.2f})"
    verdict = "" if goal is None else " met" if median.seconds < goal else " missed"
    wanted = "" if goal is None else f"{goal:.1f} s"
    numbers = f"{len(median.calls):>6}{median.changing:>10}{len(median.chain):>15}"
    return f"  {name:<10}{median.seconds:>7.2f} s{span:>18}{wanted:>8}{verdict:<7}{numbers}"


def _share(first: Phase, second: Phase) -> str:
    return f"{len(first.calls)} calls to {len(second.calls)}, chain {len(first.chain)} to {len(second.chain)}"


def _phase_details(title: str, phase: Phase) -> Iterator[str]:
    yield ""
    yield f"{title}: {phase.seconds:.2f} s, of them {phase.own_seconds:.2f} s without any call under way"
    yield "  longest chain:  after      gap     took  call"
    before = phase.start
    for number, call in enumerate(phase.chain, 1):
        times = f"{call.start - phase.start:>6.3f} s {call.start - before:>6.3f} s {call.end - call.start:>6.3f} s"
        yield f"  {number:>13}  {times}  {call.name}{_refusal(call.status)}"
        before = call.end
    yield f"  {'end':>13}  {phase.end - phase.start:>6.3f} s {phase.end - before:>6.3f} s"
    yield f"  calls by operation ({len(phase.calls)}):"
    for name, calls, refused in by_operation(phase.calls):
        yield f"  {calls:>13}  {name}" + (f" ({refused} answered with an error)" if refused else "")


def _refusal(status: int) -> str:
    return f" (answered {status})" if status >= 400 else ""
