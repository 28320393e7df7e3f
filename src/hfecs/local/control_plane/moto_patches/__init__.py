"""What moto lacks and the local cloud adds; the complete list is below."""

from __future__ import annotations

from hfecs.local.control_plane.moto_patches import (
    addresses,
    alarms,
    buckets,
    capacity_providers,
    clusters,
    container_instances,
    groups,
    instances,
    launch_templates,
    names,
    protection,
    roles,
    scalable_targets,
    scaling_policies,
    security_groups,
    services,
    tasks,
)
from hfecs.local.reconciler import Reconciler

PATCHES = (
    addresses,  # the default VPC in 127.N.0.0/16
    instances,  # states of instances, ClientToken of RunInstances
    launch_templates,  # user data of versions added to a template
    names,  # error codes of roles and launch templates
    roles,  # the size of their inline policies
    buckets,  # policies that allow TLS only, conditional writes
    security_groups,  # DependencyViolation while in use
    groups,  # Auto Scaling groups: bounds, activities, deletion
    scaling_policies,  # EC2 Auto Scaling: ARNs of policies, one name per group
    scalable_targets,  # Application Auto Scaling: ARNs, errors, tags
    capacity_providers,  # their group, their protection, deletion while in use
    clusters,  # DeleteCluster of a non-empty one, repeated CreateCluster
    container_instances,  # deregistration, draining
    tasks,  # RunTask, StartTask, StopTask, DescribeTasks, ListTasks on real tasks
    services,  # services that run tasks
    protection,  # task protection
    alarms,  # SetAlarmState with actions, the alarms' first state
)


def apply(reconciler: Reconciler) -> None:
    """Patch moto, before its first request."""
    for patch in PATCHES:
        patch.apply(reconciler)
