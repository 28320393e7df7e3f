"""The end of a cluster that has nothing to do."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from hfecs.agents.notifier.idle_shutdown import IdleShutdown, IdleTime
from hfecs.agents.notifier.queue import QueueNumbers
from support import WatchedCloud

MINUTE = 60.0
CLOSE = 10 * MINUTE
IMAGE = "ami-12c6146b"
IDLE, BUSY = QueueNumbers(), QueueNumbers(in_flight=1)


def test_idle_time_adds_up_from_look_to_look() -> None:
    time = IdleTime()

    for now in (100, 130, 160):
        time.look(True, now)

    assert time.seconds == 60


def test_something_to_do_begins_it_anew() -> None:
    time = IdleTime()

    for idle, now in ((True, 0), (True, 50), (False, 60), (True, 70), (True, 80)):
        time.look(idle, now)

    assert time.seconds == 10


def test_time_in_which_nobody_knew_does_not_count_and_takes_nothing_away() -> None:
    time = IdleTime()

    for idle, now in ((True, 0), (True, 50), (None, 60), (True, 500), (True, 510)):
        time.look(idle, now)

    assert time.seconds == 60


class Site:
    """A cluster with a master, a monitoring and a group, and the switch on its master."""

    def __init__(self, cloud: WatchedCloud) -> None:
        self.cloud = cloud
        self.ec2, self.autoscaling = cloud.ec2, cloud.autoscaling
        self.numbers: QueueNumbers | None = IDLE
        self.master = self.machine("cluster", "master", **{"hfecs:idle-minutes": "60", "hfecs:ends": "never"})
        self.monitoring = self.machine("monitoring", "monitoring")
        self.stranger = self.machine("cluster", "master", **{"hfecs:cluster": "another"})
        self.ec2.create_launch_template(LaunchTemplateName="template", LaunchTemplateData={"ImageId": IMAGE})
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName="hfecs-stars-workers",
            LaunchTemplate={"LaunchTemplateName": "template"},
            MinSize=0,
            MaxSize=3,
            DesiredCapacity=1,
            AvailabilityZones=["us-east-1a"],
            Tags=[
                {"Key": key, "Value": value, "PropagateAtLaunch": True}
                for key, value in {"hfecs:cluster": "stars", "hfecs:stack": "cluster", "hfecs:name": "workers"}.items()
            ],
        )
        self.now = 0.0
        environ = {"CLUSTER_NAME": "stars", "AUTO_SCALING_GROUP": "hfecs-stars-workers"}
        self.switch = IdleShutdown(environ, self._read, self.ec2, self.autoscaling, cloud.cloudwatch)
        self.switch.look(self.now)

    def _read(self) -> QueueNumbers:
        if self.numbers is None:
            raise OSError("no broker")
        return self.numbers

    def machine(self, stack: str, name: str, **tags: str) -> str:
        wanted = {"hfecs:cluster": "stars", "hfecs:stack": stack, "hfecs:name": name, **tags}
        pairs: Any = [{"Key": key, "Value": value} for key, value in wanted.items()]
        answer = self.ec2.run_instances(
            ImageId=IMAGE, MinCount=1, MaxCount=1, TagSpecifications=[{"ResourceType": "instance", "Tags": pairs}]
        )
        return str(answer["Instances"][0]["InstanceId"])

    def passes(self, minutes: float) -> None:
        """Let time pass, with a look each half a minute; within a long time there are fewer, for moto's sake."""
        begun, end = self.now, self.now + minutes * MINUTE
        while self.now < end:
            near = self.now - begun < MINUTE or end - self.now <= CLOSE
            self.now += MINUTE / 2 if near else min(CLOSE, end - CLOSE - self.now)
            self.switch.look(self.now)

    def state(self, machine: str) -> str:
        (reservation,) = self.ec2.describe_instances(InstanceIds=[machine])["Reservations"]
        return str(reservation["Instances"][0]["State"]["Name"])

    def lives(self) -> bool:
        return self.state(self.master) == "running"

    def group(self) -> tuple[int, int, int]:
        (group,) = self.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        return group["MinSize"], group["MaxSize"], group["DesiredCapacity"]

    def told(self) -> list[float]:
        puts = [call["MetricData"] for call in self.cloud.calls_of("PutMetricData")]
        return [metric["Value"] for data in puts for metric in data if metric["MetricName"] == "IdleSecondsLeft"]


