"""Commands from their options to their exit code, against a server that stands in for AWS."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from commands.conftest import Hfecs
from hfecs.aws.clients import Cloud
from hfecs.provisioning.state import locked
from support import write_job

pytestmark = pytest.mark.usefixtures("project")


def test_a_cluster_is_made_and_summed_up(project: Path, hfecs: Hfecs) -> None:
    answer = hfecs("cluster", "up")

    assert answer.code == 0
    assert answer.data == ""
    assert "+ instance master  i-" in answer.talk
    assert re.search(r"^Cluster hyperflow: \d\d created \(", answer.talk, re.MULTILINE)
    assert json.loads((project / "hfecs.state.json").read_text())["region"] == "us-east-1"


@pytest.mark.usefixtures("project")
def test_a_number_of_workers_that_ecs_may_delay_is_said_and_no_other(hfecs: Hfecs) -> None:
    by_default = hfecs("cluster", "up")
    counted = hfecs("cluster", "up", "--set", "scaling.worker_max=9")
    provided = hfecs("cluster", "up", "--set", "scaling.worker_max=9", "--set", "scaling.instances=capacity-provider")

    assert "5 to 27 minutes" in counted.talk
    assert "5 to 27 minutes" not in by_default.talk + provided.talk


def test_options_go_before_the_file(project: Path, hfecs: Hfecs, server: Cloud) -> None:
    hfecs("cluster", "up", "--name", "mine", "--instance-type", "t2.small", "--asg-max", "7", "--asg-desired", "2")

    (group,) = server.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert (group["AutoScalingGroupName"], group["MaxSize"], group["DesiredCapacity"]) == ("hfecs-mine-workers", 7, 2)
    templates = server.ec2.describe_launch_template_versions(LaunchTemplateName="hfecs-mine-worker")
    assert templates["LaunchTemplateVersions"][0]["LaunchTemplateData"]["InstanceType"] == "t2.small"


def test_a_plan_before_up_lists_everything_and_makes_nothing(project: Path, hfecs: Hfecs, server: Cloud) -> None:
    answer = hfecs("plan")

    assert answer.code == 0
    assert re.search(r"^Plan for cluster hyperflow: \d\d to create \(", answer.data, re.MULTILINE)
    assert not (project / "hfecs.state.json").exists()
    assert server.ecs.list_clusters()["clusterArns"] == []


def test_the_status_of_nothing_says_how_to_make_something(project: Path, hfecs: Hfecs) -> None:
    answer = hfecs("status")

    assert answer.code == 0
    assert "Cluster hyperflow does not exist in us-east-1. Create it: hfecs cluster up" in answer.data


def test_destroy_removes_everything(standing: Path, hfecs: Hfecs, server: Cloud) -> None:
    answer = hfecs("destroy", "--yes")

    assert answer.code == 0
    assert "- instance master" in answer.talk
    assert "Destroyed everything of cluster hyperflow in us-east-1" in answer.talk
    assert server.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert (
        json.loads((standing / "hfecs.state.json").read_text())["clusters"]["hyperflow"]["stacks"]["cluster"][
            "resources"
        ]
        == []
    )


def test_destroy_without_the_state_file_removes_everything(standing: Path, hfecs: Hfecs, server: Cloud) -> None:
    (standing / "hfecs.state.json").unlink()

    assert hfecs("destroy", "--yes").code == 0

    assert server.iam.list_instance_profiles()["InstanceProfiles"] == []
    assert server.logs.describe_log_groups()["logGroups"] == []


def test_destroy_of_nothing_is_done(project: Path, hfecs: Hfecs) -> None:
    answer = hfecs("destroy", "--yes")

    assert answer.code == 0


def test_down_keeps_the_buckets_of_the_runs_and_destroy_names_them(standing: Path, hfecs: Hfecs, server: Cloud) -> None:
    tags = [{"Key": f"hfecs:{key}", "Value": value} for key, value in {"cluster": "hyperflow", "stack": "run"}.items()]
    server.s3.create_bucket(Bucket="mosaics")
    server.s3.put_bucket_tagging(Bucket="mosaics", Tagging={"TagSet": tags})  # type: ignore[typeddict-item]

    assert hfecs("cluster", "down", "--yes").code == 0
    kept = hfecs("destroy", "--yes")
    deleted = hfecs("destroy", "--yes", "--delete-data")

    assert "kept bucket mosaics" in kept.talk
    assert deleted.code == 0
    assert server.s3.list_buckets()["Buckets"] == []


def test_destroy_says_before_it_asks_what_there_is(standing: Path, hfecs: Hfecs, server: Cloud) -> None:
    tags = [{"Key": f"hfecs:{key}", "Value": value} for key, value in {"cluster": "hyperflow", "stack": "run"}.items()]
    server.s3.create_bucket(Bucket="mosaics")
    server.s3.put_bucket_tagging(Bucket="mosaics", Tagging={"TagSet": tags})  # type: ignore[typeddict-item]
    server.s3.put_object(Bucket="mosaics", Key="one", Body=b"x" * 2_000_000)

    kept, deleted = hfecs("destroy"), hfecs("destroy", "--delete-data")

    assert (kept.code, deleted.code) == (3, 3)
    assert "  machines: 1 t2.micro\n" in kept.talk
    assert "mosaics" not in kept.talk
    assert "  bucket mosaics: 1 objects, 2.0 MB\n" in deleted.talk


def test_what_destroy_cannot_remove_is_listed_with_its_cost_and_the_rest_goes(
    standing: Path, hfecs: Hfecs, server: Cloud
) -> None:
    tags = [{"Key": f"hfecs:{key}", "Value": value} for key, value in {"cluster": "hyperflow", "stack": "run"}.items()]
    server.s3.create_bucket(Bucket="mosaics", ObjectLockEnabledForBucket=True)
    server.s3.put_bucket_tagging(Bucket="mosaics", Tagging={"TagSet": tags})  # type: ignore[typeddict-item]
    server.s3.put_object(Bucket="mosaics", Key="held", ObjectLockLegalHoldStatus="ON")

    answer = hfecs("destroy", "--yes", "--delete-data")

    assert answer.code == 1
    assert "error: Not everything could be removed:\n  bucket mosaics (mosaics), cost unknown\n" in answer.talk
    assert "hint: run the same command again" in answer.talk
    assert server.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []


def test_another_machine_type_asks_before_the_broker_goes(standing: Path, hfecs: Hfecs) -> None:
    refused = hfecs("cluster", "up", "--instance-type", "t2.small")
    allowed = hfecs("cluster", "up", "--instance-type", "t2.small", "--yes")

    assert refused.code == 3
    assert "replaces the broker's machine" in refused.talk
    assert "hint: answer y, or repeat with --yes" in refused.talk
    assert allowed.code == 0
    assert "~ instance master" in allowed.talk


def test_a_state_file_that_another_command_works_on_is_locked(project: Path, hfecs: Hfecs, server: Cloud) -> None:
    with locked(project / "hfecs.state.json", "cluster up"):
        answer = hfecs("cluster", "up")

    assert answer.code == 3
    assert "hfecs.state.json is locked by 'hfecs cluster up'" in answer.talk
    assert server.ecs.list_clusters()["clusterArns"] == []


def test_a_strangers_cluster_is_refused_for_safety(project: Path, hfecs: Hfecs, server: Cloud) -> None:
    server.ecs.create_cluster(clusterName="hfecs-hyperflow-cluster")

    answer = hfecs("cluster", "up")

    assert answer.code == 3
    assert "does not carry the tags" in answer.talk


def test_a_run_without_a_cluster_says_how_to_make_one(project: Path, hfecs: Hfecs, server: Cloud) -> None:
    answer = hfecs("run", str(write_job(project / "job")), "--bucket", "mosaics")

    assert answer.code == 2
    assert "There is no cluster hyperflow in us-east-1 to run on." in answer.talk
    assert "Workflow copy: 1 jobs" in answer.talk
    assert server.s3.list_buckets()["Buckets"] == []


def test_a_run_without_a_job_directory_is_misuse(project: Path, hfecs: Hfecs) -> None:
    answer = hfecs("run", "--bucket", "mosaics")

    assert answer.code == 2
    assert "No job directory was given." in answer.talk


def test_logs_of_an_unknown_part_name_the_known_ones(project: Path, hfecs: Hfecs) -> None:
    answer = hfecs("logs", "boss")

    assert answer.code == 2
    assert "Unknown part boss." in answer.talk
    assert "master, worker, runner, telegraf, monitoring or machine NAME" in answer.talk


def strip_tags(server: Cloud) -> None:
    """Take hfecs's tags from things that only a name ties to the cluster."""
    keys = [f"hfecs:{key}" for key in ("cluster", "stack", "name")]
    (group,) = server.ec2.describe_security_groups(GroupNames=["hfecs-hyperflow-broker"])["SecurityGroups"]
    server.ec2.delete_tags(Resources=[group["GroupId"]], Tags=[{"Key": key} for key in keys])
    server.iam.untag_role(RoleName="hfecs-hyperflow-us-east-1-runner", TagKeys=keys)
    (known,) = server.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    carried: Any = [{**tag, "ResourceType": "auto-scaling-group"} for tag in known["Tags"]]
    server.autoscaling.delete_tags(Tags=carried)


