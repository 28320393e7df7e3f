"""Deadlines and scheduled actions are carried out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hfecs.local.data_plane.deadlines import seconds_of
from local.conftest import Site, until


def told(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def tag(site: Site, machine: str, **tags: str) -> None:
    pairs: Any = [{"Key": f"hfecs:{name}", "Value": value} for name, value in tags.items()]
    site.ec2.create_tags(Resources=[machine], Tags=pairs)


def test_a_machine_ends_at_its_deadline_and_not_before(site: Site, cluster: str) -> None:
    over, going_on, for_ever = (site.machine(cluster, "HFECS_DEADLINE_OF=itself", role="master") for _ in range(3))
    tag(site, going_on, ends=told(3600))
    tag(site, for_ever, ends="never")

    tag(site, over, ends=told(-1))

    until(lambda: site.state_of(over) == "terminated")
    assert site.state_of(going_on) == site.state_of(for_ever) == "running"


def test_a_worker_ends_at_the_deadline_of_the_master_of_its_cluster(site: Site, cluster: str) -> None:
    master = site.machine(cluster, "HFECS_DEADLINE_OF=itself", role="master")
    worker = site.machine(cluster, f"HFECS_DEADLINE_OF={cluster}")
    another = site.machine(cluster, "HFECS_DEADLINE_OF=another")

    tag(site, master, cluster=cluster, name="master", ends=told(-1))

    until(lambda: {site.state_of(machine) for machine in (master, worker)} == {"terminated"})
    assert site.state_of(another) == "running"


@pytest.mark.parametrize("time", ["never", "", None, "soon"])
def test_what_is_no_time_is_never_due(time: str | None) -> None:
    assert seconds_of(time) is None


def test_times_are_read_as_tags_write_them_and_moto_keeps_them() -> None:
    assert seconds_of("2026-01-31T12:00:00Z") == seconds_of(datetime(2026, 1, 31, 12)) == 1769860800.0
