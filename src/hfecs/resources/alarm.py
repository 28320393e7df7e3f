"""CloudWatch alarms: which metric triggers which policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from hfecs.aws.errors import ignoring
from hfecs.aws.tags import pairs, tags_of
from hfecs.parallel import together
from hfecs.provisioning.diff import details
from hfecs.provisioning.resource import Change, Existing, at_once
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record

KIND = "alarm"

# An alarm without its actions does nothing. Somebody may have disabled them by hand.
ACTING: Any = {"ActionsEnabled": True}


def ensure(stack: Stack, name: str, *, alarm: Mapping[str, Any]) -> str:
    """Create or update the alarm as `alarm` says (MetricName, Threshold, AlarmActions ...); return its name."""
    return stack.ensure(
        KIND,
        name,
        survey=survey,
        create=lambda: _create(stack, name, alarm),
        changes=lambda found: _changes(stack, name, found, alarm),
    )


def teardown(stack: Stack, record: Record) -> None:
    """Delete the alarm."""
    with ignoring("ResourceNotFound"):
        stack.cloud.cloudwatch.delete_alarms(AlarmNames=[record.id])


def survey(stack: Stack) -> Iterator[Existing]:
    """List the alarms with this cluster's names."""
    prefix = stack.full_name("")
    pages = stack.cloud.cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
    alarms: list[Any] = [alarm for page in pages for alarm in page["MetricAlarms"]]
    tags = together(*[partial(_tags, stack, alarm["AlarmArn"]) for alarm in alarms])
    for alarm, tagged in zip(alarms, tags, strict=True):
        full_name = alarm["AlarmName"]
        yield Existing(full_name.removeprefix(prefix), full_name, alarm, ours=stack.owns(tagged))


def _tags(stack: Stack, arn: str) -> dict[str, str]:
    with ignoring("ResourceNotFoundException"):
        return tags_of(stack.cloud.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"])
    return {}


def _create(stack: Stack, name: str, alarm: Mapping[str, Any]) -> str:
    _put(stack, name, alarm)
    return stack.full_name(name)


def _put(stack: Stack, name: str, alarm: Mapping[str, Any]) -> None:
    """Write the whole alarm: a put replaces everything except the state."""
    stack.cloud.cloudwatch.put_metric_alarm(
        AlarmName=stack.full_name(name), Tags=pairs(stack.tags(name)), **ACTING, **alarm
    )


def _changes(stack: Stack, name: str, found: Existing, alarm: Mapping[str, Any]) -> Iterator[Change]:
    yield from at_once(details({**ACTING, **alarm}, found.actual), lambda: _put(stack, name, alarm))
