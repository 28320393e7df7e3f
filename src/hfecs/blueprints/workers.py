"""The workers and their machines, scaled by our alarms or by an ECS capacity provider.

The two do not mix: a service is created for one or the other, and machines belong to a provider only if launched for
it. Switching modes recreates both: `switch_scaling_mode` deletes the old ones, and the rest of `up` creates the new
ones.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from hfecs.aws.account import Site
from hfecs.aws.tags import tags_of
from hfecs.blueprints import containers, deadlines, scaling
from hfecs.blueprints.foundation import Foundation
from hfecs.blueprints.machines import launch, one_on_each, template_data
from hfecs.config import Config, Scaling
from hfecs.errors import NotConfirmed
from hfecs.parallel import together
from hfecs.provisioning.resource import Change, Existing
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.teardown import Paragraphs, absent
from hfecs.resources import (
    alarm,
    auto_scaling_group,
    capacity_provider,
    ecs_cluster,
    launch_template,
    scalable_target,
    scaling_policy,
    scheduled_action,
    service,
    service_scaling_policy,
)

GROUP = capacity_provider.GROUP
SERVICE = "worker"
POLICIES = ("more", "fewer")
# ECS recognises its providers' machines by this tag; set when the group is created, it is on the first ones too.
MANAGED: dict[str, str] = {"AmazonECSManaged": "true"}

# Everything that is recreated, in order of deletion; the group is last, and shows whether anything is left to delete.
ANEW: Paragraphs = [
    [alarm],
    [service_scaling_policy, scaling_policy, scheduled_action],
    [scalable_target],
    [service],
    [capacity_provider],
    [auto_scaling_group],
]
NAMES: dict[str, tuple[str, ...]] = {
    alarm.KIND: ("jobs-wait", "no-work"),
    service_scaling_policy.KIND: POLICIES,
    scaling_policy.KIND: POLICIES,
    scheduled_action.KIND: (deadlines.ACTION,),
    scalable_target.KIND: (SERVICE,),
    service.KIND: (SERVICE,),
    capacity_provider.KIND: (GROUP,),
    auto_scaling_group.KIND: (GROUP,),
}
RESTARTED = "stops the workers: their jobs restart on others"
ENDED = "deletes the workers and their machines: their jobs restart on others"


def machines(stack: Stack, config: Config, place: Site, base: Foundation) -> str:
    """Create their group, and its capacity provider if configured; return the name of the group."""
    groups = [base.members]
    parameters = launch(config, place, role="worker", cluster=base.cluster, profile=base.profile, groups=groups)
    template = launch_template.ensure(stack, "worker", data=template_data(parameters))
    has_provider = scaling.has_provider(config.scaling)
    name = auto_scaling_group.ensure(
        stack,
        GROUP,
        template_id=template,
        subnet_ids=place.subnet_ids,
        sizes={
            "MinSize": config.scaling.asg_min,
            "MaxSize": config.scaling.asg_max,
            # The workers, or the provider, release idle machines.
            "NewInstancesProtectedFromScaleIn": True,
        },
        desired=config.scaling.asg_desired,
        tags=MANAGED if has_provider else None,
    )
    if has_provider:
        known = stack.seen(ecs_cluster.KIND, "cluster")
        capacity_provider.ensure(
            stack,
            GROUP,
            cluster=base.cluster,
            attached=known.actual.get("capacityProviders", []) if known else [],
            group=auto_scaling_group.arn(stack, GROUP),
            scaling=scaling.managed(config.scaling),
        )
    return name


def policies(stack: Stack, sized: Scaling, group: str) -> tuple[list[str], list[str]]:
    """The group's own step policies for work and for idleness: none if a provider scales it."""
    if scaling.has_provider(sized):
        together(*[partial(absent, stack, scaling_policy, name) for name in POLICIES])
        return [], []
    more, fewer = together(
        lambda: scaling_policy.ensure(stack, "more", group=group, policy=scaling.machines_more(sized)),
        lambda: scaling_policy.ensure(stack, "fewer", group=group, policy=scaling.machines_fewer(sized)),
    )
    return [more], [fewer]


def service_of(stack: Stack, sized: Scaling, base: Foundation, definition: str) -> tuple[list[str], list[str]]:
    """Create their service; return its own step policies for work and for idleness, none if it follows the machines.

    With one worker per machine and no provider it is a daemon, which Application Auto Scaling does not scale.
    """
    if scaling.follows_machines(sized):
        together(*[partial(absent, stack, service_scaling_policy, name) for name in POLICIES])
        absent(stack, scalable_target, SERVICE)
        settings = one_on_each("worker", definition)
        service.ensure(stack, SERVICE, cluster=base.cluster, settings=settings, interrupts=RESTARTED)
        return [], []
    return _scaled_service(stack, sized, base, definition)


