"""CloudWatch alarms, and the services that they scale through Application Auto Scaling.

An alarm is checked when it is put and starts as INSUFFICIENT_DATA; SetAlarmState runs its actions; a history is kept.
Application Auto Scaling has stable policy ARNs, errors as on AWS, tags, activities, and bounds that apply at once.
"""

from __future__ import annotations

import json
from typing import Any

from moto.applicationautoscaling.models import ApplicationAutoscalingBackend
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.cloudwatch.exceptions import CloudWatchException
from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.exceptions import JsonRESTError

from hfecs.local.control_plane.moto_patches.patching import Call, replace, take_over
from hfecs.local.data_plane.shared import SharedState
from hfecs.local.reconciler import Reconciler
from hfecs.local.scaling.alarm_evaluator import service_of
from hfecs.local.scaling.alarms import INSUFFICIENT_DATA, fault_of
from hfecs.local.scaling.step_policies import Bounds

MOST_ACTIONS = 5
KEPT = ("state_value", "state_reason", "state_updated_timestamp", "history")

MISSING = "ObjectNotFoundException"


def apply(reconciler: Reconciler) -> None:
    """Patch alarms, scalable targets and their policies."""
    _patch_targets(reconciler)
    _patch_alarms(reconciler)


def _patch_alarms(reconciler: Reconciler) -> None:
    """Patch alarms."""
    take_over(CloudWatchResponse, AlarmAnswers(reconciler))
    AlarmPatches(reconciler)


class AlarmPatches:
    """Replaces moto's own methods; the originals are kept to be called."""

    def __init__(self, reconciler: Reconciler) -> None:
        self.reconciler = reconciler
        self.put = replace(CloudWatchBackend, "put_metric_alarm", self.put_metric_alarm)
        self.set_state = replace(CloudWatchBackend, "set_alarm_state", self.set_alarm_state)

    def put_metric_alarm(self, backend: Any, name: str, *arguments: Any, **options: Any) -> Any:
        """PutMetricAlarm replaces the whole alarm, but keeps its state."""
        period, periods = options.get("period"), options.get("evaluation_periods")
        if period and (wrong := fault_of(int(period), int(periods or 1))):
            raise CloudWatchException("ValidationError", wrong)
        if len(options.get("alarm_actions") or []) > MOST_ACTIONS:
            text = f"The collection AlarmActions must not have a size greater than {MOST_ACTIONS}."
            raise CloudWatchException("ValidationError", text)
        known = backend.alarms.get(name)
        alarm = self.put(backend, name, *arguments, **options)
        if known is None:
            alarm.state_value = INSUFFICIENT_DATA
        else:
            for attribute in KEPT:
                setattr(alarm, attribute, getattr(known, attribute))
        return alarm

    def set_alarm_state(self, backend: Any, alarm_name: str, *arguments: Any) -> None:
        """SetAlarmState runs the actions of the new state."""
        before = backend.alarms[alarm_name].state_value if alarm_name in backend.alarms else None
        self.set_state(backend, alarm_name, *arguments)
        alarm = backend.alarms[alarm_name]
        if alarm.state_value != before:
            self.reconciler.scaling.act(backend.region_name, alarm)


class AlarmAnswers:
    """CloudWatch's answers that moto lacks."""

    def __init__(self, reconciler: Reconciler) -> None:
        self.cloud = reconciler.cloud

    def describe_alarm_history(self, call: Call) -> dict[str, Any]:
        """The changes of state of one alarm or of all, newest first."""
        alarms = self.cloud.backend("cloudwatch", call.region).alarms.values()
        wanted = call.get("AlarmName")
        items = [item for alarm in alarms if wanted in (None, alarm.name) for item in _history(alarm)]
        items.sort(key=lambda item: item["Timestamp"], reverse=True)
        return {"AlarmHistoryItems": items}


def _history(alarm: Any) -> list[dict[str, Any]]:
    """moto records the state that was left; the next entry has the state that was entered."""
    left = [entry[3] for entry in alarm.history]
    entered = [*left[1:], alarm.state_value]
    times = [*(entry[4] for entry in alarm.history[1:]), alarm.state_updated_timestamp]
    return [
        {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm",
            "Timestamp": time,
            "HistoryItemType": "StateUpdate",
            "HistorySummary": f"Alarm updated from {before} to {after}",
        }
        for before, after, time in zip(left, entered, times, strict=True)
    ]


def _patch_targets(reconciler: Reconciler) -> None:
    """Patch scalable targets and their policies."""
    take_over(ApplicationAutoScalingResponse, TargetAnswers(reconciler.cloud))
    TargetPatches(reconciler.cloud)


