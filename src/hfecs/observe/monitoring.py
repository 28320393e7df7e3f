"""The monitoring as the user sees it: the addresses of its parts, and who may log in."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import build_opener

from hfecs.blueprints.metrics import DATABASE, MONITORING, WRITER, WRITER_PASSWORD
from hfecs.blueprints.monitoring import ADMIN, ADMIN_PASSWORD, GRAFANA_PASSWORD, READER, READER_PASSWORD
from hfecs.config import Config
from hfecs.errors import Misused
from hfecs.parallel import together
from hfecs.provisioning.resource import Existing
from hfecs.provisioning.stack import Stack
from hfecs.resources import instance, parameter

# Part, health check path, accounts: user, secret, rights.
ACCOUNTS = (
    ("Grafana", ADMIN, GRAFANA_PASSWORD, "everything"),
    ("InfluxDB", ADMIN, ADMIN_PASSWORD, "everything"),
    ("InfluxDB", WRITER, WRITER_PASSWORD, f"write {DATABASE}"),
    ("InfluxDB", READER, READER_PASSWORD, f"read {DATABASE}"),
)
HIDDEN = "hidden; use --show-passwords"
ANSWER_SECONDS = 3.0
SILENT = "does not answer"
# Characters to show of a part's answer if it is not healthy.
SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class Part:
    """A program on the monitoring machine: its name, address and state."""

    part: str
    address: str
    state: str


@dataclass(frozen=True)
class Account:
    """Who may log in where, with which rights."""

    part: str
    user: str
    password: str
    may: str


@dataclass(frozen=True)
class View:
    """The monitoring of a cluster; without a machine there is none."""

    cluster: str
    machine: str
    parts: list[Part]
    accounts: list[Account]

    def as_dict(self) -> dict[str, Any]:
        """The data of `--json`."""
        return asdict(self)

    def part_rows(self) -> list[list[str]]:
        """Part, address, state."""
        return [list(asdict(part).values()) for part in self.parts]

    def account_rows(self) -> list[list[str]]:
        """Part, user, password, rights."""
        return [list(asdict(account).values()) for account in self.accounts]


def look(stack: Stack, config: Config, *, with_passwords: bool) -> View:
    """Check the health of the parts; read the passwords only if requested."""
    machine = _machine(stack)
    if not machine:
        return View(stack.cluster, "", [], [])
    grafana, influxdb = _address(machine, config.ports.grafana), _address(machine, config.ports.influxdb)
    states = together(partial(_state, stack, f"{grafana}/api/health"), partial(_state, stack, f"{influxdb}/ping"))
    secrets = together(*[partial(_password, stack, secret, with_passwords) for _, _, secret, _ in ACCOUNTS])
    parts = [Part("Grafana", grafana, states[0]), Part("InfluxDB", influxdb, states[1])]
    accounts = [
        Account(part, user, password, may) for (part, user, _, may), password in zip(ACCOUNTS, secrets, strict=True)
    ]
    return View(stack.cluster, machine.id, parts, accounts)


def grafana(stack: Stack, config: Config) -> str:
    """The address of Grafana; Misused if there is no monitoring."""
    machine = _machine(stack)
    if not machine:
        raise Misused(f"Cluster {stack.cluster} has no monitoring.", hint="create it: hfecs monitoring up")
    return _address(machine, config.ports.grafana)


def grafana_answers(stack: Stack, config: Config) -> bool:
    """Whether Grafana answers on its port, be it that it is not healthy yet."""
    return not _state(stack, f"{grafana(stack, config)}/api/health").startswith(SILENT)


def _machine(stack: Stack) -> Existing | None:
    return stack.found(instance.KIND, MONITORING, instance.survey)


def _address(machine: Existing, port: int) -> str:
    return f"http://{machine.actual.get('PublicIpAddress') or machine.actual['PrivateIpAddress']}:{port}"


def _password(stack: Stack, secret: str, wanted: bool) -> str:
    return parameter.read(stack, secret) if wanted else HIDDEN


def _state(stack: Stack, address: str) -> str:
    try:
        stack.cloud.believe(urlsplit(address).hostname or "")
        with build_opener().open(address, timeout=ANSWER_SECONDS):
            return "answers"
    except HTTPError as error:
        return error.read(SHOWN_CHARACTERS).decode(errors="replace").strip() or str(error)
    except (OSError, HTTPException) as error:
        return f"{SILENT} ({getattr(error, 'reason', error)}); a new machine needs a minute or two to boot"
