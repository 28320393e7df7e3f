"""Whether a policy allows a call to AWS: its actions, the resources that it names, the conditions that it sets.

moto's own checks would not do: they take `*` for the resource of nearly every call, and look at no condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import ClientError

from support import REGION, WatchedCloud

ACCOUNT = "123456789012"
ROLES = f"arn:aws:iam::{ACCOUNT}:role/hfecs/hyperflow/"
PREFIXES = {"resourcegroupstaggingapi": "tag", "service-quotas": "servicequotas"}
SERVICES = (
    "application-autoscaling",
    "autoscaling",
    "cloudwatch",
    "ec2",
    "ecr",
    "ecs",
    "iam",
    "logs",
    "s3",
    "service-quotas",
    "ssm",
    "sts",
    "resourcegroupstaggingapi",
)
# S3 names many actions otherwise than its calls; the second says whether they are about an object.
S3: dict[str, tuple[list[str], bool]] = {
    "AbortMultipartUpload": (["AbortMultipartUpload"], True),
    "CompleteMultipartUpload": (["PutObject"], True),
    "CreateMultipartUpload": (["PutObject"], True),
    "DeleteObjects": (["DeleteObject", "DeleteObjectVersion"], True),
    "GetBucketEncryption": (["GetEncryptionConfiguration"], False),
    "GetObject": (["GetObject"], True),
    "GetPublicAccessBlock": (["GetBucketPublicAccessBlock"], False),
    "HeadBucket": (["ListBucket"], False),
    "HeadObject": (["GetObject"], True),
    "ListMultipartUploads": (["ListBucketMultipartUploads"], False),
    "ListObjectVersions": (["ListBucketVersions"], False),
    "ListObjectsV2": (["ListBucket"], False),
    "PutBucketEncryption": (["PutEncryptionConfiguration"], False),
    "PutObject": (["PutObject"], True),
    "PutPublicAccessBlock": (["PutBucketPublicAccessBlock"], False),
    "UploadPart": (["PutObject"], True),
}
# What else a call needs that gives tags to what it makes.
TAGGING = {
    "autoscaling": "CreateOrUpdateTags",
    "cloudwatch": "TagResource",
    "ec2": "CreateTags",
    "ecr": "TagResource",
    "ecs": "TagResource",
    "logs": "TagResource",
    "s3": "TagResource",
    "ssm": "AddTagsToResource",
}
TAGS = ("Tags", "tags", "TagSpecifications")


@dataclass(frozen=True)
class Need:
    """An action on a resource; `*` is all of them."""

    action: str
    resource: str = "*"
    context: tuple[tuple[str, str], ...] = ()


@dataclass
class Permissions:
    """A policy, what was done under it, and what it refused."""

    policy: Any
    used: set[str] = field(default_factory=set)
    refused: list[Need] = field(default_factory=list)
    enforced: bool = True

    def allows(self, need: Need) -> bool:
        """Whether a statement allows it."""
        return any(_covers(statement, need) for statement in self.policy["Statement"])

    def check(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Refuse a call as AWS would."""
        if not self.enforced:
            return
        for need in needs(str(model.service_model.service_name), str(model.name), params):
            self.used.add(need.action)
            if not self.allows(need):
                self.refused.append(need)
                message = f"not authorized to perform {need.action} on {need.resource}"
                raise ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, model.name)

    @contextmanager
    def over(self, cloud: WatchedCloud) -> Iterator[Permissions]:
        """Let all clients of a cloud have these permissions and no others."""
        events = [cloud.client(service).meta.events for service in SERVICES]
        for event in events:
            event.register("provide-client-params", self.check, unique_id="permissions")
        try:
            yield self
        finally:
            for event in events:
                event.unregister("provide-client-params", unique_id="permissions")

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """What happens meanwhile others do."""
        self.enforced = False
        yield
        self.enforced = True


def needs(service: str, operation: str, params: dict[str, Any]) -> Iterator[Need]:
    """What a call needs."""
    prefix = PREFIXES.get(service, service)
    if service == "s3":
        names, of_object = S3.get(operation, ([operation], False))
        bucket = f"arn:aws:s3:::{params['Bucket']}" + ("/key" if of_object else "")
        yield from (Need(f"s3:{name}", bucket) for name in names)
    else:
        yield Need(f"{prefix}:{operation}", _resource(service, params))
    if any(params.get(name) for name in TAGS) or params.get("CreateBucketConfiguration", {}).get("Tags"):
        action = f"Tag{operation.removeprefix('Create')}" if service == "iam" else TAGGING[service]
        yield Need(f"{prefix}:{action}", _resource(service, params))
    yield from _roles_handed_on(operation, params)


def _roles_handed_on(operation: str, params: dict[str, Any]) -> Iterator[Need]:
    if operation in ("RunInstances", "CreateAutoScalingGroup") and params.get("IamInstanceProfile", True):
        yield Need("iam:PassRole", f"{ROLES}machine", (("iam:PassedToService", "ec2.amazonaws.com"),))
    for key in ("executionRoleArn", "taskRoleArn"):
        if params.get(key):
            yield Need("iam:PassRole", params[key], (("iam:PassedToService", "ecs-tasks.amazonaws.com"),))


# What a call of a service names, and how AWS writes it; the first that is named counts.
RESOURCES = {
    "iam": {
        "AWSServiceName": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{{}}/any",
        "InstanceProfileName": f"arn:aws:iam::{ACCOUNT}:instance-profile/hfecs/hyperflow/{{}}",
        "RoleName": f"{ROLES}{{}}",
    },
    "ssm": dict.fromkeys(("Name", "ResourceId"), f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{{}}"),
    "logs": {"logGroupName": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}", "resourceArn": "{}"},
    "ecr": {"repositoryName": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{{}}"},
}


def _resource(service: str, params: dict[str, Any]) -> str:
    if str(params.get("Name", "")).startswith("/aws/"):
        return f"arn:aws:ssm:{REGION}::parameter{params['Name']}"
    named = [form.format(params[name]) for name, form in RESOURCES.get(service, {}).items() if name in params]
    return named[0] if named else "*"


def _covers(statement: Any, need: Need) -> bool:
    if statement["Effect"] != "Allow" or need.action not in _listed(statement["Action"]):
        return False
    if not any(fnmatchcase(need.resource, pattern) for pattern in _listed(statement["Resource"])):
        return False
    wanted = statement.get("Condition", {}).get("StringEquals", {})
    known = dict(need.context)
    return all(known.get(key) in _listed(values) for key, values in wanted.items())


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
