"""DeleteSecurityGroup refuses while an interface uses the group or another group's rule names it."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.security_groups import SecurityGroupBackend

from hfecs.local.control_plane.moto_patches.patching import replace
from hfecs.local.reconciler import Reconciler


def apply(_: Reconciler) -> None:
    """Patch security groups."""

    def delete_security_group(backend: Any, name: str | None = None, group_id: str | None = None) -> Any:
        group = backend.get_security_group_by_name_or_id(group_id or name)
        if group is not None and (_in_use(backend, group.id) or _referenced(backend, group.id)):
            raise EC2ClientError("DependencyViolation", f"resource {group.id} has a dependent object")
        return delete(backend, name, group_id)

    delete = replace(SecurityGroupBackend, "delete_security_group", delete_security_group)


def _in_use(backend: Any, group_id: str) -> bool:
    return any(group.id == group_id for interface in backend.enis.values() for group in interface.group_set)


def _referenced(backend: Any, group_id: str) -> bool:
    for groups in backend.groups.values():
        for other in groups.values():
            rules = [*other.ingress_rules, *other.egress_rules]
            if other.id != group_id and any(rule.source_group.get("GroupId") == group_id for rule in rules):
                return True
    return False
