"""Security groups: who can reach a machine, on which ports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import OWNER_TAG, pairs, tags_of
from hfecs.errors import AwsFailed, ConfigurationInvalid
from hfecs.provisioning.resource import Change, Existing, at_once
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "security-group"

IN_USE = ("DependencyViolation", "InvalidGroup.InUse")
GONE = "InvalidGroup.NotFound"
# How long a group is expected to be used by machines that are ending, and how long one waits for them.
FIRST_SECONDS = 30.0
LONGEST_SECONDS = 870.0
EVERYWHERE = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
# The lists of sources in a permission, and the field that identifies a source.
SOURCES = {
    "UserIdGroupPairs": "GroupId",
    "IpRanges": "CidrIp",
    "Ipv6Ranges": "CidrIpv6",
    "PrefixListIds": "PrefixListId",
}


@dataclass(frozen=True, order=True)
class Rule:
    """TCP from a source, a group's id or a CIDR block, to one port."""

    port: int
    source: str

    def __str__(self) -> str:
        return f"{self.port} from {self.source}"

    def permission(self) -> Any:
        """The rule in EC2's form."""
        key, field = "IpRanges", "CidrIp"
        if "/" not in self.source:
            key, field = "UserIdGroupPairs", "GroupId"
        elif ":" in self.source:
            key, field = "Ipv6Ranges", "CidrIpv6"
        return {"IpProtocol": "tcp", "FromPort": self.port, "ToPort": self.port, key: [{field: self.source}]}


def ensure(stack: Stack, name: str, *, vpc_id: str, description: str, rules: Iterable[Rule] = ()) -> str:
    """Create the group with exactly these ingress rules; return its id."""
    wanted = frozenset(rules)
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _create(stack, name, vpc_id, description, wanted),
        changes=lambda found: _changes(stack, found, vpc_id, wanted),
        exists_codes=["InvalidGroup.Duplicate"],
    )


def teardown(stack: Stack, record: Record) -> None:
    """Delete the group, once no network interface uses it; AwsFailed names what keeps it.

    Rules of other people's groups that name it do not go away with time, and are not ours to remove.
    """

    def delete() -> None:
        with ignoring(GONE):
            stack.cloud.ec2.delete_security_group(GroupId=record.id)

    _empty(stack, record.id)
    for patience in (FIRST_SECONDS, LONGEST_SECONDS):
        with ignoring(*IN_USE):
            unused = f"security group {record.name} to be unused"
            stack.wait.out(IN_USE, delete, what=unused, timeout=patience, every=5)
            return
        _refuse_if_named(stack, record)
    users = ", ".join(_interfaces(stack, record.id)) or "something that EC2 does not show"
    raise AwsFailed(
        f"Security group {record.name} ({record.id}) is still used by {users}.",
        hint="remove it from there, then run the same command again",
    )


def _refuse_if_named(stack: Stack, record: Record) -> None:
    """AwsFailed if rules of other groups name this one."""
    naming: dict[str, str] = {}
    for rules in ("ip-permission.group-id", "egress.ip-permission.group-id"):
        filters: Any = [{"Name": rules, "Values": [record.id]}]
        for page in stack.cloud.ec2.get_paginator("describe_security_groups").paginate(Filters=filters):
            for group in page["SecurityGroups"]:
                owner = tags_of(group.get("Tags")).get(OWNER_TAG)
                whose = f"of hfecs cluster {owner}" if owner else "not of hfecs"
                naming[group["GroupId"]] = f"{group['GroupId']} ({group.get('GroupName')}, {whose})"
    naming.pop(record.id, None)
    if naming:
        raise AwsFailed(
            f"Security group {record.name} ({record.id}) cannot be deleted: rules of {', '.join(naming.values())} "
            "name it.",
            hint=f"remove the rules that name {record.id} there, then run the same command again",
        )


def _interfaces(stack: Stack, group_id: str) -> Iterator[str]:
    """The network interfaces that use a group, in EC2's words; none if we may not look."""
    filters: Any = [{"Name": "group-id", "Values": [group_id]}]
    with ignoring("UnauthorizedOperation"):
        for page in stack.cloud.ec2.get_paginator("describe_network_interfaces").paginate(Filters=filters):
            for interface in page["NetworkInterfaces"]:
                machine = (interface.get("Attachment") or {}).get("InstanceId")
                words = interface.get("Description") or machine or interface.get("RequesterId") or "no description"
                yield f"network interface {interface['NetworkInterfaceId']} ({words})"


