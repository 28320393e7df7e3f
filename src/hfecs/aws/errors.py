"""AWS errors: which error codes are expected, and what to tell the user about the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from typing import Any

from hfecs.errors import AwsFailed, CredentialsInvalid, HfecsError, Misused

LOCAL_HINT = "try it without an account: hfecs --local cluster up"

NO_PERMISSION = "docs/iam-policy.json lists the permissions that hfecs needs; ask for the missing action"
LOG_IN = (
    "log in again (aws sso login, or set new keys) and repeat the command: it goes on where it stopped; "
    "a run that has been started goes on without you: hfecs run --attach"
)
CHECK_KEY = f"check the access key, or AWS_PROFILE; {LOCAL_HINT}"
SET_CLOCK = "set the clock of this machine (timedatectl set-ntp true), then run the same command again"

HINTS = {
    "UnauthorizedOperation": NO_PERMISSION,
    "AccessDenied": NO_PERMISSION,
    "AccessDeniedException": NO_PERMISSION,
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

# Codes, or "Code: part of the message", with which AWS refuses the credentials themselves, by what is wrong with them.
CLOCK = (
    "SignatureDoesNotMatch: signature expired",
    "SignatureDoesNotMatch: signature not yet current",
    "InvalidSignatureException: signature expired",
    "InvalidSignatureException: signature not yet current",
    "RequestTimeTooSkewed",
    "RequestInTheFuture",
)
EXPIRED = (
    "ExpiredToken",
    "ExpiredTokenException",
    "TokenRefreshRequired",
    "UnauthorizedException: session token",
    "UnauthorizedException: expired",
)
INVALID_KEY = (
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "InvalidToken",
    "NotSignedUp",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "AuthFailure: validate the provided access credentials",
    "AuthFailure: credentials",
)
REJECTED = (
    (CLOCK, "the clock of this machine is wrong", SET_CLOCK),
    (EXPIRED, "they have expired", LOG_IN),
    (("RequestExpired",), "they have expired, or the clock of this machine is wrong", f"{LOG_IN}; or {SET_CLOCK}"),
    (INVALID_KEY, "the access key or its secret is wrong", CHECK_KEY),
)
NO_ANSWER = "is this machine online? run the same command again: it goes on where it stopped"
BETWEEN = "is there a proxy or a login page between this machine and AWS, or is AWS_ENDPOINT_URL no AWS service?"
SHOWN_OF_A_PAGE = 200


def said(error: BaseException) -> tuple[str, str]:
    """The code and the words with which AWS refused a call; a field that is absent or null is an empty text."""
    response = getattr(error, "response", None) or {}
    answer = response.get("Error") or {}
    return str(answer.get("Code") or ""), plain(str(answer.get("Message") or ""))


def failed_with(failure: Mapping[str, Any]) -> tuple[str, str]:
    """The code and the words of an entry in a list of failures, which ECS and ECR answer with 200."""
    code = failure.get("reason") or failure.get("failureReason") or failure.get("failureCode") or ""
    return str(code), " ".join(str(failure[key]) for key in ("detail", "arn") if failure.get(key))


def matches(error: BaseException, *codes: str) -> bool:
    """Whether AWS answered with one of `codes`: "Code", or "Code: part of the message" where causes share a code."""
    code, message = said(error)
    if not code:
        return False
    for expected in codes:
        wanted, _, words = expected.partition(": ")
        if code == wanted and words.lower() in message.lower():
            return True
    return False


def plain(text: str) -> str:
    """A message as one line of text: of a web page, which some servers and proxies answer, its title or first words."""
    if not re.search(r"<\s*(!doctype|html|head|body)\b", text, re.IGNORECASE):
        return text.strip()
    titled = re.search(r"<title[^>]*>(.*?)</title", text, re.IGNORECASE | re.DOTALL)
    inside = titled[1] if titled else re.sub(r"<(style|script).*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL)
    words = " ".join(unescape(inside).split())[:SHOWN_OF_A_PAGE]
    return f'a web page, "{words}"' if words else "a web page without text"


def refusal(call: Callable[[], object]) -> tuple[str, str] | None:
    """The code and the words with which AWS refuses a call; None if it does not."""
    from botocore.exceptions import ClientError

    try:
        call()
    except ClientError as error:
        return said(error)
    return None


def failed(operation: str, code: str, reason: str, doing: str = "") -> AwsFailed:
    """A refusal of AWS as a sentence with a hint."""
    before = f"{doing}: " if doing else ""
    told = f"{code or 'an error without a code'}: {reason or 'no reason given'}"
    return AwsFailed(f"{before}AWS answered {operation} with {told}", HINTS.get(code, ""), code=code)


@contextmanager
def ignoring(*codes: str) -> Iterator[None]:
    """Ignore these AWS error codes: the call had nothing left to do."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if not matches(error, *codes):
            raise


