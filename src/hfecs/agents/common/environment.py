"""Read settings from the environment, with clear errors for invalid values."""

from __future__ import annotations

from collections.abc import Mapping

from hfecs.errors import ConfigurationInvalid
from hfecs.messaging.url import AmqpUrl

Environment = Mapping[str, str]


def required(environ: Environment, name: str) -> str:
    """The value of a variable that must exist and not be empty."""
    value = environ.get(name, "").strip()
    if not value:
        raise ConfigurationInvalid(f"The environment variable {name} is missing.", f"set {name} for this container")
    return value


def optional(environ: Environment, name: str, default: str) -> str:
    """The value of a variable, or the default if it is missing or empty."""
    return environ.get(name, "").strip() or default


def positive_integer(environ: Environment, name: str, default: int) -> int:
    """The whole number, 1 or more, in a variable."""
    text = optional(environ, name, str(default))
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise ConfigurationInvalid(f"{name} is {text!r}, not a whole number of 1 or more.", f"correct {name}")
    return int(text)


def seconds(environ: Environment, name: str, default: float) -> float:
    """The seconds, 0 or more, in a variable."""
    text = optional(environ, name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ConfigurationInvalid(f"{name} is {text!r}, not a number of seconds.", f"correct {name}")
    return value


def broker_url(environ: Environment) -> str:
    """The broker's URL with credentials: AMQP_URL's own, otherwise AMQP_USER and AMQP_PASSWORD."""
    text = required(environ, "AMQP_URL")
    url = AmqpUrl.parse(text)
    if not url.is_usable:
        raise ConfigurationInvalid(f"AMQP_URL is {str(url.without_account())!r}.", "it looks like amqp://HOST:PORT")
    user = environ.get("AMQP_USER", "")
    if url.has_account or not user:
        return text
    return str(url.with_account(user, environ.get("AMQP_PASSWORD", "")))
