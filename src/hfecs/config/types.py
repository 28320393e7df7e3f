"""What a configuration key consists of: the type of its value, its default, unit and former name."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class Section(BaseModel):
    """A table of hfecs.toml; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def key(default: Any, description: str, *, unit: str = "", original: str = "") -> Any:
    """A key with its description, unit, and name or names in the Terraform project."""
    return Field(default, description=description, json_schema_extra={"unit": unit, "original": original})


def _matching(pattern: str, form: str) -> AfterValidator:
    """Accept only texts that match a pattern; `form` describes it."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(form)
        return value

    return AfterValidator(check)


def _words(values: dict[str, bool]) -> BeforeValidator:
    """Accept these words, in any case, for true and false."""
    return BeforeValidator(lambda value: values.get(value.upper(), value) if isinstance(value, str) else value)


def _number(value: object) -> object:
    """A whole number given as text, by a variable or flag: choices of numbers accept no text."""
    return int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value) else value


Number = BeforeValidator(_number)


def web_address(text: str, *schemes: str) -> str:
    """Accept a URL of these schemes with a host; the error does not show it, since it may contain a password."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"should be a URL such as {schemes[0]}://HOST:PORT")
    return text


def _http_address(text: str) -> str:
    return web_address(text, "http", "https")


WebAddress = Annotated[str, AfterValidator(_http_address)]
Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=0, le=1000)]
Seconds = Annotated[int, Field(ge=0, le=86_400)]
# Fractions are for tests; 0 means off.
Hours = Annotated[float, Field(ge=0, le=8760)]
Minutes = Annotated[float, Field(ge=0, le=10_000)]
Positive = Annotated[int, Field(ge=1, le=100_000)]
# Periods that CloudWatch accepts for alarms on high-resolution metrics.
Period = Annotated[Literal[10, 20, 30, 60, 120, 180, 240, 300], Number]
# Days that CloudWatch Logs accepts for retention.
Retention = Annotated[Literal[1, 3, 5, 7, 14, 30, 60, 90, 180, 365], Number]
# The Terraform project wrote booleans as ENABLED and DISABLED.
Switch = Annotated[bool, _words({"ENABLED": True, "DISABLED": False})]

Name = Annotated[
    str,
    _matching(
        r"[a-zA-Z][a-zA-Z0-9_-]{0,31}", "should be a letter followed by letters, digits, - or _, at most 32 in all"
    ),
]
InstanceType = Annotated[str, _matching(r"[a-z0-9-]+\.[a-z0-9-]+", "should be an EC2 instance type such as t2.micro")]
MachineImage = Annotated[
    str, _matching(r"ami-[0-9a-f]+|latest", 'should be an AMI such as ami-0123456789abcdef0, or "latest"')
]
Vpc = Annotated[str, _matching(r"vpc-[0-9a-f]+", "should be a VPC such as vpc-0123456789abcdef0")]
Subnet = Annotated[str, _matching(r"subnet-[0-9a-f]+", "should be subnets such as subnet-0123456789abcdef0")]
Bucket = Annotated[
    str,
    _matching(
        r"(?!xn--|[\d.]*\Z)(?!.*(\.\.|\.-|-\.))[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "should be 3 to 63 lower case letters, digits, dots and -, starting and ending with a letter or digit, "
        "and not look like an IP address",
    ),
]
Container = Annotated[
    str, _matching(r"[a-z0-9][A-Za-z0-9_./:@-]*", "should be a container image such as debian:bookworm-slim")
]
STATE_IN_S3 = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^/\s](\S*[^/\s])?")


def _state_address(text: str) -> str:
    """Accept the path of a file, or a bucket and a key in it."""
    if not text.strip() or (text.startswith("s3:") and not STATE_IN_S3.fullmatch(text)):
        raise ValueError("should be a file, or an object such as s3://my-team-state/hyperflow.json")
    return text


StateAddress = Annotated[str, AfterValidator(_state_address)]
# It is inserted into a shell script on the machines, so nothing special to a shell is allowed.
NfsExport = Annotated[
    str,
    _matching(
        r"[A-Za-z0-9._-]+:/[A-Za-z0-9._/-]*", "should be a server and a directory such as files.example.org:/data"
    ),
]
