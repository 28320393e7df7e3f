"""moto as the tests need it: what it works out anew at each request and each start is kept, what it lacks is added.

Loading it takes more than a second: a fixture that needs it imports this module in its body, so that the tests of a
file that needs no AWS start without it.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import moto.core.models
import moto.core.responses
import moto.kms.models
import pytest
from moto import mock_aws
from moto.core.base_backend import BaseBackend
from moto.core.botocore_stubber import BotocoreStubber
from moto.ec2.models.amis import AMIS
from moto.ec2.models.instance_types import InstanceTypeBackend, InstanceTypeOfferingBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.server import ThreadedMotoServer
from moto.ssm.utils import convert_to_params
from moto.utilities.utils import load_resource

_find_urls: Any = vars(BaseBackend)["urls"].fget
_find_offerings: Any = InstanceTypeOfferingBackend.describe_instance_type_offerings


@contextmanager
def empty_aws() -> Iterator[None]:
    """An AWS in this process; it is emptied at the end."""
    cloud = mock_aws()
    cloud.start(reset=False)
    yield
    cloud.stop()


@contextmanager
def aws_server() -> Iterator[str]:
    """The address of a server that stands in for AWS."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def mend_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    """What moto does not know: many threads at a time, and conditions in a policy (its calls count as TLS)."""
    one_at_a_time, answer = threading.RLock(), BotocoreStubber.process_request
    permitted = IAMPolicyStatement.is_action_permitted

    def process_request(self: BotocoreStubber, request: Any) -> Any:
        with one_at_a_time:
            return answer(self, request)

    def is_action_permitted(self: Any, *arguments: Any, **options: Any) -> Any:
        if "aws:SecureTransport" in str(self._statement.get("Condition")):
            return PermissionResult.NEUTRAL
        return permitted(self, *arguments, **options)

    monkeypatch.setattr(BotocoreStubber, "process_request", process_request)
    monkeypatch.setattr(IAMPolicyStatement, "is_action_permitted", is_action_permitted)


def shrink_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few images and parameters, and no waiting for the disk: all that takes most of the time."""
    monkeypatch.setattr("moto.ssm.models.load_resource", lambda path: path)
    monkeypatch.setattr("moto.ssm.models.convert_to_params", _some_parameters)
    monkeypatch.setattr("moto.ec2.models.amis.AMIS", AMIS[:4])
    monkeypatch.setenv("MOTO_AMIS_PATH", "of its own")
    monkeypatch.setattr(os, "fsync", lambda file: None)


@functools.cache
def _some_parameters(path: str) -> Any:
    """Of moto's thousands of parameters, those with the images that a cluster asks for; read once."""
    return [
        parameter
        for parameter in convert_to_params(load_resource(path))
        if "2023/" in parameter["Name"] and "recommended" in parameter["Name"]
    ]


def _quicken_moto() -> None:
    """Let moto look up once what is the same each time."""
    urls: dict[type, Any] = {}
    offerings: dict[str, Any] = {}

    def urls_of(backend: BaseBackend) -> Any:
        """The addresses of a service, with what answers there."""
        if type(backend) not in urls:
            urls[type(backend)] = _find_urls(backend)
        return urls[type(backend)]

    def offerings_of(backend: Any, location_type: str | None = None, filters: Any = None) -> Any:
        """The thousands of types of machines, filtered."""
        question = repr((backend.region_name, location_type, filters))
        if question not in offerings:
            offerings[question] = _find_offerings(backend, location_type, filters)
        return offerings[question]

    _replace(moto.core.responses, "method_names_from_class", functools.cache)
    # Nobody encrypts with these keys, and each of them takes a twentieth of a second.
    _replace(moto.kms.models, "generate_private_key", functools.cache)
    setattr(BaseBackend, "urls", property(urls_of))  # noqa: B010
    setattr(InstanceTypeOfferingBackend, "describe_instance_type_offerings", offerings_of)  # noqa: B010
    # Thousands of patterns at each start, for the `requests` library: botocore does not use it.
    setattr(moto.core.models, "RESPONSES_METHODS", [])  # noqa: B010


def _replace(module: Any, name: str, wrapper: Any) -> None:
    setattr(module, name, wrapper(getattr(module, name)))


def _open_an_old_account() -> None:
    """An account of before July 2025: t2.micro is free, which moto knows of newer accounts only for t3.micro."""
    for machine in InstanceTypeBackend.instance_types:
        machine["FreeTierEligible"] = machine.name == "t2.micro"


def _open_default_networks() -> None:
    """A default VPC has an internet gateway and a route to it, as on AWS."""
    create = VPCBackend.create_default_vpc

    def create_default_vpc(backend: Any) -> Any:
        vpc = create(backend)
        gateway = backend.create_internet_gateway()
        backend.attach_internet_gateway(gateway.id, vpc.id)
        tables = backend.describe_route_tables(filters={"vpc-id": [vpc.id], "association.main": ["true"]})
        backend.create_route(tables[0].id, "0.0.0.0/0", gateway_id=gateway.id)
        return vpc

    setattr(VPCBackend, "create_default_vpc", create_default_vpc)  # noqa: B010


_quicken_moto()
_open_default_networks()
_open_an_old_account()
