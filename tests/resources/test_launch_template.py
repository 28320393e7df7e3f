from __future__ import annotations

import base64
from typing import Any

from hfecs.aws import account
from hfecs.aws.machine_types import MachineType
from hfecs.blueprints.machines import launch, template_data
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.teardown import remove
from hfecs.resources import launch_template
from support import WatchedCloud, again, configuration

MACHINE = MachineType("t2.micro", 1, 1024, "x86_64")
SITE = account.Site("vpc-1", ["subnet-1"], MACHINE, "ami-12c6146b", [])


def data(**changes: Any) -> dict[str, Any]:
    parameters = launch(configuration(**changes), SITE, role="worker", cluster="c", profile="p", groups=["sg-1"])
    return template_data(parameters)


def latest(stack: Stack, template: str) -> Any:
    versions = stack.cloud.ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["$Latest"])
    return versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]


def test_the_user_data_of_a_template_decodes_to_the_script(stack: Stack) -> None:
    template = launch_template.ensure(stack, "worker", data=data())

    script = base64.b64decode(latest(stack, template)["UserData"]).decode()
    assert script.startswith("#!/bin/bash\n")
    assert "ECS_CLUSTER=c" in script


def test_a_single_machine_gets_its_script_as_it_is_since_boto_encodes_it() -> None:
    parameters = launch(configuration(), SITE, role="master", cluster="c", profile="p", groups=["sg-1"])

    assert parameters["UserData"].startswith("#!/bin/bash\n")


def test_machines_answer_only_to_tokens_and_not_to_containers(stack: Stack) -> None:
    template = launch_template.ensure(stack, "worker", data=data())

    options = latest(stack, template)["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 1)


def test_disks_are_encrypted_gp3_and_go_with_the_machine(stack: Stack) -> None:
    template = launch_template.ensure(stack, "worker", data=data())

    (mapping,) = latest(stack, template)["BlockDeviceMappings"]
    disk = mapping["Ebs"]
    assert (disk["VolumeType"], disk["Encrypted"], disk["DeleteOnTermination"]) == ("gp3", True, True)
    assert disk["VolumeSize"] >= 30


def test_a_key_pair_is_named_only_if_there_is_one() -> None:
    assert "KeyName" not in data()
    assert data(cluster__key_pair_name="mine")["KeyName"] == "mine"


def test_a_change_adds_a_version_and_leaves_the_old_one(stack: Stack) -> None:
    template = launch_template.ensure(stack, "worker", data=data())

    launch_template.ensure(again(stack), "worker", data=data(cluster__key_pair_name="mine"))

    answer = stack.cloud.ec2.describe_launch_templates(LaunchTemplateIds=[template])["LaunchTemplates"][0]
    assert answer["LatestVersionNumber"] == 2
    assert latest(stack, template)["KeyName"] == "mine"


def test_what_has_a_name_of_its_own_sends_no_token_that_would_outlive_it(stack: Stack, cloud: WatchedCloud) -> None:
    first = launch_template.ensure(stack, "worker", data=data())
    remove(again(stack), [[launch_template]])

    second = launch_template.ensure(again(stack), "worker", data=data())

    assert second != first
    tokens = [call.get("ClientToken") for call in cloud.calls_of("CreateLaunchTemplate")]
    assert stack.token(launch_template.KIND, "worker") not in tokens
