"""The executor's environment."""

from __future__ import annotations

import os

import pytest

from hfecs.agents.worker.settings import Settings
from hfecs.errors import ConfigurationInvalid

BROKER = {"AMQP_URL": "amqp://master:5672"}


def test_only_the_broker_has_to_be_named() -> None:
    settings = Settings.from_environment(BROKER)

    assert (settings.queue, settings.storage, settings.threads) == ("hyperflow.jobs", "s3", os.cpu_count())
    assert settings.stop_timeout == 25.0


def test_cloud_is_the_old_name_of_s3() -> None:
    assert Settings.from_environment({**BROKER, "STORAGE": "cloud"}).storage == "s3"


@pytest.mark.parametrize(
    ("name", "value"), [("THREADS", "0"), ("THREADS", "two"), ("STORAGE", "tape"), ("STOP_TIMEOUT", "-1")]
)
def test_a_value_that_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=f"{name} is '{value}'"):
        Settings.from_environment({**BROKER, name: value})
