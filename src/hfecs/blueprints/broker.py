"""Which broker the parts of a cluster use, and the secrets that their containers get."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hfecs.config import Config
from hfecs.messaging.url import AmqpUrl
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.teardown import absent
from hfecs.resources import instance, parameter, task_definition

# The account on the broker of the master machine.
USER = "hyperflow"
# Names of secrets; the first is random, the others are the user's own.
PASSWORD = "broker-password"
OWN_PASSWORD = "amqp-password"
# Not boto3's own variables: these keys are for S3, and everything else is signed with the role.
ACCESS_KEYS = {"S3_ACCESS_KEY_ID": "access-key", "S3_SECRET_ACCESS_KEY": "secret-access-key"}
# The variables of clusters of earlier versions.
EARLIER_ACCESS_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
# How the names of secrets begin that one run has for itself.
SECRETS_OF_RUNS = "run-"
# Default port of RabbitMQ's management API.
MANAGEMENT_PORT = 15672


@dataclass(frozen=True)
class Broker:
    """URLs without credentials, the user, and the ARN of the password."""

    amqp_url: str
    management_url: str
    user: str
    password: str

    @property
    def host(self) -> str:
        """The host's name or address."""
        return AmqpUrl.parse(self.amqp_url).host

    def at(self, host: str) -> Broker:
        """The same broker by another address."""
        return replace(self, amqp_url=str(AmqpUrl.parse(self.amqp_url).at(host)))

    def with_account(self, password: str) -> str:
        """The URL with the account in it; for a connection of this process only."""
        return str(AmqpUrl.parse(self.amqp_url).with_account(self.user, password))

    def values(self) -> dict[str, str]:
        """Values for the templates of task definitions."""
        return {"amqp_url": self.amqp_url, "user": self.user, "password": self.password}


def of_master(config: Config, address: str, password: str) -> Broker:
    """The broker on the master machine at that address."""
    ports = config.ports
    return Broker(f"amqp://{address}:{ports.amqp}", f"http://{address}:{ports.management}", USER, password)


def own(config: Config, password: str) -> Broker | None:
    """The user's own broker, if configured."""
    if config.broker.amqp_url is None:
        return None
    url = AmqpUrl.parse(config.broker.amqp_url.get_secret_value())
    management = config.broker.management_url or f"http://{url.host}:{MANAGEMENT_PORT}"
    return Broker(str(url.without_account()), management, url.user, password)


def of_task(definition: Any) -> Broker:
    """The broker used by the containers of a registered task definition."""
    container = definition["containerDefinitions"][0]
    environment = {pair["name"]: pair["value"] for pair in container["environment"]}
    secrets = {pair["name"]: pair["valueFrom"] for pair in container["secrets"]}
    return Broker(environment["AMQP_URL"], "", environment["AMQP_USER"], secrets["AMQP_PASSWORD"])


def for_people(stack: Stack, config: Config) -> str:
    """The URL with credentials by which this machine reaches the broker of an existing cluster.

    OSError if the address of its machine is not to be believed.
    """
    if config.broker.amqp_url:
        return config.broker.amqp_url.get_secret_value()
    definition = task_definition.registered(stack, "worker")
    master = instance.public_address(stack, "master")
    if definition is None:
        return of_master(config, stack.cloud.believe(master), "").with_account(parameter.read(stack, PASSWORD))
    used, found = of_task(definition), stack.found(instance.KIND, "master", instance.survey)
    private = found.actual["PrivateIpAddress"] if found else ""
    password = parameter.read(stack, used.password.rpartition("/")[2])
    host = stack.cloud.believe(master) if used.host == private else used.host
    return used.at(host).with_account(password)


def password_of(config: Config) -> str:
    """The password of the user's own broker; empty if it has none."""
    url = config.broker.amqp_url
    return AmqpUrl.parse(url.get_secret_value()).password if url else ""


def lay_password(stack: Stack, config: Config) -> str:
    """Create the secret with the broker's password, the user's own or ours; return its ARN."""
    given = password_of(config)
    ours = parameter.ensure(stack, PASSWORD)
    return parameter.ensure(stack, OWN_PASSWORD, value=given) if given else ours


def lay_access_keys(stack: Stack, config: Config) -> list[dict[str, str]]:
    """Create the secrets with the user's S3 keys; return them in the form of a container's secrets. None: use roles."""
    keys = (config.aws.task_access_key, config.aws.task_secret_access_key)
    return [
        {"name": variable, "valueFrom": parameter.ensure(stack, name, value=key.get_secret_value())}
        for (variable, name), key in zip(ACCESS_KEYS.items(), keys, strict=True)
        if key
    ]


def drop_unused(stack: Stack, config: Config) -> None:
    """Delete the secrets that are no longer configured, once no service refers to them."""
    if not password_of(config):
        absent(stack, parameter, OWN_PASSWORD)
    if not config.aws.task_access_key:
        for name in ACCESS_KEYS.values():
            absent(stack, parameter, name)


def access_keys_of(definition: Any) -> list[dict[str, str]]:
    """The S3 key secrets of a registered task definition."""
    names = {*ACCESS_KEYS, *EARLIER_ACCESS_KEYS}
    return [pair for pair in definition["containerDefinitions"][0]["secrets"] if pair["name"] in names]
