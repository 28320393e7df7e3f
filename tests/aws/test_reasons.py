from __future__ import annotations

import pytest

from hfecs.aws.reasons import KNOWN, known

# What AWS said, in its words, to those who met it.
SAID = {
    "You have requested more vCPU capacity than your current vCPU limit of 5 allows for the instance bucket that the "
    "specified instance type belongs to.": "vCPU quota",
    "Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested more": "vCPU quota",
    "You have requested more instances (1) than your current instance limit of 0 allows": "quota of instances",
    "Max spot instance count exceeded.": "quota of spot machines",
    "There is no Spot capacity available that matches your request.": "no spot machine",
    "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity due to your request "
    "configuration.": "no spot machine",
    "Your Spot request price of 0.001 is lower than the minimum required Spot request fulfillment price of "
    "0.0035.": "spot price",
    "The specified instance type is not eligible for Free Tier. For a list of Free Tier instance types, run "
    "'describe-instance-types' with the filter 'free-tier-eligible=true'.": "Free plan",
    "We currently do not have sufficient t3.micro capacity in the Availability Zone you requested (us-east-1a). You "
    "can currently get t3.micro capacity by not specifying an Availability Zone": "in this zone now",
    "Server.InsufficientInstanceCapacity: Insufficient capacity to satisfy instance request": "in this zone now",
    "Your requested instance type (t2.micro) is not supported in your requested Availability Zone (us-east-1e).": "not "
    "offered",
    "The requested configuration is currently not supported. Please check the documentation for supported "
    "configurations.": "not offered",
    "PendingVerification: Your request for accessing resources in this region is being validated": "validating",
    "OptInRequired: You are not subscribed to this service.": "may not launch",
    "This account is currently blocked and not recognized as a valid account.": "may not launch",
    "Client.VolumeLimitExceeded: Volume limit exceeded": "quota of disks",
    "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: "
    "Client.InternalError: Client error on launch": "a key that cannot be used",
    "Client.InvalidSnapshot.NotFound: The snapshot 'snap-1' does not exist": "disk is gone",
    "The image id '[ami-1]' does not exist.": "machine image",
    "You must use a valid fully-formed launch template.": "launch template",
    "The key pair 'mine' does not exist.": "key pair",
    "The security group 'sg-1' does not exist": "is gone",
    "There are not enough free addresses in subnet 'subnet-1' to satisfy the requested number of instances.": "free "
    "address",
    "CannotPullContainerError: Error response from daemon: toomanyrequests: You have reached your pull rate "
    "limit.": "number of pulls",
    "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/amd64'": "another "
    "processor",
    "exec /usr/local/bin/hfecs: exec format error": "another processor",
    "CannotPullContainerError: Error response from daemon: manifest for w:9 not found: manifest unknown": "its tag",
    "CannotPullContainerError: write /var/lib/docker/tmp/x: no space left on device": "disk is full",
    "CannotPullContainerError: Error response from daemon: pull access denied for w, repository does not exist or may "
    "require 'docker login'": "may not be pulled",
    "CannotPullContainerError: dial tcp 34.205.13.154:443: i/o timeout": "does not reach",
    "CannotPullContainerError: Get https://nope.example.org/v2/: dial tcp: lookup nope.example.org: no such host": "a "
    "name",
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
    "failed": "parameters",
    "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to create "
    "Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist.": "log group",
    "OutOfMemoryError: Container killed due to memory usage": "lack of memory",
    "Essential container in task exited; worker: exit code 137": "lack of memory",
    "CannotPullContainerError: something new": "cannot be pulled",
    "(service worker) was unable to place a task because no container instance met all of its requirements. The "
    "closest matching (container-instance 1) has insufficient memory available.": "no machine has room",
    "was unable to place a task because no container instance met all of its requirements. Reason: No Container "
    "Instances were found in your cluster.": "no machine has joined",
    "Server.InternalError: Internal error on launch": "AWS failed",
}


@pytest.mark.parametrize("said", SAID)
def test_each_known_reason_of_aws_gets_its_sentence_and_a_hint(said: str) -> None:
    reason = known(said)

    assert reason is not None
    assert SAID[said] in reason.sentence
    assert reason.hint


def test_all_sentences_are_met_by_these_words_of_aws() -> None:
    met = {reason.sentence for said in SAID if (reason := known(said))}

    assert {reason.sentence for reason in KNOWN} - met == {"a role lacks a permission"}
    assert known("User: arn:aws:iam::1:user/u is not authorized to perform: ssm:GetParameters")


def test_words_that_nobody_knows_have_no_sentence() -> None:
    assert known("Mercury is in retrograde.") is None
