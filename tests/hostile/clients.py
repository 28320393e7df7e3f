"""Clients that are opened once in a process and can be pointed at one stand-in after the other."""

from __future__ import annotations

import os
from typing import Any

import boto3
from botocore.config import Config

from hfecs.aws.clients import MAX_ATTEMPTS, Cloud
from support import KEYS, REGION

SERVICES = (
    *("application-autoscaling", "autoscaling", "cloudwatch", "ec2", "ecr", "ecs", "iam", "logs"),
    *("resourcegroupstaggingapi", "s3", "service-quotas", "ssm", "sts"),
)
NOWHERE = "http://127.0.0.1:1"


class Clients:
    """A client of each service; `url` says where they call."""

    def __init__(self, attempts: int = MAX_ATTEMPTS) -> None:
        self.url = NOWHERE
        self._attempts = attempts
        session: Any = boto3.Session(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
        self._clients = {service: self._open(session, service) for service in SERVICES}

    def of(self, service: str) -> Any:
        """The client of a service."""
        return self._clients[service]

    def _open(self, session: Any, service: str) -> Any:
        config = Config(retries={"mode": "standard", "max_attempts": self._attempts}, s3={"addressing_style": "path"})
        client = session.client(service, endpoint_url=NOWHERE, config=config)
        client.meta.events.register("before-send", self._direct)
        client.can_paginate(next(iter(client.meta.method_to_api_mapping)))
        return client

    def _direct(self, request: Any, **_: Any) -> None:
        """Send the request where they call now, with the pid of this process."""
        request.url = request.url.replace(NOWHERE, self.url)
        request.headers["X-Client"] = str(os.getpid())


class DirectedCloud(Cloud):
    """A cloud over such clients."""

    def __init__(self, clients: Clients) -> None:
        super().__init__(region=REGION, endpoint_url=NOWHERE, environment=KEYS)
        self.clients = clients

    def client(self, service: str) -> Any:
        return self.clients.of(service)