def _scaled_service(stack: Stack, sized: Scaling, base: Foundation, definition: str) -> tuple[list[str], list[str]]:
    """A service whose number of tasks the alarms change."""
    least, desired, most = sized.workers
    placed = containers.one_a_machine if sized.one_worker_a_machine else containers.spread
    settings = placed(definition)
    if scaling.has_provider(sized):
        settings = containers.on_provider(settings, stack.full_name(GROUP))
    # Replacing these tasks interrupts nothing: a worker with jobs is protected from being stopped.
    name = service.ensure(
        stack, SERVICE, cluster=base.cluster, desired=desired, settings=settings, recreating=RESTARTED
    )
    target = scalable_target.ensure(stack, SERVICE, cluster=base.cluster, service=name, least=least, most=most)
    # Application Auto Scaling requires sequential calls for one service.
    more = service_scaling_policy.ensure(stack, "more", target=target, policy=scaling.workers_more(sized))
    fewer = service_scaling_policy.ensure(stack, "fewer", target=target, policy=scaling.workers_fewer(sized))
    return [more], [fewer]


def switch_scaling_mode(stack: Stack, config: Config) -> Stack:
    """Delete the workers if their machines are scaled in the other mode; return the stack without them.

    NotConfirmed if that interrupts work and was not allowed.
    """
    if not _stands_otherwise(stack, wanted=scaling.has_provider(config.scaling)):
        return stack
    because = _turn(stack, config)
    # The group is deleted last; without one, its service tells the mode.
    tells = auto_scaling_group if _ours(stack, auto_scaling_group.KIND) else service
    if because.interrupts and not (stack.plan or stack.may_interrupt):
        raise NotConfirmed(f"Changing {because} {because.interrupts}.", hint="repeat with --yes to allow it")
    for paragraph in ANEW:
        together(
            *[
                partial(absent, stack, module, name, [because] if module is tells else ())
                for module in paragraph
                for name in NAMES[module.KIND]
            ]
        )
    gone = {(kind, name) for kind, names in NAMES.items() for name in names}
    return replace(stack, inventory=stack.inventory.without(gone))


def _stands_otherwise(stack: Stack, *, wanted: bool) -> bool:
    """Whether anything exists of workers in the other mode, perhaps left over from an interrupted `up`."""
    group, provider = _ours(stack, auto_scaling_group.KIND), _ours(stack, capacity_provider.KIND)
    if _serves_otherwise(stack, wanted=wanted):
        return True
    if not wanted:
        return provider is not None or _is_managed(group)
    if provider is None:
        return group is not None and not _is_managed(group)
    of = provider.actual["autoScalingGroupProvider"]["autoScalingGroupArn"]
    return group is None or not _is_managed(group) or group.actual["AutoScalingGroupARN"] != of


def _serves_otherwise(stack: Stack, *, wanted: bool) -> bool:
    """Whether the workers' service was created for the other mode, or for another provider."""
    workers = _ours(stack, service.KIND, SERVICE)
    if workers is None:
        return False
    if providers := service.providers(workers):
        return not wanted or providers != [stack.full_name(GROUP)]
    # moto never returns a service's provider, so "none" is trusted only if no provider exists.
    return wanted and _ours(stack, capacity_provider.KIND) is None


def _is_managed(group: Existing | None) -> bool:
    return group is not None and MANAGED.keys() <= tags_of(group.actual["Tags"]).keys()


def _turn(stack: Stack, config: Config) -> Change:
    """The change of mode, and what it interrupts."""
    group, workers = _ours(stack, auto_scaling_group.KIND), _ours(stack, service.KIND, SERVICE)
    ends = (group and group.actual["Instances"]) or (workers and workers.actual.get("runningCount"))
    provided = _ours(stack, capacity_provider.KIND) or _is_managed(group) or (workers and service.providers(workers))
    before = "capacity-provider" if provided else "alarms"
    if before == config.scaling.instances:
        before = f"{before} of another group"
    return Change("instances", before, config.scaling.instances, lambda: None, ENDED if ends else "")


def _ours(stack: Stack, kind: str, name: str = GROUP) -> Existing | None:
    known = stack.seen(kind, name)
    return known if known and stack.inventory.owns(known) else None
