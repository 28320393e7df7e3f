"""What became of a job before: counted in the headers of its message."""

from __future__ import annotations

import pytest
from pika.data import encode_table
from pika.spec import BasicProperties

from hfecs.agents.worker.delivery import DeliveryHistory


def test_what_a_message_is_sent_on_with_is_read_again() -> None:
    delivery_history = DeliveryHistory(lost=2, handed_back=1).once_more_handed_back("me")

    read = DeliveryHistory.of(BasicProperties(headers=delivery_history.headers()))

    assert read == DeliveryHistory(lost=2, handed_back=2, why="me had to stop and returned it")
    assert read.attempts == 4


@pytest.mark.parametrize("count", [1_000_001, 2**31 - 1, 2**63 - 1])
def test_a_count_that_nobody_reaches_is_a_million_and_one_more_can_still_be_sent(count: int) -> None:
    delivery_history = DeliveryHistory.of(BasicProperties(headers={"hfecs-lost": count, "hfecs-handed-back": count}))

    assert (delivery_history.lost, delivery_history.handed_back) == (1_000_000, 1_000_000)
    assert encode_table([], delivery_history.once_more_lost().once_more_handed_back("me").headers())


@pytest.mark.parametrize("count", [0, 1, 999_999, 1_000_000])
def test_a_count_up_to_a_million_is_taken_as_it_is(count: int) -> None:
    delivery_history = DeliveryHistory.of(BasicProperties(headers={"hfecs-lost": count, "hfecs-handed-back": count}))

    assert (delivery_history.lost, delivery_history.handed_back) == (count, count)
