"""AWS clients: one for each service, with the owner tags; identical concurrent reads share one request.

The stacks of a cluster read the same lists, each for its own resources: surveyed side by side, they share the answers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hfecs.aws.answers import READING, complete, refuse_failures
from hfecs.aws.credentials import explain_of
from hfecs.aws.errors import LOCAL_HINT
from hfecs.aws.slow_calls import SlowCalls
from hfecs.errors import Misused

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient


# Where a call keeps the answer that it owes to the others.
OWED = "hfecs-owed"

Answer = tuple[Any, dict[str, Any]]

# How often botocore retries a throttled call. Consistency errors are retried by wait.py, where they are expected.
MAX_ATTEMPTS = 10
# Parallel calls over one client, as many as parallel runs at most.
CONNECTIONS = 32
# Files of at least this size are sent in parts of it; S3's checksum of such a file combines those of its parts.
PART_BYTES = 8 * 1024 * 1024


class Coalescing:
    """Keeps AWS's answers, including pending ones, while `once` lasts."""

    def __init__(self) -> None:
        self._answers: dict[str, Future[Answer]] | None = None
        self._asking = threading.Lock()

    def listen(self, client: Any) -> None:
        """Intercept a client's calls; answers are kept as received, before botocore parses them."""
        service = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register("before-call", self._before)
        client.meta.events.register_first(f"after-call.{service}", self._after)
        client.meta.events.register("after-call-error", self._failed)

    @contextmanager
    def once(self) -> Iterator[None]:
        """Send each identical call once while this lasts; later calls are sent again."""
        self._answers = {}
        try:
            yield
        finally:
            self._answers = None

    def _before(self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any) -> Answer | None:
        """Return the answer that another call has or will have; the first caller sends the call and owes the answer."""
        if not model.name.startswith(READING) or model.has_streaming_output:
            return None
        question = repr((model.service_model.service_name, model.name, params["url"], params["body"]))
        with self._asking:
            if self._answers is None:
                return None
            known = self._answers.get(question)
            if known is None:
                self._answers[question] = context[OWED] = Future()
                return None
        response, parsed = known.result()
        return response, deepcopy(parsed)

    def _after(self, http_response: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        if owed := context.pop(OWED, None):
            owed.set_result((http_response, deepcopy(parsed)))

    def _failed(self, exception: Exception, context: dict[str, Any], **_: Any) -> None:
        if owed := context.pop(OWED, None):
            owed.set_exception(exception)


@dataclass(frozen=True)
class Limits:
    """How often a client repeats a call, how many seconds it waits, and how many connections it keeps."""

    retries: int
    connect_timeout: float = 60
    read_timeout: float = 60
    connections: int = 10


def open_client(
    service: str, limits: Limits, *, session: Any = None, buckets_in_path: bool = False, **where: Any
) -> Any:
    """Open a boto3 client, in this session or in the environment's; `where` is passed on to boto3."""
    import boto3  # costs a quarter of a second: --help must not pay for it
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "max_attempts": limits.retries},
        connect_timeout=limits.connect_timeout,
        read_timeout=limits.read_timeout,
        max_pool_connections=limits.connections,
        s3={"addressing_style": "path"} if buckets_in_path else None,
    )
    opening: Any = session or boto3.Session()
    client = opening.client(service, config=config, **where)
    client.meta.events.register("after-call", complete)
    client.meta.events.register("after-call", refuse_failures)
    return client


def _is(host: str, kind: str) -> bool:
    """Whether a host is an IP address of this kind, an attribute of ipaddress."""
    try:
        return bool(getattr(ip_address(host), kind))
    except ValueError:
        return False


