"""The functions of processes: which are jobs, which the engine can call, and which hfecs does not run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from hfecs.workflow.document import JOB_FUNCTIONS, Process
from hfecs.workflow.fault import Fault, grouped, shown
from hfecs.workflow.graph import Workflow

OF_THE_ENGINE = (
    *("add", "chooseEvenOdd", "count", "echo", "echoWithDelay", "exit", "genCollection"),
    *("length", "match", "noop", "print", "print2", "sqr"),
)
"""Functions of HyperFlow 1.7 that work on the data of signals, on the engine's machine."""

_NEEDS_KUBERNETES = "needs Kubernetes"
_NEEDS_A_SERVICE = "calls a service that hfecs does not create"
_ONLY_PRETENDS = "only prints commands, so nothing would run"
REFUSED = {
    "k8sCommand": _NEEDS_KUBERNETES,
    "bojK8sCommand": _NEEDS_KUBERNETES,
    "awsFargateCommand": _NEEDS_A_SERVICE,
    "awsLambdaCommand": _NEEDS_A_SERVICE,
    "RESTServiceCommand": _NEEDS_A_SERVICE,
    "command_print": _ONLY_PRETENDS,
    "command_notifyevents": _ONLY_PRETENDS,
    "commandLocalMock": _ONLY_PRETENDS,
}
"""Functions of HyperFlow 1.7 that run jobs in a way of their own, or not at all."""

_JOB_HINT = 'a job for the workers has the function "{{function}}" and config.executor'
_EXPORT = re.compile(r"\bexports\.([A-Za-z_$][\w$]*)")


class Scripts:
    """The JavaScript files of a workflow, which are searched for names of functions and not run."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = sorted(path for path in files if path.suffix == ".js" and path.is_file())

    def mention(self, name: str) -> bool:
        """Whether a name stands in one of the files; how they export it is JavaScript's business."""
        word = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])")
        return any(word.search(text) for text in self._texts)

    def exports(self) -> list[str]:
        """The names that are exported one by one."""
        return [name for text in self._texts for name in _EXPORT.findall(text)]

    @cached_property
    def _texts(self) -> list[str]:
        return [path.read_text(errors="replace") for path in self._files]


def functions(workflow: Workflow, scripts: Scripts | None) -> Iterator[Fault]:
    """Functions that hfecs does not run or nobody has; what the user's own `scripts` have is theirs, if known."""
    processes: dict[str, list[tuple[int, Process]]] = {}
    for number, process in enumerate(workflow.processes):
        processes.setdefault(process.function, []).append((number, process))
    for name, who in processes.items():
        if name in JOB_FUNCTIONS or name in OF_THE_ENGINE or scripts is None or scripts.mention(name):
            continue
        if name in REFUSED:
            yield Fault(f"{grouped(who)}: the function {name} {REFUSED[name]}; hfecs does not run it", _JOB_HINT)
        else:
            nearest = _nearest(name, scripts)
            yield Fault(
                f"{grouped(who)}: neither the engine nor workdir/functions.js has a function {shown(name)}{nearest}",
                _JOB_HINT,
            )


def _nearest(name: str, scripts: Scripts) -> str:
    known = {known.lower(): known for known in (*JOB_FUNCTIONS, *OF_THE_ENGINE, *scripts.exports())}
    close = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {known[close[0]]}?" if close else ""
