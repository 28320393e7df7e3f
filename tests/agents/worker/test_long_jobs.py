"""What lets a job of many hours run once: the broker does not deliver it again meanwhile."""

from __future__ import annotations

import json
import re

from hfecs.render import template_path

LONGEST_JOB_SECONDS = 24 * 3600


def test_the_broker_waits_for_the_acknowledgement_longer_than_any_job_takes() -> None:
    definition = json.loads(template_path("task-definitions/master.json").read_text())
    (broker,) = [one for one in definition["containerDefinitions"] if one["name"] == "broker"]
    (arguments,) = [
        pair["value"] for pair in broker["environment"] if pair["name"] == "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"
    ]

    timeout = re.search(r"-rabbit consumer_timeout (\d+)", arguments)

    assert timeout
    assert int(timeout[1]) / 1000 > LONGEST_JOB_SECONDS
