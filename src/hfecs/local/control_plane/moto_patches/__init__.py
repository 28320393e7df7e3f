"""What moto lacks and the local cloud adds; the complete list is below."""

from __future__ import annotations

from hfecs.local.control_plane.moto_patches import (
    auto_scaling,
    buckets,
    clusters,
    ec2,
    roles,
    scaling,
    services,
    tasks,
)
from hfecs.local.reconciler import Reconciler

PATCHES = (
    ec2,  # addresses in 127.N.0.0/16, states of instances, ClientToken, launch templates, security groups in use
    roles,  # the size of their inline policies
    buckets,  # policies that allow TLS only, writes on condition
    auto_scaling,  # groups: bounds, activities, deletion; policies: ARNs, one name per group
    scaling,  # Application Auto Scaling: ARNs, errors, tags; SetAlarmState with actions, the alarms' first state
    clusters,  # clusters that are not empty, capacity providers, container instances
    tasks,  # RunTask, StartTask, StopTask, DescribeTasks, ListTasks on real tasks
    services,  # services that run tasks, task protection
)


def apply(reconciler: Reconciler) -> None:
    """Patch moto, before its first request."""
    for patch in PATCHES:
        patch.apply(reconciler)
