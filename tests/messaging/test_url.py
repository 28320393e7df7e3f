"""AMQP URLs."""

from __future__ import annotations

import pytest

from hfecs.messaging.url import AmqpUrl


def test_a_url_is_taken_apart_with_its_escapes() -> None:
    url = AmqpUrl.parse("amqps://me:it%40s@stars.example:5673/%2Fsky?heartbeat=5&heartbeat=6")

    assert (url.host, url.port, url.tls, url.virtual_host) == ("stars.example", 5673, True, "/sky")
    assert (url.user, url.password) == url.login == ("me", "it@s")
    assert url.options == {"heartbeat": "6"}


@pytest.mark.parametrize(("text", "port"), [("amqp://master", 5672), ("amqps://master", 5671)])
def test_what_a_url_leaves_out_is_what_rabbitmq_assumes(text: str, port: int) -> None:
    url = AmqpUrl.parse(text)

    assert (url.port, url.virtual_host, url.login) == (port, "/", ("guest", "guest"))
    assert (url.user, url.password, url.has_account) == ("", "", False)


@pytest.mark.parametrize(
    ("text", "host"), [("amqp://b:5672", "/"), ("amqp://b/", "/"), ("amqps://b/me", "me"), ("amqp://b/%2Fa", "/a")]
)
def test_the_virtual_host_is_the_path(text: str, host: str) -> None:
    assert AmqpUrl.parse(text).virtual_host == host


def test_an_account_can_be_put_in_and_taken_out() -> None:
    url = AmqpUrl.parse("amqp://old:secret@master:5672/v")

    assert str(url.without_account()) == "amqp://master:5672/v"
    assert str(url.with_account("hyper", "p@ss/word")) == "amqp://hyper:p%40ss%2Fword@master:5672/v"
    assert str(url.with_account("", "unused")) == "amqp://master:5672/v"


def test_another_host_keeps_the_port_and_the_rest() -> None:
    assert str(AmqpUrl.parse("amqp://me:secret@10.0.0.1:5673/v?heartbeat=5").at("1.2.3.4")) == (
        "amqp://1.2.3.4:5673/v?heartbeat=5"
    )
    assert str(AmqpUrl.parse("amqp://10.0.0.1/v").at("1.2.3.4")) == "amqp://1.2.3.4/v"


@pytest.mark.parametrize("text", ["", "http://master", "master:5672", "amqp://"])
def test_an_address_of_something_else_is_not_usable(text: str) -> None:
    assert not AmqpUrl.parse(text).is_usable
    assert AmqpUrl.parse("amqp://master").is_usable
