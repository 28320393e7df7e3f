"""Auto Scaling groups: launch and terminate instances until each has what it desires, and write the activities."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from moto.autoscaling.models import ASG_NAME_TAG, InstanceState
from moto.core.exceptions import ServiceException

from hfecs.local.data_plane.shared import SharedState, utc_now

ACTIVITIES_KEPT = 100
RETRY_SECONDS = 30.0  # after a launch that failed
STATES = {"pending": "Pending", "running": "InService", "shutting-down": "Terminating", "terminated": "Terminated"}
IN_GROUP = ("Pending", "InService")
DELETING = "Delete in progress"
UNHEALTHY = "Instance became unhealthy while waiting for instance to be in InService state."


class AutoScalingGroups:
    """All Auto Scaling groups; they live in moto's state, with `activities`, `cause` and `retry_at` added to each."""

    def __init__(self, cloud: SharedState) -> None:
        self.cloud = cloud

    def step(self, now: float) -> None:
        """Bring every group one step nearer to its desired capacity."""
        for region, backend in self.cloud.regions("autoscaling"):
            for group in list(backend.autoscaling_groups.values()):
                self._follow_instances(group, now)
                if getattr(group, "status", None) == DELETING:
                    self._delete(backend, group)
                elif now >= getattr(group, "retry_at", 0.0):
                    self._converge(group, region, now)

    def warming(self, group: Any, seconds: float) -> int:
        """How many of its instances were launched less than `seconds` ago or do not run yet."""
        limit = utc_now() - timedelta(seconds=seconds)
        states = (state for state in group.instance_states if state.lifecycle_state in IN_GROUP)
        return sum(state.lifecycle_state == "Pending" or state.instance.launch_time > limit for state in states)

    def change(self, group: Any, capacity: int, cause: str) -> None:
        """Set the desired capacity, with the reason that the activities will tell."""
        group.cause = cause
        group.desired_capacity = capacity
        self.cloud.wake()

    def delete(self, group: Any) -> None:
        """Begin to delete a group with all its instances."""
        group.status = DELETING
        group.desired_capacity = group.min_size = group.max_size = 0

    def _follow_instances(self, group: Any, now: float) -> None:
        for state in list(group.instance_states):
            if state.lifecycle_state == "Pending" and (reason := getattr(state.instance, "death", "")):
                group.retry_at = now + RETRY_SECONDS
                self._finish(group, state.instance.id, f"{UNHEALTHY} Termination Reason: {reason}")
            if state.lifecycle_state != "Standby":
                state.lifecycle_state = STATES.get(state.instance.state, state.lifecycle_state)
            if state.lifecycle_state == "Terminated":
                group.instance_states.remove(state)
            if state.lifecycle_state in ("InService", "Terminated"):
                self._finish(group, state.instance.id)

    def _converge(self, group: Any, region: str, now: float) -> None:
        there = [state for state in group.instance_states if state.lifecycle_state in IN_GROUP]
        missing = (group.desired_capacity or 0) - len(there)
        if missing > 0 and "Launch" not in suspended(group):
            self._launch(group, region, missing, now)
        if missing < 0 and "Terminate" not in suspended(group):
            free = [state for state in there if not state.protected_from_scale_in]
            free.sort(key=lambda state: (state.lifecycle_state == "InService", state.instance.launch_time))
            for state in free[:-missing]:
                self._terminate(group, state)

    def _launch(self, group: Any, region: str, count: int, now: float) -> None:
        backend = self.cloud.backend("ec2", region)
        subnets = [name for name in (group.vpc_zone_identifier or "").split(",") if name]
        for number in range(count):
            subnet = subnets[(len(group.instance_states) + number) % len(subnets)] if subnets else None
            try:
                instance = launch(backend, group, subnet)
            except ServiceException as error:
                group.retry_at = now + RETRY_SECONDS
                message = f"{error.message} Launching EC2 instance failed."
                _note(group, f"Launching a new EC2 instance.  Status Reason: {message}", "Failed", message=message)
                return
            instance.autoscaling_group = group
            protected = group.new_instances_protected_from_scale_in
            state = InstanceState(instance, lifecycle_state="Pending", protected_from_scale_in=protected)
            group.instance_states.append(state)
            _note(group, f"Launching a new EC2 instance: {instance.id}", "InProgress")

    def _terminate(self, group: Any, state: Any) -> None:
        state.instance.terminate()
        state.lifecycle_state = "Terminating"
        _note(group, f"Terminating EC2 instance: {state.instance.id}", "InProgress")

    def _finish(self, group: Any, instance_id: str, failure: str = "") -> None:
        """End the activities of an instance: successful, or cancelled for a failure."""
        for activity in getattr(group, "activities", []):
            if activity["StatusCode"] == "InProgress" and activity["Description"].endswith(instance_id):
                activity.update(StatusCode="Successful", Progress=100, EndTime=utc_now())
                if failure:
                    told = f"{activity['Description']}.  Status Reason: {failure}"
                    activity.update(StatusCode="Cancelled", StatusMessage=failure, Description=told)

    def _delete(self, backend: Any, group: Any) -> None:
        for state in group.instance_states:
            if state.lifecycle_state in IN_GROUP:
                self._terminate(group, state)
        if not group.instance_states:
            del backend.autoscaling_groups[group.name]
            for key in [key for key, p in backend.policies.items() if p.auto_scaling_group_name == group.name]:
                del backend.policies[key]


