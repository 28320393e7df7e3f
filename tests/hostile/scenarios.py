"""A hostile AWS, as data: what is answered how often, and how the commands end. A new row costs one line.

A scenario is a list of (operation, behaviour, count). moto answers what no behaviour answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import MockRawResponse

from support import WatchedCloud

FOR_EVER = 1_000_000
NOWHERE = "http://throttled.invalid/"
WELL = ""


@dataclass(frozen=True)
class Says:
    """AWS answers with this error; botocore does not repeat the call."""

    code: str
    message: str = ""

    @property
    def parsed(self) -> tuple[AWSResponse, Any]:
        error = {"Error": {"Code": self.code, "Message": self.message}, "ResponseMetadata": {}}
        return AWSResponse("", 400, HTTPHeaders(), None), error


@dataclass(frozen=True)
class Shows:
    """AWS answers with this: something is not visible yet, still there, or not as it should be."""

    answer: dict[str, Any]

    @property
    def parsed(self) -> tuple[AWSResponse, Any]:
        return AWSResponse("", 200, HTTPHeaders(), None), self.answer


@dataclass(frozen=True)
class Throttles:
    """AWS refuses on the wire, so that botocore repeats the call."""

    code: str
    status: int = 400

    def response(self, service: str) -> AWSResponse:
        xml = f"<Response><Errors><Error><Code>{self.code}</Code><Message>slow</Message></Error></Errors></Response>"
        if service in ("iam", "autoscaling"):
            xml = f"<ErrorResponse><Error><Code>{self.code}</Code><Message>slow</Message></Error></ErrorResponse>"
        body = xml if service in ("ec2", "iam", "autoscaling") else f'{{"__type": "{self.code}", "message": "slow"}}'
        return AWSResponse("", self.status, HTTPHeaders(), MockRawResponse(body.encode()))


Behaviour = Says | Shows | Throttles


@dataclass(frozen=True)
class Scenario:
    """A row of the reference or several, what AWS does, and how the commands end: WELL, or with these words."""

    rows: tuple[int, ...]
    name: str
    does: tuple[tuple[str, Behaviour, int], ...]
    ends: str = WELL
    code: int = 1
    instances: str = "alarms"


PROFILE = Says(
    "InvalidParameterValue",
    "Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
)
TEMPLATE = Says("ValidationError", "You must use a valid fully-formed launch template. Invalid IAM Instance Profile")
SERVICE_ROLE = Says("InvalidParameterException", "Unable to assume the service linked role.")
DENIED = Says("AccessDeniedException", "User x is not authorized to perform: ecs:CreateCluster")
MISSING = "docs/iam-policy.json lists the permissions"
QUOTA = "Running On-Demand Standard instances"
PROVIDER = "capacity-provider"
AGAIN = "log in again"

SCENARIOS = [
    Scenario((1,), "EC2 throttles", (("RunInstances", Throttles("RequestLimitExceeded", 503), 3),)),
    Scenario((1,), "ECS throttles", (("CreateService", Throttles("ThrottlingException"), 3),)),
    Scenario((1,), "IAM throttles", (("CreateRole", Throttles("Throttling"), 4),)),
    Scenario(
        (1,),
        "everything throttles for long",
        (("RunInstances", Throttles("RequestLimitExceeded", 503), FOR_EVER),),
        "RequestLimitExceeded",
    ),
    Scenario((4,), "a right is missing in ECS", (("CreateCluster", DENIED, FOR_EVER),), MISSING),
    Scenario(
        (4,),
        "a right is missing in EC2",
        (("RunInstances", Says("UnauthorizedOperation", "not authorized"), FOR_EVER),),
        MISSING,
    ),
    Scenario(
        (4,), "a right is missing in IAM", (("CreateRole", Says("AccessDenied", "not authorized"), FOR_EVER),), MISSING
    ),
    Scenario(
        (5,),
        "credentials expire in the middle of up",
        (("CreateAutoScalingGroup", Says("ExpiredToken"), FOR_EVER),),
        AGAIN,
        code=2,
    ),
    Scenario(
        (5,),
        "credentials expire in the middle of destroy",
        (("DeleteService", Says("ExpiredTokenException"), FOR_EVER),),
        "ExpiredTokenException",
        code=2,
    ),
    Scenario(
        (5,),
        "the key is unknown",
        (("DescribeSecurityGroups", Says("InvalidClientTokenId"), FOR_EVER),),
        "check the access key",
        code=2,
    ),
    Scenario((12,), "EC2 does not see the profile", (("RunInstances", PROFILE, 4),)),
    Scenario(
        (12,),
        "EC2 sees the profile without its role",
        (("RunInstances", Says("InvalidParameterValue", "x has no associated IAM Roles"), 4),),
    ),
    Scenario((14,), "Auto Scaling does not see the profile", (("CreateAutoScalingGroup", TEMPLATE, 4),)),
    Scenario(
        (15,),
        "IAM does not see the role",
        (("AddRoleToInstanceProfile", Says("NoSuchEntity", "The role with name x cannot be found"), 3),),
    ),
    Scenario(
        (16,),
        "IAM does not know the principal",
        (("CreateRole", Says("MalformedPolicyDocument", "Invalid principal in policy"), 3),),
    ),
    Scenario(
        (20,),
        "service-linked roles exist",
        (("CreateServiceLinkedRole", Says("InvalidInput", "x has been taken in this account"), FOR_EVER),),
    ),
    Scenario((21,), "a role is still in use", (("DeleteRole", Says("DeleteConflict"), 4),)),
    Scenario((23,), "no default VPC", (("DescribeVpcs", Shows({"Vpcs": []}), FOR_EVER),), "network.vpc_id", 2),
    Scenario(
        (24,),
        "a new security group is not visible",
        (("AuthorizeSecurityGroupIngress", Says("InvalidGroup.NotFound"), 3),),
    ),
    Scenario(
        (29,),
        "a security group is in use",
        (("DeleteSecurityGroup", Says("DependencyViolation", "has a dependent object"), 20),),
    ),
    Scenario(
        (29,),
        "a security group stays in use",
        (("DeleteSecurityGroup", Says("DependencyViolation", "has a dependent object"), FOR_EVER),),
        "Not everything could be removed",
    ),
    Scenario(
        (32,),
        "a zone does not have the type",
        (("RunInstances", Says("Unsupported", "not supported in your requested Availability Zone"), FOR_EVER),),
        "cluster.instance_type",
    ),
    Scenario((33,), "the quota of processors", (("RunInstances", Says("VcpuLimitExceeded"), FOR_EVER),), QUOTA),
    Scenario(
        (33,), "no capacity", (("RunInstances", Says("InsufficientInstanceCapacity"), FOR_EVER),), "try again later"
    ),
    Scenario(
        (35,),
        "a machine is not visible when it is ended",
        (("TerminateInstances", Says("InvalidInstanceID.NotFound"), 3),),
    ),
    Scenario(
        (50,),
        "the role of Auto Scaling is being made",
        (("CreateAutoScalingGroup", Says("ServiceLinkedRoleFailure"), 3),),
    ),
    Scenario((52,), "Auto Scaling is busy", (("PutScalingPolicy", Says("ResourceContention"), 1),)),
    Scenario((53,), "a group is being changed", (("DeleteAutoScalingGroup", Says("ScalingActivityInProgress"), 5),)),
    Scenario(
        (58,), "the role of ECS is being made", (("CreateCluster", SERVICE_ROLE, 5), ("CreateService", SERVICE_ROLE, 3))
    ),
    Scenario((60,), "ECS does not see the cluster", (("CreateService", Says("ClusterNotFoundException"), 3),)),
    Scenario(
        (62,),
        "the old service is still draining",
        (
            (
                "CreateService",
                Says("InvalidParameterException", "Unable to Start a service that is still Draining."),
                30,
            ),
        ),
    ),
    Scenario(
        (71,),
        "a deployment is active",
        (("DeleteService", Says("InvalidParameterException", "cannot be stopped while deployments are active."), 5),),
    ),
    Scenario(
        (72,),
        "machines are still in the cluster",
        (("DeleteCluster", Says("ClusterContainsContainerInstancesException"), 20),),
    ),
    Scenario((72,), "tasks are still in the cluster", (("DeleteCluster", Says("ClusterContainsTasksException"), 20),)),
    Scenario(
        (72, 100),
        "capacity providers are still in the cluster",
        (("DeleteCluster", Says("ClusterContainsCapacityProviderException"), 20),),
        instances=PROVIDER,
    ),
    Scenario(
        (59, 100),
        "the providers of the cluster are being changed",
        (("PutClusterCapacityProviders", Says("UpdateInProgressException"), 20),),
        instances=PROVIDER,
    ),
    Scenario(
        (100,),
        "a capacity provider is in use",
        (
            ("PutClusterCapacityProviders", Says("ResourceInUseException", "is in use and cannot be removed."), 20),
            ("DeleteCapacityProvider", Says("ResourceInUseException"), 20),
        ),
        instances=PROVIDER,
    ),
    Scenario(
        (100,),
        "a capacity provider is being changed",
        (("DeleteCapacityProvider", Says("UpdateInProgressException"), 20),),
        instances=PROVIDER,
    ),
    Scenario(
        (100,),
        "a capacity provider stays in use",
        (("DeleteCapacityProvider", Says("ResourceInUseException"), FOR_EVER),),
        "Not everything could be removed",
        instances=PROVIDER,
    ),
    Scenario(
        (72,),
        "a cluster never empties",
        (("DeleteCluster", Says("ClusterContainsContainerInstancesException"), FOR_EVER),),
        "Not everything could be removed",
    ),
    Scenario(
        (82,),
        "scaling does not see the service",
        (("RegisterScalableTarget", Says("ValidationException", "ECS service doesn't exist: x"), 4),),
        instances=PROVIDER,
    ),
    Scenario(
        (104,),
        "a bucket of that name was deleted",
        (("CreateBucket", Says("OperationAborted"), FOR_EVER),),
        "choose another --bucket",
    ),
    Scenario(
        (103,),
        "a bucket is somebody else's",
        (("CreateBucket", Says("BucketAlreadyExists"), FOR_EVER),),
        "choose another --bucket",
    ),
    Scenario((108,), "too many updates of a parameter", (("PutParameter", Says("TooManyUpdates"), 4),)),
    Scenario(
        (109,),
        "a log group is being changed",
        (
            ("CreateLogGroup", Says("OperationAbortedException"), 3),
            ("DeleteLogGroup", Says("OperationAbortedException"), 3),
        ),
    ),
]


class HostileCloud(WatchedCloud):
    """moto, unless a behaviour answers."""

    def __init__(self) -> None:
        super().__init__()
        self.script: list[list[Any]] = []

    def play(self, scenario: Scenario) -> None:
        """Behave like that from now on."""
        self.forget()
        self.script = [[operation, behaviour, count] for operation, behaviour, count in scenario.does]

    def calm_down(self) -> None:
        """Behave well from now on."""
        self.script = []

    def client(self, service: str) -> Any:
        client = super().client(service)
        client.meta.events.register("before-call", self._play, unique_id="play")
        client.meta.events.register_first("before-send", self._throttle, unique_id="throttle")
        return client

    def _next(self, operation: str, *kinds: type) -> Any:
        for entry in self.script:
            if entry[0] == operation and entry[2] > 0 and isinstance(entry[1], kinds):
                entry[2] -= 1
                return entry[1]
        return None

    def _play(self, model: Any, **_: Any) -> Any:
        behaviour = self._next(model.name, Says, Shows)
        return behaviour.parsed if behaviour else None

    def _throttle(self, request: Any, event_name: str, **_: Any) -> Any:
        service, operation = event_name.split(".")[1:3]
        behaviour = self._next(operation, Throttles)
        if behaviour is None:
            return None
        request.url = NOWHERE  # all handlers are called, and moto's would do what is asked
        return behaviour.response(service.replace("auto-scaling", "autoscaling"))
