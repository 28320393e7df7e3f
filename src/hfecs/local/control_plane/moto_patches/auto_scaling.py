"""EC2 Auto Scaling: groups whose instances the data plane launches, and scaling policies.

Bounds, duplicates and deletion of groups are as on AWS; PutScalingPolicy returns the ARN, and a policy's name
belongs to its group.
"""

from __future__ import annotations

import itertools
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, TerminateInstanceActivity
from moto.autoscaling.responses import AutoScalingResponse

from hfecs.local.control_plane.moto_patches.patching import Call, replace, take_over
from hfecs.local.data_plane.auto_scaling_groups import DELETING, AutoScalingGroups
from hfecs.local.data_plane.shared import SharedState
from hfecs.local.reconciler import Reconciler

NUMBERS = ("ScalingAdjustment", "Cooldown", "MinAdjustmentMagnitude", "EstimatedInstanceWarmup")


def apply(reconciler: Reconciler) -> None:
    """Patch groups and their policies."""
    _patch_groups(reconciler)
    _patch_policies(reconciler)


def _patch_groups(reconciler: Reconciler) -> None:
    """Patch groups."""
    take_over(AutoScalingResponse, GroupAnswers(reconciler.cloud, reconciler.groups))
    GroupPatches()


class GroupPatches:
    """Replaces moto's own methods; the originals are kept to be called."""

    def __init__(self) -> None:
        replace(FakeAutoScalingGroup, "set_desired_capacity", self.set_desired_capacity)
        replace(AutoScalingBackend, "notify_terminate_instances", self.notify_terminate_instances)
        replace(AutoScalingBackend, "terminate_instance", self.terminate_instance)
        self.create_group = replace(AutoScalingBackend, "create_auto_scaling_group", self.create)
        self.update_group = replace(AutoScalingBackend, "update_auto_scaling_group", self.update)

    def set_desired_capacity(self, group: Any, new_capacity: int | None) -> None:
        """Only recorded: the data plane launches and terminates."""
        group.desired_capacity = group.min_size if new_capacity is None else new_capacity

    def notify_terminate_instances(self, backend: Any, instance_ids: list[str]) -> None:
        """Nothing at once: the data plane notices that they are gone."""

    def terminate_instance(self, backend: Any, instance_id: str, should_decrement: bool) -> Any:
        """Terminate one instance of a group, with or without a replacement."""
        groups = backend.autoscaling_groups.values()
        group, state = next((g, s) for g in groups for s in g.instance_states if s.instance.id == instance_id)
        before = group.desired_capacity
        if should_decrement:
            if before <= group.min_size:
                text = "Terminating instance without replacement will violate group's min size constraint."
                raise AutoscalingClientError("ValidationError", text)
            group.desired_capacity = before - 1
        state.instance.terminate()
        return TerminateInstanceActivity(state.instance, before)

    def create(self, backend: Any, name: str, *arguments: Any, **options: Any) -> Any:
        """CreateAutoScalingGroup refuses an existing name, and inconsistent sizes."""
        known = backend.autoscaling_groups.get(name)
        if known is not None:
            being = " and is being deleted" if getattr(known, "status", None) == DELETING else ""
            text = f"AutoScalingGroup by this name already exists - A group with the name {name} already exists{being}"
            raise AutoscalingClientError("AlreadyExists", text)
        _check_bounds(options.get("min_size"), options.get("max_size"), options.get("desired_capacity"))
        return self.create_group(backend, name, *arguments, **options)

    def update(self, backend: Any, name: str, *arguments: Any, **options: Any) -> Any:
        """UpdateAutoScalingGroup moves the desired capacity into new bounds."""
        known = _group(backend, name)
        least = _or(options.get("min_size"), known.min_size)
        most = _or(options.get("max_size"), known.max_size)
        _check_bounds(least, most, options.get("desired_capacity"))
        group = self.update_group(backend, name, *arguments, **options)
        group.desired_capacity = max(group.min_size, min(group.max_size, group.desired_capacity))
        return group


class GroupAnswers:
    """Auto Scaling's answers about groups."""

    def __init__(self, cloud: SharedState, groups: AutoScalingGroups) -> None:
        self.cloud = cloud
        self.groups = groups

    def set_desired_capacity(self, call: Call) -> dict[str, Any]:
        """Set the number of instances, within the limits."""
        group = self._named(call)
        _check_bounds(group.min_size, group.max_size, int(call.get("DesiredCapacity")))
        capacity = int(call.get("DesiredCapacity"))
        text = "a user request explicitly set group desired capacity changing the desired capacity"
        self.groups.change(group, capacity, f"{text} from {group.desired_capacity} to {capacity}")
        return {}

    def delete_auto_scaling_group(self, call: Call) -> dict[str, Any]:
        """Delete an empty group, or, with force, one with its instances (even protected ones)."""
        group = self._named(call)
        if group.instance_states and not call.get("ForceDelete", default=False):
            still = "instances or pending Spot instance request(s) still in the group"
            text = f"You cannot delete an AutoScalingGroup while there are {still}."
            raise AutoscalingClientError("ResourceInUse", text)
        self.groups.delete(group)
        return {}

    def describe_scaling_activities(self, call: Call) -> dict[str, Any]:
        """The activities of the groups, newest first."""
        groups = self.cloud.backend("autoscaling", call.region).autoscaling_groups
        name = call.get("AutoScalingGroupName")
        chosen = [group for group in groups.values() if name in (None, group.name)]
        return {"Activities": [activity for group in chosen for activity in getattr(group, "activities", [])]}

    def _named(self, call: Call) -> Any:
        return _group(self.cloud.backend("autoscaling", call.region), call.get("AutoScalingGroupName"))


