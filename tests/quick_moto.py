"""What moto works out anew at each request and each start, kept: a third of the time of our tests went there."""

from __future__ import annotations

import functools
from typing import Any

import moto.core.models
import moto.core.responses
import moto.kms.models
from moto.core.base_backend import BaseBackend
from moto.ec2.models.instance_types import InstanceTypeOfferingBackend

_find_urls: Any = vars(BaseBackend)["urls"].fget
_find_offerings: Any = InstanceTypeOfferingBackend.describe_instance_type_offerings


def quicken_moto() -> None:
    """Let moto look up once what is the same each time."""
    urls: dict[type, Any] = {}
    offerings: dict[str, Any] = {}

    def urls_of(backend: BaseBackend) -> Any:
        """The addresses of a service, with what answers there."""
        if type(backend) not in urls:
            urls[type(backend)] = _find_urls(backend)
        return urls[type(backend)]

    def offerings_of(backend: Any, location_type: str | None = None, filters: Any = None) -> Any:
        """The thousands of types of machines, filtered."""
        question = repr((backend.region_name, location_type, filters))
        if question not in offerings:
            offerings[question] = _find_offerings(backend, location_type, filters)
        return offerings[question]

    _replace(moto.core.responses, "method_names_from_class", functools.cache)
    # Nobody encrypts with these keys, and each of them takes a twentieth of a second.
    _replace(moto.kms.models, "generate_private_key", functools.cache)
    setattr(BaseBackend, "urls", property(urls_of))  # noqa: B010
    setattr(InstanceTypeOfferingBackend, "describe_instance_type_offerings", offerings_of)  # noqa: B010
    # Thousands of patterns at each start, for the `requests` library: botocore does not use it.
    setattr(moto.core.models, "RESPONSES_METHODS", [])  # noqa: B010


def _replace(module: Any, name: str, wrapper: Any) -> None:
    setattr(module, name, wrapper(getattr(module, name)))
