"""Versions added to a launch template: moto stores their user data in a form that it cannot launch from."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.utils import parse_user_data

from hfecs.local.control_plane.moto_patches.patching import replace
from hfecs.local.reconciler import Reconciler


def apply(_: Reconciler) -> None:
    """Patch CreateLaunchTemplateVersion."""

    def create_version(template: Any, data: dict[str, Any], description: str) -> Any:
        text = data.get("UserData")
        parsed = {"UserData": parse_user_data(text)} if isinstance(text, str) else {}
        return create(template, {**data, **parsed}, description)

    create = replace(LaunchTemplate, "create_version", create_version)
