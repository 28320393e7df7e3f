"""Error codes for existing or missing resources, where moto's differ from those of AWS."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.launch_templates import LaunchTemplateBackend
from moto.iam.exceptions import IAMException
from moto.iam.models import IAMBackend

from hfecs.local.control_plane.moto_patches.patching import replace
from hfecs.local.reconciler import Reconciler


def apply(_: Reconciler) -> None:
    """Patch CreateServiceLinkedRole and DeleteLaunchTemplate."""

    def create_service_linked_role(backend: Any, service_name: str, *arguments: Any, **options: Any) -> Any:
        try:
            return create_role(backend, service_name, *arguments, **options)
        except IAMException as error:
            if error.code != "EntityAlreadyExists":
                raise
            text = (
                f"Service role name for {service_name} has been taken in this account, please try a different suffix."
            )
            raise IAMException("InvalidInput", text) from error

    def delete_launch_template(backend: Any, name: str, tid: str | None) -> Any:
        if name and name not in backend.launch_template_name_to_ids:
            text = "At least one of the launch templates specified in the request does not exist."
            raise EC2ClientError("InvalidLaunchTemplateName.NotFoundException", text)
        if tid and tid not in backend.launch_templates:
            text = f"The specified launch template, with template ID {tid}, does not exist."
            raise EC2ClientError("InvalidLaunchTemplateId.NotFound", text)
        return delete(backend, name, tid)

    create_role = replace(IAMBackend, "create_service_linked_role", create_service_linked_role)
    delete = replace(LaunchTemplateBackend, "delete_launch_template", delete_launch_template)
