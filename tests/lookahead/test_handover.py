"""From which period on the engine tells the demand of its run."""

from __future__ import annotations

import pytest

from hfecs.lookahead import handover
from hfecs.lookahead.metric import Periods


@pytest.mark.parametrize(
    ("now", "first"),
    [(100.0, 11), (105.9, 11), (106.0, 12), (109.99, 12), (110.0, 12)],
)
def test_it_is_the_next_period_that_is_four_seconds_away(now: float, first: int) -> None:
    assert handover.first_period(Periods(10, lambda: now)) == first


def test_what_the_engine_writes_is_read() -> None:
    assert handover.read(handover.written(179_000_000)) == 179_000_000


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"first_period": null}', '{"first_period": 1e999}'])
def test_what_cannot_be_read_names_no_period(text: str) -> None:
    assert handover.read(text) is None