def _group(backend: Any, name: str) -> Any:
    group = backend.autoscaling_groups.get(name)
    if group is None:
        raise AutoscalingClientError(
            "ValidationError", f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found"
        )
    return group


def _check_bounds(least: Any, most: Any, desired: Any) -> None:
    if least is not None and most is not None and int(least) > int(most):
        raise AutoscalingClientError(
            "ValidationError", f"Min size {least} must be at most max size {most} for the AutoScalingGroup."
        )
    if desired is None:
        return
    if most is not None and int(desired) > int(most):
        text = f"New SetDesiredCapacity value {desired} is above max value {most} for the AutoScalingGroup."
        raise AutoscalingClientError("ValidationError", text)
    if least is not None and int(desired) < int(least):
        text = f"New SetDesiredCapacity value {desired} is below min value {least} for the AutoScalingGroup."
        raise AutoscalingClientError("ValidationError", text)


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _patch_policies(reconciler: Reconciler) -> None:
    """Patch policies."""
    take_over(AutoScalingResponse, PolicyAnswers(reconciler.cloud))


class PolicyAnswers:
    """Auto Scaling's answers about policies."""

    def __init__(self, cloud: SharedState) -> None:
        self.cloud = cloud

    def put_scaling_policy(self, call: Call) -> dict[str, Any]:
        """Create or change a policy; its ARN stays the same."""
        backend, group = self.cloud.backend("autoscaling", call.region), call.get("AutoScalingGroupName")
        if group not in backend.autoscaling_groups:
            raise AutoscalingClientError("ValidationError", f"Group {group} not found")
        steps = call.get("StepAdjustments", [])
        kind = call.get("PolicyType", "SimpleScaling")
        if kind == "StepScaling" and not _are_in_line(steps):
            raise AutoscalingClientError(
                "ValidationError", "StepAdjustment intervals can't overlap, and there can't be a gap between them."
            )
        numbers = {name: int(call.get(name)) if call.get(name) is not None else None for name in NUMBERS}
        policy = backend.put_scaling_policy(
            name=call.get("PolicyName"),
            policy_type=kind,
            metric_aggregation_type=call.get("MetricAggregationType", "Average" if kind == "StepScaling" else None),
            adjustment_type=call.get("AdjustmentType"),
            as_name=group,
            min_adjustment_magnitude=numbers["MinAdjustmentMagnitude"],
            scaling_adjustment=numbers["ScalingAdjustment"],
            cooldown=numbers["Cooldown"],
            target_tracking_config=call.get("TargetTrackingConfiguration", {}),
            step_adjustments=steps,
            estimated_instance_warmup=numbers["EstimatedInstanceWarmup"],
            predictive_scaling_configuration=call.get("PredictiveScalingConfiguration", {}),
        )
        del backend.policies[policy.name]
        backend.policies[f"{group}/{policy.name}"] = policy
        return {"PolicyARN": policy.arn, "Alarms": []}

    def delete_policy(self, call: Call) -> dict[str, Any]:
        """Delete a policy by name or ARN; its alarm stays, as on AWS."""
        backend = self.cloud.backend("autoscaling", call.region)
        name, group = call.get("PolicyName"), call.get("AutoScalingGroupName")
        for key, policy in list(backend.policies.items()):
            if name in (policy.name, policy.arn) and group in (None, policy.auto_scaling_group_name):
                del backend.policies[key]
        return {}


def _are_in_line(steps: list[dict[str, Any]]) -> bool:
    """Whether the intervals of the steps follow each other without gap or overlap."""
    bounds = [(_bound(step, "MetricIntervalLowerBound"), _bound(step, "MetricIntervalUpperBound")) for step in steps]
    bounds.sort(key=lambda bound: float("-inf") if bound[0] is None else bound[0])
    pairs = itertools.pairwise(bounds)
    return bool(bounds) and all(first[1] is not None and first[1] == second[0] for first, second in pairs)


def _bound(step: dict[str, Any], name: str) -> float | None:
    return None if step.get(name) is None else float(step[name])
