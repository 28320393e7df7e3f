"""`up` under one configuration, another command under another: it works on what is recorded, or refuses before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blueprints.leftovers import leftovers
from commands.conftest import Hfecs, emptied
from hfecs.aws.clients import Cloud
from hostile.inventory import Inventory, inventory
from support import KEYS, write_job

REGIONS = ["us-east-1", "eu-west-1"]
CONFIGURATIONS = st.fixed_dictionaries(
    {},
    optional={
        "cluster.name": st.sampled_from(["a", "b", "hyperflow"]),
        "aws.region": st.sampled_from(REGIONS),
        "ports.amqp": st.sampled_from([5673, 5674]),
        "ports.management": st.just(15673),
        "cluster.instance_type": st.sampled_from(["t2.small", "t3.large"]),
        "cluster.log_retention_days": st.just(7),
        "cluster.max_hours": st.just(0),
        "scaling.instances": st.just("capacity-provider"),
        "scaling.asg_max": st.just(3),
        "scaling.spot": st.just(True),
    },
)
LOOKING = [
    ["status"],
    ["plan"],
    ["logs"],
    ["monitoring", "status"],
    ["run", "--attach"],
    ["run", "--stop"],
    ["run", "--resume", "20260101-000000-abcd"],
    ["run", "job"],
]
STEADY = settings(max_examples=6, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="session")
def clouds(server: Cloud) -> dict[str, Cloud]:
    """The server, seen in each region."""
    return {region: Cloud(region=region, endpoint_url=server.endpoint_url, environment=KEYS) for region in REGIONS}


def under(configuration: dict[str, Any]) -> list[str]:
    """A configuration as it is typed."""
    return [word for key, value in configuration.items() for word in ("--set", f"{key}={value}")]


def everything(clouds: dict[str, Cloud]) -> dict[str, Inventory]:
    return {region: inventory(cloud) for region, cloud in clouds.items()}


def stand(project: Path, server: Cloud, hfecs: Hfecs, configuration: dict[str, Any], *, watched: bool) -> None:
    """An account in which `up` has been run under a configuration, and nothing else."""
    emptied(server)
    (project / "hfecs.state.json").unlink(missing_ok=True)
    if watched:
        assert hfecs(*under(configuration), "monitoring", "up").code == 0
    assert hfecs(*under(configuration), "cluster", "up").code == 0


@pytest.mark.usefixtures("small_moto")
@given(first=CONFIGURATIONS, second=CONFIGURATIONS, watched=st.booleans())
@STEADY
def test_destroy_leaves_nothing_or_touches_nothing(
    project: Path,
    server: Cloud,
    clouds: dict[str, Cloud],
    hfecs: Hfecs,
    first: dict[str, Any],
    second: dict[str, Any],
    watched: bool,
) -> None:
    stand(project, server, hfecs, first, watched=watched)
    before = everything(clouds)

    answer = hfecs(*under(second), "destroy", "--yes")

    mine, other = first.get("cluster.name", "hyperflow"), second.get("cluster.name")
    if answer.code == 0 and other in (None, mine):
        assert [left for cloud in clouds.values() for left in leftovers(cloud)] == []
    else:
        assert everything(clouds) == before
        told = f"cluster {mine} exists there" if answer.code == 0 else "belongs to region"
        assert told in answer.talk


@pytest.mark.usefixtures("small_moto")
@given(first=CONFIGURATIONS, second=CONFIGURATIONS, watched=st.booleans(), command=st.sampled_from(LOOKING))
@STEADY
def test_what_only_looks_finds_what_stands_or_refuses(
    project: Path,
    server: Cloud,
    clouds: dict[str, Cloud],
    hfecs: Hfecs,
    first: dict[str, Any],
    second: dict[str, Any],
    watched: bool,
    command: list[str],
) -> None:
    write_job(project / "job")
    stand(project, server, hfecs, first, watched=watched)
    before = everything(clouds)

    answer = hfecs(*under(second), *command)

    mine, other = first.get("cluster.name", "hyperflow"), second.get("cluster.name")
    region, elsewhere = (one.get("aws.region", "us-east-1") for one in (first, second))
    assert everything(clouds) == before
    if region != elsewhere:
        assert answer.code == 2
        assert "belongs to region" in answer.talk
    elif other in (None, mine) and command == ["status"]:
        assert "\nmaster" in answer.data
    elif command == ["status"]:
        assert f"cluster {mine} exists there" in answer.talk
