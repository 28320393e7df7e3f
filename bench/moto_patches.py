"""What moto 5.2.5 answers otherwise than AWS so that Terraform's provider fails or repairs, mended on the way out.

- Application Auto Scaling: ListTagsForResource is missing, and tags are not kept.
- ECS services: an empty networkConfiguration (the provider crashes), no availabilityZoneRebalancing.
- EC2 Auto Scaling policies: an empty PredictiveScalingConfiguration, no Enabled. The provider takes these two and the
  missing availabilityZoneRebalancing for differences: its second `apply` would make four changing calls.
"""

from __future__ import annotations

import json
from threading import Lock
from typing import Any

ECS = "AmazonEC2ContainerServiceV20141113."
SCALING = "AnyScaleFrontendService."
SERVICE_ANSWERS = {ECS + name for name in ("CreateService", "DescribeServices", "UpdateService", "DeleteService")}


class ScalingTags:
    """The tags of scalable targets."""

    def __init__(self) -> None:
        self._tags: dict[str, dict[str, str]] = {}
        self._lock = Lock()

    def answer(self, target: str, body: bytes) -> bytes | None:
        """Return the answer to a call about tags, None for any other call."""
        if target not in (SCALING + "ListTagsForResource", SCALING + "TagResource", SCALING + "UntagResource"):
            return None
        request = json.loads(body)
        with self._lock:
            tags = self._tags.setdefault(request["ResourceARN"], {})
            tags.update(request.get("Tags", {}))
            for key in request.get("TagKeys", []):
                tags.pop(key, None)
            return json.dumps({"Tags": tags} if target.endswith("ListTagsForResource") else {}).encode()

    def remember(self, target: str, body: bytes, answer: bytes) -> None:
        """Keep the tags with which a scalable target was registered."""
        if target == SCALING + "RegisterScalableTarget" and (tags := json.loads(body).get("Tags")):
            with self._lock:
                self._tags.setdefault(json.loads(answer)["ScalableTargetARN"], {}).update(tags)


def mended(target: str, answer: bytes) -> bytes:
    """Return an answer as AWS would have given it; `target` is the request's X-Amz-Target header, or empty."""
    if target in SERVICE_ANSWERS:
        return _with_services_mended(json.loads(answer))
    if not target and b"<DescribePoliciesResult>" in answer:
        without = answer.replace(b"<PredictiveScalingConfiguration/>", b"")
        return without.replace(b"</PolicyARN>", b"</PolicyARN><Enabled>true</Enabled>")
    return answer


def _with_services_mended(document: dict[str, Any]) -> bytes:
    single = [document["service"]] if "service" in document else []
    for service in [*document.get("services", []), *single]:
        service.setdefault("availabilityZoneRebalancing", "DISABLED")
        for part in [service, *service.get("deployments", [])]:
            if not part.get("networkConfiguration"):
                part.pop("networkConfiguration", None)
    return json.dumps(document).encode()
