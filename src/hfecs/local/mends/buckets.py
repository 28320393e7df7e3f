"""Bucket policies that allow TLS only: calls here go over HTTP on loopback and count as secure, as they are on AWS."""

from __future__ import annotations

from typing import Any

from moto.iam.access_control import IAMPolicyStatement, PermissionResult

from hfecs.local.mends.answers import replace
from hfecs.local.plane import Plane


def apply(_: Plane) -> None:
    """Mend the evaluation of policies: moto takes a statement with a condition for one without."""

    def is_action_permitted(statement: Any, *arguments: Any, **options: Any) -> Any:
        condition = statement._statement.get("Condition") or {}
        if str(condition.get("Bool", {}).get("aws:SecureTransport")).lower() == "false":
            return PermissionResult.NEUTRAL
        return permitted(statement, *arguments, **options)

    permitted = replace(IAMPolicyStatement, "is_action_permitted", is_action_permitted)