def expected_errors() -> tuple[type[Exception], ...]:
    """The errors that are not bugs: ours, and those of boto3."""
    return (HfecsError, *_of_boto())


def one_or_several() -> tuple[type[Exception], ...]:
    """The expected errors, and groups: of these `passable` tells whether all in them are expected."""
    return (*expected_errors(), ExceptionGroup)


def passable(error: Exception) -> bool:
    """Whether work that does not depend on a call can continue: all its errors are expected, none is of credentials."""
    errors = [single if isinstance(single, HfecsError) else explain(single) for single in each(error)]
    return all(known and not isinstance(known, CredentialsInvalid) for known in errors)


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
    from botocore.parsers import ResponseParserError

    before = f"{doing}: " if doing else ""
    if isinstance(error, boto.ClientError):
        return _rejected(error) or failed(error.operation_name, *said(error), doing=doing)
    if lacking := _lacking(error):
        return lacking
    if isinstance(error, boto.NoRegionError):
        return Misused("No AWS region is set.", hint=f"set aws.region in hfecs.toml or AWS_REGION; {LOCAL_HINT}")
    if isinstance(error, _of_settings()):
        hint = "correct aws.region, the AWS_... variables or ~/.aws/config"
        return Misused(f"{before}The settings for AWS cannot be used: {str(error).rstrip('.')}.", hint)
    if isinstance(error, _of_boto()):
        unread = isinstance(error, ResponseParserError)
        message = f"The answer cannot be read: {plain(str(error))}" if unread else plain(str(error))
        return AwsFailed(f"{before}{message}", BETWEEN if unread else NO_ANSWER)
    return None


def _lacking(error: BaseException) -> CredentialsInvalid | None:
    """The error, if there are no credentials, or none can be fetched any more."""
    from botocore import exceptions as boto

    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError | boto.ProfileNotFound):
        hint = f"set AWS_PROFILE, or run 'aws configure'; {LOCAL_HINT}"
        return CredentialsInvalid(f"No AWS credentials can be used: {error}.", hint, cause="none")
    if isinstance(error, boto.SSOError | boto.TokenRetrievalError | boto.RefreshWithMFAUnsupportedError):
        return CredentialsInvalid(f"The AWS login has expired: {str(error).rstrip('.')}.", LOG_IN, cause="expired")
    if isinstance(error, boto.CredentialRetrievalError | boto.MetadataRetrievalError):
        hint = "log in again (aws sso login), or correct credential_process or role_arn in ~/.aws/config"
        message = f"No AWS credentials could be fetched: {' '.join(str(error).split()).rstrip('.')}."
        return CredentialsInvalid(message, hint, cause="not fetched")
    return None


def _rejected(error: BaseException) -> CredentialsInvalid | None:
    """The error, if AWS refuses the credentials themselves: the same for every call, whatever its code is called."""
    for codes, cause, hint in REJECTED:
        if matches(error, *codes):
            code, reason = said(error)
            return CredentialsInvalid(
                f"AWS refuses the credentials of this machine: {cause} ({code}: {reason or 'no reason given'}).",
                hint,
                cause=cause,
            )
    return None