def test_destroy_names_what_lost_its_tags_and_so_do_the_next_destroy_and_status(
    standing: Path, hfecs: Hfecs, server: Cloud
) -> None:
    strip_tags(server)

    answers = [hfecs("destroy", "--yes"), hfecs("destroy", "--yes")]
    after = hfecs("status")
    data = json.loads(hfecs("status", "--json").data)

    things = ["auto-scaling-group workers", "security-group broker", "role runner"]
    for answer in answers:
        assert answer.code == 1
        assert "Destroyed everything" not in answer.talk
        assert [thing for thing in things if f"{thing} (" not in answer.talk] == []
        assert "no longer carries the tags of this cluster" in answer.talk
    assert [thing for thing in things if f"{thing} (" not in after.data] == []
    assert "does not exist" not in after.talk
    assert {thing["what"].split(" (")[0] for thing in data["left"]} >= set(things)


@pytest.mark.parametrize("command", [["cluster", "down", "--yes"], ["destroy", "--yes"]], ids=" ".join)
def test_a_state_that_names_an_unknown_kind_is_no_empty_state(standing: Path, hfecs: Hfecs, command: list[str]) -> None:
    path = standing / "hfecs.state.json"
    document = json.loads(path.read_text())
    resources = document["clusters"]["hyperflow"]["stacks"]["cluster"]["resources"]
    resources.append({**resources[0], "kind": "load-balancer", "name": "front", "id": "lb-1"})
    path.write_text(json.dumps(document))

    answer = hfecs(*command)

    assert answer.code == 1
    assert "load-balancer front (lb-1)" in answer.talk