def suspended(group: Any) -> set[str]:
    """The processes of a group that somebody suspended."""
    return {entry["ProcessName"] for entry in group.suspended_processes}


def instance_type(backend: Any, group: Any) -> str:
    """The type of the instances that the group launches."""
    return str(_template(backend, group)[1].instance_type)


def _template(backend: Any, group: Any) -> tuple[Any, Any]:
    """The group's launch template and its version; an error when it was deleted meanwhile."""
    kept = backend.get_launch_template(group.ec2_launch_template.id)
    return kept, kept.get_version(group.launch_template_version)


def launch(backend: Any, group: Any, subnet: str | None) -> Any:
    """Launch one instance as the group's launch template says."""
    kept, version = _template(backend, group)
    template = {"LaunchTemplateId": kept.id, "Version": group.launch_template_version}
    reservation = backend.run_instances(
        version.image_id,
        1,
        version.user_data,
        [],
        instance_type=version.instance_type,
        region_name=backend.region_name,
        tags={"instance": {**group.get_propagated_tags(), ASG_NAME_TAG: group.name}},
        launch_template=template,
        is_instance_type_default=False,
        associate_public_ip=None,
        subnet_id=subnet,
        nics=version.data.get("NetworkInterfaces") or [],
        metadata_options=version.data.get("MetadataOptions") or {},
    )
    instance = reservation.instances[0]
    profile = version.data.get("IamInstanceProfile") or {}
    if profile:
        backend.associate_iam_instance_profile(
            instance.id, iam_instance_profile_name=profile.get("Name"), iam_instance_profile_arn=profile.get("Arn")
        )
    return instance


def _note(group: Any, description: str, status: str, message: str = "") -> None:
    if not hasattr(group, "activities"):
        group.activities = []
    now = utc_now()
    default = "a difference between desired and actual capacity"
    activity = {
        "ActivityId": str(uuid.uuid4()),
        "AutoScalingGroupName": group.name,
        "Description": description,
        "Cause": f"At {now:%Y-%m-%dT%H:%M:%SZ} {getattr(group, 'cause', default)}.",
        "StartTime": now,
        "StatusCode": status,
        "Progress": 0 if status == "InProgress" else 100,
        **({"StatusMessage": message, "EndTime": now} if message else {}),
    }
    group.activities.insert(0, activity)
    del group.activities[ACTIVITIES_KEPT:]