class TargetPatches:
    """Replaces moto's own methods; the originals are kept to be called."""

    def __init__(self, cloud: SharedState) -> None:
        self.cloud = cloud
        self.answer_register = replace(
            ApplicationAutoScalingResponse, "register_scalable_target", self.register_with_tags
        )
        self.register_target = replace(ApplicationAutoscalingBackend, "register_scalable_target", self.register)
        self.deregister_target = replace(ApplicationAutoscalingBackend, "deregister_scalable_target", self.deregister)
        self.put = replace(ApplicationAutoscalingBackend, "put_scaling_policy", self.put_policy)
        self.delete = replace(ApplicationAutoscalingBackend, "delete_scaling_policy", self.delete_policy)

    def register_with_tags(self, response: Any) -> Any:
        """RegisterScalableTarget stores tags too."""
        answer = self.answer_register(response)
        call = json.loads(response.body)
        target = self.cloud.backend("applicationautoscaling", response.region).targets[call["ScalableDimension"]]
        target[call["ResourceId"]].__dict__.setdefault("tags", {}).update(call.get("Tags") or {})
        return answer

    def register(self, backend: Any, namespace: str, r_id: str, *arguments: Any, **options: Any) -> Any:
        """RegisterScalableTarget moves the desired count into the limits at once."""
        target = self.register_target(backend, namespace, r_id, *arguments, **options)
        service = service_of(self.cloud, backend.region_name, r_id)
        if service is not None and namespace == "ecs":
            service.desired_count = Bounds(target.min_capacity, target.max_capacity).hold(service.desired_count)
        return target

    def deregister(self, backend: Any, namespace: str, r_id: str, dimension: str) -> None:
        """DeregisterScalableTarget deletes the policies too."""
        if r_id not in backend.targets.get(dimension, {}):
            raise JsonRESTError(MISSING, f"No scalable target found for namespace: {namespace}, resource ID: {r_id}")
        self.deregister_target(backend, namespace, r_id, dimension)
        for key, policy in list(backend.policies.items()):
            if policy.resource_id == r_id and policy.scalable_dimension == dimension:
                del backend.policies[key]

    def put_policy(self, backend: Any, **options: Any) -> Any:
        """PutScalingPolicy needs a target; its policy keeps its ARN."""
        if options["resource_id"] not in backend.targets.get(options["scalable_dimension"], {}):
            raise JsonRESTError(MISSING, f"No scalable target registered for resource ID: {options['resource_id']}")
        known = {(p.resource_id, p.policy_name): p.policy_arn for p in backend.policies.values()}
        policy = self.put(backend, **options)
        policy.policy_arn = known.get((policy.resource_id, policy.policy_name), policy.policy_arn)
        return policy

    def delete_policy(self, backend: Any, **options: Any) -> None:
        """DeleteScalingPolicy of a missing one has its own error code."""
        named = (options["resource_id"], options["policy_name"])
        if named not in {(p.resource_id, p.policy_name) for p in backend.policies.values()}:
            raise JsonRESTError(MISSING, f"No scaling policy found for resource ID: {named[0]}, policy: {named[1]}")
        self.delete(backend, **options)


class TargetAnswers:
    """Application Auto Scaling's answers that moto lacks."""

    def __init__(self, cloud: SharedState) -> None:
        self.cloud = cloud

    def list_tags_for_resource(self, call: Call) -> dict[str, Any]:
        """The tags of a scalable target."""
        return {"Tags": dict(self._tags(call))}

    def tag_resource(self, call: Call) -> dict[str, Any]:
        """Add tags to a scalable target."""
        self._tags(call).update(call.get("Tags", {}))
        return {}

    def untag_resource(self, call: Call) -> dict[str, Any]:
        """Remove tags from a scalable target."""
        tags = self._tags(call)
        for key in call.get("TagKeys", []):
            tags.pop(key, None)
        return {}

    def describe_scaling_activities(self, call: Call) -> dict[str, Any]:
        """The activities of the policies, newest first."""
        backend = self.cloud.backend("applicationautoscaling", call.region)
        wanted = call.get("ResourceId")
        activities = getattr(backend, "activities", [])
        return {"ScalingActivities": [entry for entry in activities if wanted in (None, entry["ResourceId"])]}

    def _tags(self, call: Call) -> dict[str, str]:
        arn = call.get("ResourceARN")
        backend = self.cloud.backend("applicationautoscaling", call.region)
        for targets in backend.targets.values():
            for target in targets.values():
                if target.arn == arn:
                    tags: dict[str, str] = target.__dict__.setdefault("tags", {})
                    return tags
        raise JsonRESTError("ResourceNotFoundException", f"The resource {arn} was not found.")
