"""What lets a job of many hours run once: the broker does not deliver it again meanwhile."""

from __future__ import annotations

import json

from hfecs.templating import template_path


def test_the_broker_waits_for_the_acknowledgement_of_a_job_however_long_it_takes() -> None:
    definition = json.loads(template_path("task-definitions/master.json").read_text())
    (broker,) = [one for one in definition["containerDefinitions"] if one["name"] == "broker"]
    (arguments,) = [
        pair["value"] for pair in broker["environment"] if pair["name"] == "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"
    ]

    assert " -rabbit consumer_timeout undefined " in arguments
