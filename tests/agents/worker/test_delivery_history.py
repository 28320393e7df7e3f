"""What became of a job before: counted in the headers of its message."""

from __future__ import annotations

import pytest
from pika.data import encode_table
from pika.spec import BasicProperties

from hfecs.agents.worker.delivery_history import Past


def test_what_a_message_is_sent_on_with_is_read_again() -> None:
    past = Past(lost=2, handed_back=1).once_more_handed_back("me")

    read = Past.of(BasicProperties(headers=past.headers()))

    assert read == Past(lost=2, handed_back=2, why="me had to stop and handed it back")
    assert read.attempts == 4


@pytest.mark.parametrize("count", [1_000_001, 2**31 - 1, 2**63 - 1])
def test_a_count_that_nobody_reaches_is_a_million_and_one_more_can_still_be_sent(count: int) -> None:
    past = Past.of(BasicProperties(headers={"hfecs-lost": count, "hfecs-handed-back": count}))

    assert (past.lost, past.handed_back) == (1_000_000, 1_000_000)
    assert encode_table([], past.once_more_lost().once_more_handed_back("me").headers())


@pytest.mark.parametrize("count", [0, 1, 999_999, 1_000_000])
def test_a_count_up_to_a_million_is_taken_as_it_is(count: int) -> None:
    past = Past.of(BasicProperties(headers={"hfecs-lost": count, "hfecs-handed-back": count}))

    assert (past.lost, past.handed_back) == (count, count)
