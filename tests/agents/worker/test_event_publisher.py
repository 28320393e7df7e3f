"""Events on their way to the broker."""

from __future__ import annotations

import json
from typing import Any, cast

from agents.worker.fakes import FakeChannel, FakeConnection, FakeLoop
from hfecs.agents.worker.event_publisher import EventPublisher


def test_events_go_out_together_in_their_order() -> None:
    loop, channel = FakeLoop(), FakeChannel(FakeConnection())
    events = EventPublisher(cast(Any, loop))
    events.channel = cast(Any, channel)

    events.put({"type": "job.1.started"})
    events.put({"type": "job.1.finished"})
    loop.next_call()
    before = list(channel.published)
    loop.run_timers()

    assert before == []
    assert [key for _, key, _ in channel.published] == ["job.1.started", "job.1.finished"]
    assert json.loads(channel.published[0][2]) == {"type": "job.1.started"}
    assert loop.calls.empty()


def test_events_are_dropped_while_the_broker_is_away() -> None:
    loop, channel = FakeLoop(), FakeChannel(FakeConnection())
    events = EventPublisher(cast(Any, loop))

    events.put({"type": "executor.ready"})
    events.flush()
    events.channel = cast(Any, channel)
    events.flush()

    assert channel.published == []
