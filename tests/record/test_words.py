"""Numbers as a report says them."""

from __future__ import annotations

import pytest

from hfecs.record.words import amount, duration, money, percent


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (0.34, "340 ms"),
        (0.9996, "1.0 s"),
        (4.06, "4.1 s"),
        (99.96, "1 min 40 s"),
        (125, "2 min 05 s"),
        (3599.6, "1 h 00 min"),
        (4680, "1 h 18 min"),
        (90 * 3600, "90 h 00 min"),
        (-2, "-2.0 s"),
    ],
)
def test_a_time_is_said_in_the_units_that_matter(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 kB"),
        (999_960, "1.0 MB"),
        (8_305_920, "8.3 MB"),
        (2 * 10**18, "2000.0 PB"),
    ],
)
def test_bytes_are_said_in_powers_of_1000(size: int, said: str) -> None:
    assert amount(size) == said


def test_what_is_unknown_is_never_0() -> None:
    assert (amount(None), percent(None), money(None)) == ("", "", "unknown")


@pytest.mark.parametrize(
    ("dollars", "said"), [(0.0, "0.00 USD"), (0.00123, "0.0012 USD"), (0.25, "0.25 USD"), (2.333, "2.33 USD")]
)
def test_small_sums_keep_two_digits(dollars: float, said: str) -> None:
    assert money(dollars) == said
