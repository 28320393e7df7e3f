"""The workflows of the executor's bench."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hfecs.examples import montage

FILE_BYTES = 10_000
INPUTS = ("one.dat", "two.dat", "three.dat")


def nothing(folder: Path, number: int) -> Path:
    """Jobs that run `true` and know no files, all ready at once."""
    processes = [_process("true", [], [0], []) for _ in range(number)]
    return _written(folder, processes, [{"name": "start", "data": [{}], "control": "next"}])


def files(folder: Path, number: int) -> Path:
    """Jobs that fetch three files and store one, all ready at once."""
    signals: list[dict[str, Any]] = [{"name": name, "data": [{}]} for name in INPUTS]
    signals += [{"name": f"out_{job}.dat"} for job in range(number)]
    processes = [_process("cp", [INPUTS[0], f"out_{job}.dat"], [0, 1, 2], [len(INPUTS) + job]) for job in range(number)]
    made = _written(folder, processes, signals)
    for name in INPUTS:
        (folder / "input" / name).write_bytes(bytes(FILE_BYTES))
    return made


def mosaic(folder: Path, grid: int) -> Path:
    """The example of `hfecs example montage`."""
    montage.write(folder, grid=grid)
    return folder


def _process(program: str, arguments: list[str], ins: list[int], outs: list[int]) -> dict[str, Any]:
    executor = {"executable": program, "args": arguments}
    return {"name": program, "function": "amqpCommand", "ins": ins, "outs": outs, "config": {"executor": executor}}


def _written(folder: Path, processes: list[dict[str, Any]], signals: list[dict[str, Any]]) -> Path:
    ins = [index for index, signal in enumerate(signals) if "data" in signal]
    outs = [index for index, signal in enumerate(signals) if "data" not in signal]
    document = {"name": folder.name, "processes": processes, "signals": signals, "ins": ins, "outs": outs}
    for name in ("workdir", "input"):
        (folder / name).mkdir(parents=True)
    (folder / "workdir" / "dag.json").write_text(json.dumps(document))
    return folder