def survey(stack: Stack) -> Iterator[Existing]:
    """List the groups with this cluster's names."""
    prefix = stack.full_name("")
    pages = stack.cloud.ec2.get_paginator("describe_security_groups").paginate(
        Filters=[{"Name": "group-name", "Values": [f"{prefix}*"]}]
    )
    for page in pages:
        for group in page["SecurityGroups"]:
            name = group["GroupName"].removeprefix(prefix)
            yield Existing(name, group["GroupId"], group, ours=stack.owns(tags_of(group.get("Tags"))))


def _create(stack: Stack, name: str, vpc_id: str, description: str, wanted: frozenset[Rule]) -> str:
    answer = stack.cloud.ec2.create_security_group(
        GroupName=stack.full_name(name),
        Description=description,
        VpcId=vpc_id,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": pairs(stack.tags(name))}],
    )
    if wanted:
        stack.wait.out(
            (GONE,), lambda: _authorize(stack, answer["GroupId"], wanted), what=f"security group {name} to be visible"
        )
    return answer["GroupId"]


def _changes(stack: Stack, found: Existing, vpc_id: str, wanted: frozenset[Rule]) -> Iterator[Change]:
    if found.actual["VpcId"] != vpc_id:
        hint = "a cluster cannot move: delete it first (hfecs cluster down, hfecs monitoring down), or undo the change"
        message = f"Security group {found.name} is in {found.actual['VpcId']}, but network.vpc_id is {vpc_id}."
        raise ConfigurationInvalid(message, hint)
    actual = list(_single(found.actual["IpPermissions"]))
    permitted = [rule.permission() for rule in wanted]
    for permission in actual:
        if permission not in permitted:
            closing = partial(_revoke, stack, found.id, [permission])
            yield Change(f"ingress {_words(permission)}", "open", "closed", closing)
    missing = sorted(rule for rule in wanted if rule.permission() not in actual)
    opened = {f"ingress tcp {rule}": ("closed", "open") for rule in missing}
    yield from at_once(opened, lambda: _authorize(stack, found.id, frozenset(missing)))
    if EVERYWHERE not in _single(found.actual["IpPermissionsEgress"]):
        yield Change("egress to everywhere", "closed", "open", lambda: _let_out(stack, found.id))


def _words(permission: Any) -> str:
    """A permission with one source, in words."""
    first, last = permission.get("FromPort", -1), permission.get("ToPort", -1)
    ports = "all ports" if first == -1 else str(first) if first == last else f"{first}-{last}"
    protocol = "all protocols" if permission["IpProtocol"] == "-1" else permission["IpProtocol"]
    source = next(permission[key][0][field] for key, field in SOURCES.items() if key in permission)
    return f"{protocol} {ports} from {source}"


def _single(permissions: Any) -> Iterator[Any]:
    """Permissions with one source each, without the fields that EC2 adds to a source."""
    for permission in permissions:
        ports = {key: permission[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in permission}
        for key, field in SOURCES.items():
            for source in permission.get(key, []):
                yield ports | {key: [{field: source[field]}]}


def _authorize(stack: Stack, group_id: str, rules: frozenset[Rule]) -> None:
    with ignoring("InvalidPermission.Duplicate"):
        stack.cloud.ec2.authorize_security_group_ingress(
            GroupId=group_id, IpPermissions=[rule.permission() for rule in sorted(rules)]
        )


def _let_out(stack: Stack, group_id: str) -> None:
    """Allow all egress, as EC2 does for a new group; somebody removed it."""
    permissions: Any = [EVERYWHERE]
    with ignoring("InvalidPermission.Duplicate"):
        stack.cloud.ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=permissions)


def _revoke(stack: Stack, group_id: str, permissions: list[Any]) -> None:
    with ignoring("InvalidPermission.NotFound", GONE):
        stack.cloud.ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=permissions)


def _empty(stack: Stack, group_id: str) -> None:
    """Remove its rules, and those of the cluster's other groups that name it: a named group cannot be deleted."""
    pages = stack.cloud.ec2.get_paginator("describe_security_groups").paginate(
        Filters=[{"Name": f"tag:{OWNER_TAG}", "Values": [stack.cluster]}]
    )
    for group in [group for page in pages for group in page["SecurityGroups"]]:
        rules = list(_single(group["IpPermissions"]))
        if group["GroupId"] != group_id:
            rules = [rule for rule in rules if rule.get("UserIdGroupPairs") == [{"GroupId": group_id}]]
        if rules:
            _revoke(stack, group["GroupId"], rules)
