"""Pauses that double."""

from __future__ import annotations

from hfecs.backoff import Backoff


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(1.0, 5.0)

    assert [backoff.next() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_success_starts_again_with_the_first_pause() -> None:
    backoff = Backoff(1.0, 5.0)
    backoff.next()

    backoff.reset()

    assert backoff.next() == 1.0


def test_the_first_pause_is_no_longer_than_the_longest() -> None:
    assert Backoff(1.0, 0.5).next() == 0.5
