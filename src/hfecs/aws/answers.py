"""What is done to every answer of AWS before anybody sees it."""

from __future__ import annotations

from typing import Any

from hfecs.aws.errors import failed_with

# Read-only operations.
READING = ("Describe", "Get", "List", "Head")
# The failures of a list that say no more than that something does not exist.
MISSING = ("MISSING", "INACTIVE")


def complete(parsed: dict[str, Any], model: Any, **_: Any) -> None:
    """Let a list that an answer does not have, or has as null, be an empty one."""
    if "Error" in parsed or model.output_shape is None:
        return
    for name, shape in model.output_shape.members.items():
        if shape.type_name == "list" and parsed.get(name) is None:
            parsed[name] = []


def refuse_failures(parsed: dict[str, Any], model: Any, **_: Any) -> None:
    """ClientError if a read was answered with 200 and a list of failures, unless all it says is "no such thing".

    ECS and ECR answer so; what could not be read would otherwise count as gone.
    """
    failures = parsed.get("failures") if model.name.startswith(READING) else None
    for failure in failures or ():
        code, words = failed_with(failure)
        if code.upper() not in MISSING:
            from botocore.exceptions import ClientError

            raise ClientError({"Error": {"Code": code or "Failure", "Message": words}}, model.name)
