"""The size of a role's inline policies, which IAM limits and moto does not."""

from __future__ import annotations

from typing import Any

from moto.iam.exceptions import LimitExceededException
from moto.iam.models import Role

from hfecs.local.control_plane.moto_patches.patching import replace
from hfecs.local.reconciler import Reconciler

# Characters of all inline policies of a role together; IAM does not count white space.
MOST_CHARACTERS = 10_240


def apply(_: Reconciler) -> None:
    """Mend PutRolePolicy."""

    def put_policy(role: Any, policy_name: str, policy_json: str) -> None:
        policies = {**role.policies, policy_name: policy_json}
        if sum(len("".join(text.split())) for text in policies.values()) > MOST_CHARACTERS:
            raise LimitExceededException(
                f"Maximum policy size of {MOST_CHARACTERS} bytes exceeded for role {role.name}"
            )
        put(role, policy_name, policy_json)

    put = replace(Role, "put_policy", put_policy)
