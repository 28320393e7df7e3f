"""Settings from the environment."""

from __future__ import annotations

import pytest

from hfecs.agents.common import environment
from hfecs.errors import ConfigurationInvalid


def test_user_and_password_are_filled_into_the_address_of_the_broker() -> None:
    environ = {"AMQP_URL": "amqp://master:5672", "AMQP_USER": "hyper", "AMQP_PASSWORD": "p@ss/word"}

    url = environment.broker_url(environ)

    assert url == "amqp://hyper:p%40ss%2Fword@master:5672"


def test_an_account_in_the_address_itself_stays() -> None:
    environ = {"AMQP_URL": "amqp://a:b@master:5672", "AMQP_USER": "hyper", "AMQP_PASSWORD": "other"}

    assert environment.broker_url(environ) == "amqp://a:b@master:5672"


@pytest.mark.parametrize("url", ["", "http://master", "master:5672"])
def test_an_address_that_is_none_is_refused_without_showing_a_password(url: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="AMQP_URL"):
        environment.broker_url({"AMQP_URL": url})


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(ConfigurationInvalid, match="The environment variable RUN_ID is missing"):
        environment.required({"RUN_ID": " "}, "RUN_ID")
