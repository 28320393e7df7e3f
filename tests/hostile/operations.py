"""Which operation a request asks for, and on what."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

READING = ("Describe", "Get", "List", "Head", "Filter")
# Where requests name what they are about, the telling ones first.
NAMES = (
    "PolicyName",
    "RoleName",
    "policyName",
    "serviceName",
    "service",
    "family",
    "taskDefinition",
    "clusterName",
    "task",
    "containerInstance",
    "cluster",
    "logGroupName",
    "AlarmName",
    "AlarmNames.member.1",
    "InstanceProfileName",
    "AWSServiceName",
    "GroupName",
    "GroupId",
    "LaunchTemplateName",
    "LaunchTemplateId",
    "AutoScalingGroupName",
    "InstanceId.1",
    "ResourceId",
    "Name",
)

RANDOM = re.compile(
    r"\b(?:i|sg|lt)-[0-9a-f]{17}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b"
    r"|\d{8}-\d{6}-[0-9a-f]{4}|(?<=\w):\d+$"
)


@dataclass(frozen=True)
class Operation:
    """An operation as AWS names it, and what it is about as far as that can be told."""

    name: str
    what: str = ""

    @property
    def changing(self) -> bool:
        """Whether it changes something."""
        return not self.name.startswith(READING)


def operation_of(environ: Mapping[str, Any], body: bytes) -> Operation:
    """Read it from the request; of S3 as in `Put bucket?policy`."""
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return Operation(target.rpartition(".")[2], _named(json.loads(body or b"{}")))
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        return Operation(form.get("Action", "unknown"), _named(form))
    path = str(environ["PATH_INFO"])
    if "/operation/" in path:
        return Operation(path.rpartition("/")[2])
    return _of_s3(str(environ["REQUEST_METHOD"]), path, str(environ.get("QUERY_STRING", "")))


def _named(parameters: Mapping[str, Any]) -> str:
    tags = {
        parameters[f"{key.removesuffix('.Key')}.Value"]
        for key, value in parameters.items()
        if key.startswith("TagSpecification.1.Tag.") and value == "hfecs:name"
    }
    named = [str(parameters[name]) for name in NAMES if parameters.get(name)]
    return _without_ids(next(iter([*named, *sorted(tags)]), ""))


def _without_ids(name: str) -> str:
    """The name in an ARN, without what is random in it; nothing of a mere id."""
    name = name.rpartition("/")[2] if name.startswith("arn:") else name
    return RANDOM.sub("", name).rstrip(":-")


def _of_s3(method: str, path: str, query: str) -> Operation:
    bucket, _, key = path.strip("/").partition("/")
    part = query.partition("&")[0].partition("=")[0]
    what = "Object" if key else "Bucket" if bucket else "Buckets"
    part = "" if part.startswith("x-") else part
    key = re.sub(r"^runs/[^/]+/", "runs/RUN/", re.sub(r"^files/[0-9a-f]+(-[0-9]+)?/", "files/TAG/", key))
    return Operation(f"{method.capitalize()}{what}{part.capitalize()}", key or bucket)
