"""The whole story under each scenario: it ends well, or with the right words; and destroy afterwards leaves nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blueprints.leftovers import leftovers
from hfecs.blueprints import cluster, monitoring
from hfecs.blueprints import run as run_blueprint
from hfecs.explained import exit_code, explained
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from hostile.facts import Facts
from hostile.scenarios import SCENARIOS, WELL, HostileCloud, Scenario
from support import FakeClock, add_machine, configuration, stack_of, write_job

LONGEST_SECONDS = 3600.0
IN_EVERY_TEST_RUN = {"EC2 does not see the profile", "a right is missing in IAM", "a security group stays in use"}


@pytest.fixture(scope="session")
def hostile_cloud() -> HostileCloud:
    return HostileCloud()


@pytest.fixture
def sky(hostile_cloud: HostileCloud, aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileCloud]:
    """A cloud that can be told how to behave, and a botocore that does not sleep between its attempts."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    hostile_cloud.calm_down()
    yield hostile_cloud
    hostile_cloud.calm_down()


class Story:
    """Everything that a person does, one after the other, with a clock that does not wait."""

    def __init__(self, cloud: HostileCloud, folder: Path, instances: str = "alarms") -> None:
        self.cloud, self.folder, self.clock = cloud, folder, FakeClock()
        self.configuration = configuration(scaling__instances=instances)
        self.job = write_job(folder / "job")

    def stack(self, name: str) -> Stack:
        state = State.load(self.folder / "hfecs.state.json")
        return stack_of(self.cloud, state, name, clock=self.clock)

    def up(self) -> None:
        monitoring.up(self.stack(monitoring.STACK), self.configuration)
        cluster.up(self.stack(cluster.STACK), self.configuration)
        add_machine(self.stack(cluster.STACK))
        run_blueprint.up(
            self.stack(run_blueprint.STACK),
            self.stack(cluster.STACK),
            self.configuration,
            run=run_blueprint.Run("one", "hfecs-files"),
            directory=self.job,
        )

    def down(self) -> None:
        run_blueprint.down(self.stack(run_blueprint.STACK), with_data=True)
        cluster.down(self.stack(cluster.STACK))
        monitoring.down(self.stack(monitoring.STACK))


def ends(*steps: Callable[[], None]) -> tuple[str, int]:
    """With which words and exit code the steps end, as a person is told; nothing and 0 if they end well."""
    try:
        for step in steps:
            step()
    except Exception as error:
        told = explained(error)
        if not told:
            raise
        return "\n".join(f"{one.message} {one.hint}" for one in told), exit_code(told)
    return "", 0


def scenarios() -> list[object]:
    """All scenarios; most of them run with scripts/reliability only."""
    rare = pytest.mark.reliability
    return [
        pytest.param(scenario, id=scenario.name, marks=[] if scenario.name in IN_EVERY_TEST_RUN else [rare])
        for scenario in SCENARIOS
    ]


@pytest.mark.parametrize("scenario", scenarios())
def test_the_story_ends_well_or_with_the_right_words_and_leaves_nothing(
    sky: HostileCloud, facts: Facts, scenario: Scenario, tmp_path: Path
) -> None:
    story = Story(sky, tmp_path, scenario.instances)
    sky.play(scenario)

    words, code = ends(story.up, story.down)
    seconds = story.clock.time - FakeClock().time

    sky.calm_down()
    story.down()
    left = leftovers(sky)
    facts.note("scenario", rows=scenario.rows, name=scenario.name, ends=scenario.ends or "well", code=code, left=left)
    assert (scenario.ends in words) if scenario.ends else words == WELL
    assert code == (scenario.code if scenario.ends else 0)
    assert seconds < LONGEST_SECONDS
    assert left == []


def test_what_others_have_under_our_names_is_refused_and_left_alone(sky: HostileCloud, tmp_path: Path) -> None:
    story = Story(sky, tmp_path)
    sky.ecs.create_cluster(clusterName="hfecs-hyperflow-cluster")
    machine = add_machine(story.stack(cluster.STACK))
    sky.logs.create_log_group(logGroupName="/hfecs/hyperflow")
    sky.ec2.create_security_group(GroupName="hfecs-hyperflow-members", Description="theirs")
    theirs = leftovers(sky)

    words, code = ends(story.up)
    story.down()

    assert "does not carry the tags" in words
    assert code == 3
    assert leftovers(sky) == theirs
    assert sky.ecs.list_container_instances(cluster="hfecs-hyperflow-cluster")["containerInstanceArns"] == [machine]
