"""Carry out alarm actions: policies of EC2 Auto Scaling and of Application Auto Scaling."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

from hfecs.local.data_plane.auto_scaling_groups import AutoScalingGroups, suspended
from hfecs.local.data_plane.shared import SharedState, utc_now
from hfecs.local.scaling.from_moto import group_policy, service_policy
from hfecs.local.scaling.step_policies import Bounds, Cooldown, cooled, group_capacity, service_capacity

DEFAULT_COOLDOWN = 300  # seconds
ACTIVITIES_KEPT = 100


@dataclass(frozen=True)
class Trigger:
    """An alarm that triggers a policy, and the metric's distance from the threshold."""

    region: str
    alarm_name: str
    distance: float


class Actions:
    """The policies of all groups and services."""

    def __init__(self, cloud: SharedState, groups: AutoScalingGroups) -> None:
        self.cloud = cloud
        self.groups = groups
        self.cooldowns: dict[str, Cooldown] = {}

    def carry_out(self, arn: str, trigger: Trigger) -> None:
        """Carry out the policy of that ARN; other actions (mails, lambdas) do nothing here."""
        if ":autoScalingGroupName/" in arn:
            self._scale_group(arn, trigger)
        elif ":resource/ecs/" in arn:
            self._scale_service(arn, trigger)

    def _scale_group(self, arn: str, trigger: Trigger) -> None:
        backend = self.cloud.backend("autoscaling", trigger.region)
        policy = next((policy for policy in backend.policies.values() if policy.arn == arn), None)
        group = backend.autoscaling_groups.get(policy.auto_scaling_group_name) if policy else None
        if policy is None or group is None or "AlarmNotification" in suspended(group):
            return
        if policy.policy_type == "SimpleScaling" and self._cooling(arn, float(policy.cooldown)):
            return
        before = int(group.desired_capacity or 0)
        after = group_capacity(
            group_policy(policy), before, self._warming(group, policy), trigger.distance, _bounds(group)
        )
        if after != before:
            self.cooldowns[arn] = Cooldown(time.time())
            text = f"a monitor alarm {trigger.alarm_name} in state ALARM triggered policy {policy.name}"
            self.groups.change(group, after, f"{text} changing the desired capacity from {before} to {after}")

    def _warming(self, group: Any, policy: Any) -> int:
        if policy.policy_type == "SimpleScaling":
            return 0
        return self.groups.warming(group, float(policy.estimated_instance_warmup or group.default_cooldown))

    def _scale_service(self, arn: str, trigger: Trigger) -> None:
        backend = self.cloud.backend("applicationautoscaling", trigger.region)
        policy = next((policy for policy in backend.policies.values() if policy.policy_arn == arn), None)
        target = backend.targets.get(policy.scalable_dimension, {}).get(policy.resource_id) if policy else None
        service = service_of(self.cloud, trigger.region, policy.resource_id) if policy else None
        if policy is None or target is None or service is None or service.status != "ACTIVE":
            return
        settings = policy.step_scaling_policy_configuration or {}
        known = self._cooling(arn, float(settings.get("Cooldown", DEFAULT_COOLDOWN)))
        before, running = int(service.desired_count), int(service.running_count)
        bounds = Bounds(int(target.min_capacity), int(target.max_capacity))
        after = service_capacity(service_policy(settings), running, before, trigger.distance, bounds, known)
        if after == before or (after < before and len(service.deployments) > 1):
            return
        self.cooldowns[arn] = cooled(self.cooldowns.get(arn, Cooldown()), before, after, running, time.time())
        service.desired_count, service.steady = after, False
        cause = f"monitor alarm {trigger.alarm_name} in state ALARM triggered policy {policy.policy_name}"
        _note(backend, policy, f"Setting desired count to {after}.", cause)
        self.cloud.wake()

    def _cooling(self, arn: str, seconds: float) -> Cooldown | None:
        known = self.cooldowns.get(arn)
        return known if known and time.time() - known.since < seconds else None


def service_of(cloud: SharedState, region: str, resource_id: str) -> Any:
    """The ECS service of a resource id like service/CLUSTER/NAME, or None."""
    kind, _, rest = resource_id.partition("/")
    cluster, _, name = rest.partition("/")
    return cloud.backend("ecs", region).services.get(f"{cluster}:{name}") if kind == "service" else None


def _bounds(group: Any) -> Bounds:
    return Bounds(int(group.min_size), int(group.max_size))


def _note(backend: Any, policy: Any, description: str, cause: str) -> None:
    now = utc_now()
    activity = {
        "ActivityId": str(uuid.uuid4()),
        "ServiceNamespace": "ecs",
        "ResourceId": policy.resource_id,
        "ScalableDimension": policy.scalable_dimension,
        "Description": description,
        "Cause": cause,
        "StartTime": now,
        "EndTime": now,
        "StatusCode": "Successful",
    }
    backend.__dict__.setdefault("activities", []).insert(0, activity)
    del backend.activities[ACTIVITIES_KEPT:]
