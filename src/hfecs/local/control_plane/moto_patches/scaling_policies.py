"""Scaling policies of EC2 Auto Scaling: the answer contains the ARN, and a name is unique within its group."""

from __future__ import annotations

import itertools
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.autoscaling.responses import AutoScalingResponse

from hfecs.local.control_plane.moto_patches.patching import Call, take_over
from hfecs.local.data_plane.shared import SharedState
from hfecs.local.reconciler import Reconciler

NUMBERS = ("ScalingAdjustment", "Cooldown", "MinAdjustmentMagnitude", "EstimatedInstanceWarmup")


def apply(reconciler: Reconciler) -> None:
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
