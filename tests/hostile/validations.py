"""What AWS checks and moto does not, beyond what the local cloud mends: sizes of user data, names of buckets."""

from __future__ import annotations

import base64
import re
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.launch_templates import LaunchTemplateBackend
from moto.s3.models import S3Backend

from hfecs.local.control_plane.moto_patches.ec2 import USER_DATA_BYTES
from hfecs.local.control_plane.moto_patches.patching import replace

BUCKET_NAME = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)(?!xn--)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")


class InvalidBucketName(ServiceException):
    """The name is not one that S3 gives."""

    code = "InvalidBucketName"


def validate_more() -> None:
    """Check what AWS checks (rows 39, 40 and 103)."""

    def create_launch_template(backend: Any, name: str, *arguments: Any, **options: Any) -> Any:
        data = options.get("template_data") or next((item for item in arguments if isinstance(item, dict)), {})
        _check_user_data(data)
        return create_template(backend, name, *arguments, **options)

    def create_bucket(backend: Any, bucket_name: str, *arguments: Any, **options: Any) -> Any:
        if not BUCKET_NAME.fullmatch(bucket_name):
            raise InvalidBucketName("The specified bucket is not valid.")
        return create(backend, bucket_name, *arguments, **options)

    create_template = replace(LaunchTemplateBackend, "create_launch_template", create_launch_template)
    create = replace(S3Backend, "create_bucket", create_bucket)


def _check_user_data(data: dict[str, Any]) -> None:
    text = str(data.get("UserData") or "")
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        raise EC2ClientError("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") from None
    if len(decoded) > USER_DATA_BYTES:
        raise EC2ClientError("InvalidUserData.Malformed", "User data is limited to 16384 bytes")
