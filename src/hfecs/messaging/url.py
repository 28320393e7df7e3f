"""AMQP URLs: the parts of a broker's address, and RabbitMQ's defaults for missing ones."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

PORTS = {"amqp": 5672, "amqps": 5671}
"""The schemes and their ports."""

GUEST = "guest"
"""RabbitMQ's default user, and its password."""


@dataclass(frozen=True)
class AmqpUrl:
    """A parsed AMQP URL."""

    parts: SplitResult

    @classmethod
    def parse(cls, text: str) -> AmqpUrl:
        """Parse a URL; ValueError if it is not one."""
        return cls(urlsplit(text))

    def __str__(self) -> str:
        return self.parts.geturl()

    @property
    def is_usable(self) -> bool:
        """Whether it has an AMQP scheme and a host."""
        return self.parts.scheme in PORTS and bool(self.parts.hostname)

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.parts.scheme == "amqps"

    @property
    def host(self) -> str:
        """The host's name or address."""
        return self.parts.hostname or ""

    @property
    def port(self) -> int:
        """The port; the scheme's own by default."""
        return self.parts.port or PORTS["amqps" if self.tls else "amqp"]

    @property
    def has_account(self) -> bool:
        """Whether the URL itself names a user."""
        return self.parts.username is not None

    @property
    def user(self) -> str:
        """The user in the URL; empty if there is none."""
        return unquote(self.parts.username or "")

    @property
    def password(self) -> str:
        """The password in the URL; empty if there is none."""
        return unquote(self.parts.password or "")

    @property
    def login(self) -> tuple[str, str]:
        """The user and password to log in with: those in the URL, or RabbitMQ's guest."""
        return self.user or GUEST, self.password or GUEST

    @property
    def virtual_host(self) -> str:
        """The virtual host; "/" by default."""
        return unquote(self.parts.path[1:]) or "/"

    @property
    def options(self) -> dict[str, str]:
        """The options in the query, such as `heartbeat`; the last one if given twice."""
        return {name: values[-1] for name, values in parse_qs(self.parts.query).items()}

    def without_account(self) -> AmqpUrl:
        """The URL without credentials, safe to log."""
        return self._at(self.parts.netloc.rpartition("@")[2])

    def with_account(self, user: str, password: str) -> AmqpUrl:
        """The URL with this user and password instead of its own; an empty user means none."""
        account = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
        return self._at(account + self.parts.netloc.rpartition("@")[2])

    def at(self, host: str) -> AmqpUrl:
        """The URL with another host and without credentials."""
        return self._at(f"{host}:{self.parts.port}" if self.parts.port else host)

    def _at(self, netloc: str) -> AmqpUrl:
        return AmqpUrl(self.parts._replace(netloc=netloc))
