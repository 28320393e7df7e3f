"""What AWS answers when it does not do as asked: expected codes, and codes as sentences with a hint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hfecs.errors import AwsFailed, HfecsError, Misused

LOCAL_HINT = "try it without an account: hfecs --local cluster up"

HINTS = {
    "UnauthorizedOperation": "the README lists the permissions hfecs needs; ask for the missing action",
    "AccessDenied": "the README lists the permissions hfecs needs; ask for the missing action",
    "AccessDeniedException": "the README lists the permissions hfecs needs; ask for the missing action",
    "InvalidClientTokenId": f"check the access key, or AWS_PROFILE; {LOCAL_HINT}",
    "UnrecognizedClientException": f"check the access key, or AWS_PROFILE; {LOCAL_HINT}",
    "AuthFailure": f"check the access key and the clock of this machine; {LOCAL_HINT}",
    "ExpiredToken": "log in again and repeat the command: it goes on where it stopped",
    "ExpiredTokenException": "log in again and repeat the command: it goes on where it stopped",
    "RequestExpired": "log in again and repeat the command: it goes on where it stopped",
    "OptInRequired": "activate the service or region in the account's console first",
    "InvalidKeyPair.NotFound": "name a key pair that this region has, or take cluster.key_pair_name out",
    "VcpuLimitExceeded": "raise the quota 'Running On-Demand Standard instances' (L-1216C47A), or take a smaller type",
    "InstanceLimitExceeded": "raise the instance quota of the account, or lower scaling.asg_max",
    "InsufficientInstanceCapacity": "try again later, another instance type, or other network.subnet_ids",
    "Unsupported": "choose another cluster.instance_type, or network.subnet_ids in a zone that offers it",
    "BucketAlreadyExists": "bucket names are shared by the whole world: choose another --bucket",
    "OperationAborted": "a bucket of that name was deleted a short time ago: choose another --bucket",
    "LimitExceededException": "raise this quota of the account, or remove what is no longer needed",
}


def matches(error: BaseException, *codes: str) -> bool:
    """Whether AWS answered with one of `codes`: "Code", or "Code: part of the message" where causes share a code."""
    answer = getattr(error, "response", {}).get("Error", {})
    for expected in codes:
        code, _, words = expected.partition(": ")
        if answer.get("Code") == code and words.lower() in answer.get("Message", "").lower():
            return True
    return False


@contextmanager
def ignoring(*codes: str) -> Iterator[None]:
    """Let a call be answered with one of `codes`, as if it had nothing to do."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if not matches(error, *codes):
            raise


def expected_errors() -> tuple[type[Exception], ...]:
    """The errors that are not bugs: ours, and those of boto3."""
    return (HfecsError, *_of_boto())


def each(error: Exception) -> Iterator[Exception]:
    """The errors of a group, and of the groups in it; a single error by itself."""
    if isinstance(error, ExceptionGroup):
        for part in error.exceptions:
            yield from each(part)
    else:
        yield error


def _of_boto() -> tuple[type[Exception], ...]:
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    return BotoCoreError, ClientError, Boto3Error, ResponseParserError


def _of_settings() -> tuple[type[Exception], ...]:
    """What boto3 says of settings that a person wrote."""
    from botocore import exceptions as boto

    regions = boto.InvalidRegionError, boto.UnknownRegionError, boto.InvalidHostLabelError
    files = boto.ConfigParseError, boto.ConfigNotFound, boto.InvalidConfigError, boto.InfiniteLoopConfigError
    retries = boto.InvalidRetryConfigurationError, boto.InvalidMaxRetryAttemptsError, boto.InvalidRetryModeError
    return *regions, *files, *retries, boto.InvalidDefaultsMode, boto.InvalidChecksumConfigError


def explain(error: BaseException, doing: str = "") -> HfecsError | None:
    """Say an error of boto3 as a sentence with a hint; None if it is not one of boto3's."""
    from botocore import exceptions as boto

    before = f"{doing}: " if doing else ""
    if isinstance(error, boto.ClientError):
        answer = error.response.get("Error", {})
        code = answer.get("Code", "")
        reason = answer.get("Message", "").strip() or "no reason given"
        message = f"{before}AWS answered {error.operation_name} with {code}: {reason}"
        return AwsFailed(message, HINTS.get(code, ""), code=code)
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError | boto.ProfileNotFound):
        return Misused(
            f"{before}No AWS credentials can be used: {error}.",
            hint=f"set AWS_PROFILE, or run 'aws configure'; {LOCAL_HINT}",
        )
    if isinstance(error, boto.NoRegionError):
        return Misused("No AWS region is set.", hint=f"set aws.region in hfecs.toml or AWS_REGION; {LOCAL_HINT}")
    if isinstance(error, _of_settings()):
        hint = "correct aws.region, the AWS_... variables or ~/.aws/config"
        return Misused(f"{before}The settings for AWS cannot be used: {str(error).rstrip('.')}.", hint)
    if isinstance(error, _of_boto()):
        return AwsFailed(
            f"{before}{error}", "is this machine online? run the same command again: it goes on where it stopped"
        )
    return None
