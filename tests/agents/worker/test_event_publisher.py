"""Events on their way to the broker."""

from __future__ import annotations

import json
from typing import Any, cast

from agents.worker.fakes import FakeChannel, FakeConnection, FakeLoop
from hfecs.agents.worker.event_publisher import Outbox


def test_events_go_out_together_in_their_order() -> None:
    loop, channel = FakeLoop(), FakeChannel(FakeConnection())
    outbox = Outbox(cast(Any, loop))
    outbox.channel = cast(Any, channel)

    outbox.put({"type": "job.1.started"})
    outbox.put({"type": "job.1.finished"})
    loop.next_call()
    before = list(channel.published)
    loop.run_timers()

    assert before == []
    assert [key for _, key, _ in channel.published] == ["job.1.started", "job.1.finished"]
    assert json.loads(channel.published[0][2]) == {"type": "job.1.started"}
    assert loop.calls.empty()


def test_events_are_dropped_while_the_broker_is_away() -> None:
    loop, channel = FakeLoop(), FakeChannel(FakeConnection())
    outbox = Outbox(cast(Any, loop))

    outbox.put({"type": "executor.ready"})
    outbox.flush()
    outbox.channel = cast(Any, channel)
    outbox.flush()

    assert channel.published == []
