"""A network or a broker that falls silent, its connections open: every wait ends, and what was lost is done again."""

from __future__ import annotations

import pytest

from end_to_end.proxy import proxy
from end_to_end.sites import Site, events_of
from hfecs.agents.broker import Broker
from hfecs.errors import TimedOut

pytestmark = pytest.mark.end_to_end


def test_an_event_that_the_broker_does_not_confirm_is_sent_again(site: Site) -> None:
    with proxy(site.broker_url) as network:
        broker = Broker(network.url, pause=lambda _: None, longest_visit=1.0)
        broker.declare("jobs", within=20)
        network.fall_silent(at=b"workflow.unconfirmed.finished")

        broker.publish("engine", "workflow.unconfirmed.finished", within=20, run="unconfirmed")

    assert events_of(site, "unconfirmed") != []


def test_a_broker_that_never_confirms_is_given_up_in_time(site: Site) -> None:
    with proxy(site.broker_url) as network:
        broker = Broker(network.url, pause=lambda _: None)
        broker.declare("jobs", within=20)
        network.silent = True

        with pytest.raises(TimedOut, match="does not answer"):
            broker.publish("engine", "workflow.unheard.finished", within=0.5, run="unheard")
