from __future__ import annotations

import json

import pytest

from hfecs.messaging.messages import event, read_event


def test_an_event_is_read_as_it_was_sent() -> None:
    sent = event("me", "job.1.started", id="1", run="r", attempt=1)

    assert read_event(json.dumps(sent).encode()) == sent


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"1", b'{"type": 1}', b'{"timestamp": []}', b"[" * 9999])
def test_what_is_no_event_counts_as_an_empty_one(body: bytes) -> None:
    assert read_event(body) == {}