@pytest.fixture
def site(cloud: WatchedCloud) -> Site:
    made = Site(cloud)
    cloud.forget()
    return made


def test_an_idle_cluster_ends_after_its_time_with_all_its_machines_and_no_others(site: Site) -> None:
    site.passes(59)
    assert site.lives()

    site.passes(2)

    assert site.group() == (0, 0, 0)
    assert {site.state(machine) for machine in (site.master, site.monitoring)} == {"terminated"}
    assert site.state(site.stranger) == "running"


def test_a_machine_that_ecs_protects_again_is_ended_by_ec2(site: Site) -> None:
    (group,) = site.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    (machine,) = [one["InstanceId"] for one in group["Instances"]]
    site.autoscaling.set_instance_protection(
        AutoScalingGroupName="hfecs-stars-workers", InstanceIds=[machine], ProtectedFromScaleIn=True
    )
    # As a capacity provider does while a worker runs there: nobody else can let go of it.
    site.cloud.answer("SetInstanceProtection")

    site.passes(61)

    assert site.group() == (0, 0, 0)
    assert site.state(machine) == "terminated"


def test_a_cluster_whose_group_is_gone_ends_too(site: Site) -> None:
    site.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="hfecs-stars-workers", ForceDelete=True)

    site.passes(61)

    assert not site.lives()


def test_it_says_why_in_its_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    site.passes(61)

    assert "no job and no run for 60 minutes: the machines of cluster stars end" in caplog.text


def test_a_job_in_hand_keeps_it(site: Site) -> None:
    site.numbers = BUSY

    site.passes(120)

    assert site.lives()


def test_the_time_begins_anew_after_the_last_job(site: Site) -> None:
    site.passes(50)
    site.numbers = BUSY
    site.passes(1)
    site.numbers = IDLE

    site.passes(59)
    assert site.lives()

    site.passes(2)
    assert not site.lives()


def test_a_run_without_a_job_in_the_queue_keeps_it(site: Site) -> None:
    runner = site.machine("run", "runner-one")
    site.passes(120)
    assert site.lives()

    site.ec2.terminate_instances(InstanceIds=[runner])
    site.passes(61)

    assert not site.lives()


def test_somebody_who_renews_the_deadline_is_there(site: Site) -> None:
    site.passes(50)
    tags: Any = [{"Key": "hfecs:ends", "Value": "2035-01-01T00:00:00Z"}]
    site.ec2.create_tags(Resources=[site.master], Tags=tags)

    site.passes(50)

    assert site.lives()


def test_a_broker_that_does_not_answer_is_not_an_idle_one(site: Site) -> None:
    site.numbers = None

    site.passes(600)

    assert site.lives()
    assert site.told() == []


def test_without_a_limit_it_stays(site: Site) -> None:
    tags: Any = [{"Key": "hfecs:idle-minutes", "Value": "0"}]
    site.ec2.create_tags(Resources=[site.master], Tags=tags)

    site.passes(600)

    assert site.lives()
    assert site.told() == []


def test_the_time_left_is_told_to_cloudwatch(site: Site) -> None:
    site.passes(15)

    told = site.told()
    assert told[0] == pytest.approx(3600)
    assert told[-1] == pytest.approx(45.5 * MINUTE, abs=MINUTE)


def test_what_aws_refuses_is_tried_again_and_the_master_goes_last(site: Site) -> None:
    site.cloud.refuse("UpdateAutoScalingGroup", "AccessDenied", "not authorized", times=20)
    site.passes(69)
    assert site.lives()

    site.passes(5)

    ended = [call["InstanceIds"] for call in site.cloud.calls_of("TerminateInstances")]
    assert ended == [[site.monitoring], [site.master]]
    assert site.group() == (0, 0, 0)


def test_the_end_of_one_run_leaves_the_cluster_to_the_other(site: Site) -> None:
    first, second = (site.machine("run", f"runner-{name}") for name in ("first", "second"))
    site.passes(50)

    site.ec2.terminate_instances(InstanceIds=[first])
    site.passes(90)
    with_second = site.lives()
    site.ec2.terminate_instances(InstanceIds=[second])
    site.passes(61)

    assert with_second
    assert not site.lives()
