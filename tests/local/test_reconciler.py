from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hfecs.local.data_plane.shared import SharedState
from hfecs.local.reconciler import Reconciler


class Part:
    """A part of the data plane that counts its turns."""

    def __init__(self) -> None:
        self.turns = 0

    def step(self, *_: Any) -> list[Any]:
        self.turns += 1
        return ["a machine that is gone", "another"]


class Broken:
    """A part that fails at every turn."""

    def step(self, *_: Any) -> None:
        raise AssertionError("a fault of moto")


class Buried:
    """Tasks of machines that are gone, which cannot bury the first."""

    def __init__(self) -> None:
        self.lost_machines: list[str] = []
        self.counted = False

    def lost(self, machine: str) -> None:
        self.lost_machines.append(machine)
        if len(self.lost_machines) == 1:
            raise KeyError(machine)

    def count(self) -> None:
        self.counted = True


def test_a_part_that_fails_keeps_no_other_from_its_turn(tmp_path: Path) -> None:
    ports = {"rabbitmq": 0, "influxdb": 0}
    reconciler = Reconciler(SharedState(tmp_path, "", 1, ports), {})
    parts = {name: Part() for name in ("machines", "services", "managed_scaling", "scaling", "logs")}
    vars(reconciler).update(parts, deadlines=Broken(), groups=Broken(), tasks=(tasks := Buried()))

    with pytest.raises(ExceptionGroup) as raised:
        reconciler.step(1.0)

    assert {name: part.turns for name, part in parts.items()} == dict.fromkeys(parts, 1)
    assert tasks.lost_machines == ["a machine that is gone", "another"]
    assert tasks.counted
    assert [str(error) for error in raised.value.exceptions[:2]] == ["a fault of moto"] * 2
    assert len(raised.value.exceptions) == 3
