"""Reading settings from the environment, with plain errors for values that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from hfecs.errors import ConfigurationInvalid

Environment = Mapping[str, str]


def required(environ: Environment, name: str) -> str:
    """The value of a variable that must be there and not empty."""
    value = environ.get(name, "").strip()
    if not value:
        raise ConfigurationInvalid(f"The environment variable {name} is missing.", f"set {name} for this container")
    return value


def optional(environ: Environment, name: str, default: str) -> str:
    """The value of a variable, or the default where it is missing or empty."""
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
    """The broker's address with the account in it: AMQP_URL's own, else AMQP_USER and AMQP_PASSWORD."""
    url = required(environ, "AMQP_URL")
    parts = urlsplit(url)
    if parts.scheme not in {"amqp", "amqps"} or not parts.hostname:
        raise ConfigurationInvalid(f"AMQP_URL is {without_password(url)!r}.", "it looks like amqp://HOST:PORT")
    user = environ.get("AMQP_USER", "")
    if parts.username is not None or not user:
        return url
    account = f"{quote(user, safe='')}:{quote(environ.get('AMQP_PASSWORD', ''), safe='')}"
    return parts._replace(netloc=f"{account}@{parts.netloc}").geturl()


def account(url: str) -> tuple[str, str]:
    """The user and password in a broker's address; RabbitMQ's own guest where there is none."""
    parts = urlsplit(url)
    return unquote(parts.username or "guest"), unquote(parts.password or "guest")


def virtual_host(url: str) -> str:
    """The virtual host in a broker's address; RabbitMQ's own where there is none."""
    return unquote(urlsplit(url).path[1:]) or "/"


def without_password(url: str) -> str:
    """A broker's address as it may stand in a log."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
