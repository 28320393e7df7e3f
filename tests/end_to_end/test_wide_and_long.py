"""Runs of unusual size, with the real broker and the real HyperFlow engine."""

from __future__ import annotations

import pytest

from end_to_end.answering import Answering
from end_to_end.sites import Site, chain

pytestmark = pytest.mark.end_to_end

SMALL_HEAP = "--max-old-space-size=96"
"""MB that the engine's Node.js may keep; before lean.js a workflow of 3,000 jobs did not begin with it."""


def test_three_thousand_ready_jobs_are_sent_once_over_a_broker_with_its_own_defaults(site: Site) -> None:
    dag = chain("true", "true")
    ready = [{**dag["processes"][0], "outs": [number]} for number in range(1, 3_001)]
    last = {**dag["processes"][1], "ins": [*range(1, 3_001)], "outs": [3_001]}
    signals = [{"name": f"file_{number}"} for number in range(3_002)]
    site.upload({**dag, "processes": [*ready, last], "signals": signals, "outs": [3_001]}, file_0="")
    answering = Answering(site.broker_url, "wide")
    answering.start()

    exit_code = site.run("wide", AMQP_QUEUE="wide", NODE_OPTIONS=SMALL_HEAP)

    assert exit_code == 0, site.log("engine")
    assert site.result("wide")["done"] == 3_001
    assert sorted(answering.answered) == sorted(f"wide-{number}" for number in range(1, 3_002))