class Cloud:
    """One account and region of AWS, or of a server used instead: a client for each service, opened on first use."""

    def __init__(
        self,
        *,
        region: str | None = None,
        profile: str | None = None,
        endpoint_url: str | None = None,
        environment: Mapping[str, str] | None = None,
        slow_calls: SlowCalls | None = None,
        otherwise: str | None = None,
    ) -> None:
        """`otherwise` is the region where neither `region` nor the AWS configuration names one."""
        self._arguments: dict[str, Any] = {"region_name": region, "profile_name": profile}
        for key, name in (
            ("aws_access_key_id", "AWS_ACCESS_KEY_ID"),
            ("aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"),
        ):
            if environment and name in environment:
                self._arguments[key] = environment[name]
        self.endpoint_url = endpoint_url
        self._otherwise = otherwise
        self._opening = threading.RLock()
        self._clients: dict[str, Any] = {}
        self._slow_calls = slow_calls
        self.coalescing = Coalescing()

    @cached_property
    def _session(self) -> Any:
        import boto3

        session = boto3.Session(**self._arguments)
        explain_of(session)
        return session

    @property
    def region(self) -> str:
        """The region's name."""
        with self._opening:
            region = self._session.region_name or self._otherwise
        if not region:
            raise Misused("No AWS region is set.", hint=f"set aws.region in hfecs.toml or AWS_REGION; {LOCAL_HINT}")
        return str(region)

    @property
    def over_tls(self) -> bool:
        """Whether calls are encrypted: AWS accepts nothing else, a server used instead may."""
        return not (self.endpoint_url or "").startswith("http://")

    def believe(self, address: str) -> str:
        """The address of a machine; OSError if it cannot be one: a server on this machine told a public address.

        Servers that stand in for AWS make up addresses. Somebody else's machine would be sent our passwords.
        """
        host = urlsplit(self.endpoint_url or "").hostname or ""
        if (host == "localhost" or _is(host, "is_loopback")) and _is(address, "is_global"):
            raise ConnectionRefusedError(
                f"{self.endpoint_url} is on this machine, and {address} is not a machine of it"
            )
        return address

    @cached_property
    def _identity(self) -> Any:
        return self.sts.get_caller_identity()

    @property
    def account(self) -> str:
        """The account's number; one call."""
        return str(self._identity["Account"])

    @property
    def partition(self) -> str:
        """The part of AWS that the account is in, as ARNs name it: aws, aws-cn, aws-us-gov, aws-eusc."""
        return str(self._identity["Arn"]).split(":")[1]

    def upload(self, path: Path, bucket: str, key: str, sent: Callable[[int], None]) -> None:
        """Upload a file to a bucket; `sent` is called with the bytes sent."""
        from boto3.s3.transfer import TransferConfig

        config = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=4)
        self.s3.upload_file(str(path), bucket, key, Callback=sent, Config=config)

    def client(self, service: str) -> Any:
        """The client of a service; the same one each time, usable from many threads."""
        with self._opening:
            if service not in self._clients:
                self._clients[service] = self._open(service)
            return self._clients[service]

    def _open(self, service: str) -> Any:
        limits = Limits(retries=MAX_ATTEMPTS, connect_timeout=10, connections=CONNECTIONS)
        client = open_client(
            service,
            limits,
            session=self._session,
            buckets_in_path=bool(self.endpoint_url),
            region_name=self.region,
            endpoint_url=self.endpoint_url,
        )
        if self._slow_calls:
            self._slow_calls.listen(client)
        self.coalescing.listen(client)
        return client

    @property
    def ec2(self) -> EC2Client:
        """Machines and networks."""
        return self.client("ec2")  # type: ignore[no-any-return]

    @property
    def ecs(self) -> ECSClient:
        """Clusters, services and tasks."""
        return self.client("ecs")  # type: ignore[no-any-return]

    @property
    def ecr(self) -> ECRClient:
        """Repositories of container images."""
        return self.client("ecr")  # type: ignore[no-any-return]

    @property
    def iam(self) -> IAMClient:
        """Roles."""
        return self.client("iam")  # type: ignore[no-any-return]

    @property
    def autoscaling(self) -> AutoScalingClient:
        """Groups of machines."""
        return self.client("autoscaling")  # type: ignore[no-any-return]

    @property
    def application_autoscaling(self) -> ApplicationAutoScalingClient:
        """Scaling of services."""
        return self.client("application-autoscaling")  # type: ignore[no-any-return]

    @property
    def cloudwatch(self) -> CloudWatchClient:
        """Metrics and alarms."""
        return self.client("cloudwatch")  # type: ignore[no-any-return]

    @property
    def logs(self) -> CloudWatchLogsClient:
        """Log lines."""
        return self.client("logs")  # type: ignore[no-any-return]

    @property
    def ssm(self) -> SSMClient:
        """Parameters."""
        return self.client("ssm")  # type: ignore[no-any-return]

    @property
    def s3(self) -> S3Client:
        """Buckets and objects."""
        return self.client("s3")  # type: ignore[no-any-return]

    @property
    def sts(self) -> STSClient:
        """Who we are."""
        return self.client("sts")  # type: ignore[no-any-return]
