"""AWS's reasons for what does not come: launches, machines and tasks; each known one as a sentence with a hint.

AWS tells them in words for people, seldom with a code: an Auto Scaling group says "Launching EC2 instance failed" after
the words of EC2, and its code only for spot machines. The words are those of the Auto Scaling and ECS guides
("instance launch failure", "stopped task errors") and of reports of their users; what is not known here is told as AWS
says it.
"""

from __future__ import annotations

from dataclasses import dataclass

from hfecs.aws.errors import HINTS, NO_PERMISSION

IMAGE_OR_TAG = "push it (hfecs images push) or correct the name in [images], then hfecs cluster up"
WAY_OUT = "machines need a way to the internet: a public address, or a subnet with a NAT gateway (network.subnet_ids)"
OTHER_SPOT = "wait, choose another cluster.instance_type, or set scaling.spot = false; then hfecs cluster up"
LARGER = "choose a larger cluster.instance_type, or fewer job slots and less memory for each worker"
SECRETS = "hfecs cluster up restores parameters, log group and roles; then look at hfecs status again"
ACCOUNT = "AWS checks new accounts for minutes, at most some hours: see the mail of the account, then try again"
ASK_SUPPORT = "complete the account's registration (payment, phone, support plan) in its console, or ask AWS Support"
KEY = (
    "the key that encrypts the disks must be enabled, and its policy must let you and the role "
    "AWSServiceRoleForAutoScaling use it"
)


@dataclass(frozen=True)
class Known:
    """A reason of AWS that has a sentence: the words by which it is recognized, all in lower case."""

    words: tuple[str, ...]
    sentence: str
    hint: str


# The first that fits counts: the narrower ones come before the wider ones.
KNOWN = (
    # launches
    Known(
        ("vcpulimitexceeded", "vcpu limit"),
        "the account's vCPU quota is used up",
        HINTS["VcpuLimitExceeded"],
    ),
    Known(
        ("instancelimitexceeded", "current instance limit"),
        "the account's quota of instances is used up",
        HINTS["InstanceLimitExceeded"],
    ),
    Known(
        ("maxspotinstancecountexceeded", "max spot instance count exceeded"),
        "the account's quota of spot machines is used up",
        "raise the quota 'All Standard Spot Instance Requests' (L-34B43A08), or set scaling.spot = false",
    ),
    Known(
        ("no spot capacity", "unfulfillablecapacity", "spot instance interruption", "capacity-oversubscribed"),
        "AWS has no spot machine of this type now",
        OTHER_SPOT,
    ),
    Known(
        ("spotmaxpricetoolow", "lower than the minimum required spot request fulfillment price"),
        "the spot price is above the price that is offered",
        OTHER_SPOT,
    ),
    Known(
        ("not eligible for free tier",),
        "the account is on AWS's Free plan, which does not offer this instance type",
        "choose a type that it offers (t3.micro, t3.small), or upgrade the account; then hfecs cluster up",
    ),
    Known(
        ("insufficientinstancecapacity", "do not have sufficient", "insufficient capacity"),
        "AWS has no machine of this type in this zone now",
        HINTS["InsufficientInstanceCapacity"],
    ),
    Known(
        ("not supported in your requested availability zone", "requested configuration is currently not supported"),
        "this instance type is not offered in this zone",
        HINTS["Unsupported"],
    ),
    Known(
        ("pendingverification", "currently being validated", "pending verification"),
        "AWS is still validating the account",
        ACCOUNT,
    ),
    Known(
        ("optinrequired", "not subscribed to this service", "account is currently blocked", "blocked account"),
        "the account may not launch machines yet",
        ASK_SUPPORT,
    ),
    Known(
        ("volumelimitexceeded", "volume limit exceeded"),
        "the account's quota of disks is used up",
        "raise the quota of EBS storage (gp3 volumes), or delete volumes",
    ),
    Known(
        ("client error on launch", "inaccessible aws kms key", "kmskey", "kms key"),
        "the machine's disk is encrypted with a key that cannot be used",
        KEY,
    ),
    Known(
        ("invalidsnapshot",),
        "the machine image's disk is gone",
        "take cluster.ami_id out, or name an image that exists; then hfecs cluster up",
    ),
    Known(
        ("invalidamiid", "ami id", "image id"),
        "the machine image does not exist or may not be used",
        "take cluster.ami_id out, or name an image that exists; then hfecs cluster up",
    ),
    Known(
        ("launch template",),
        "the launch template is gone or cannot be used",
        "hfecs cluster up restores it",
    ),
    Known(
        ("key pair", "invalidkeypair"),
        "the key pair does not exist",
        HINTS["InvalidKeyPair.NotFound"],
    ),
    Known(
        ("security group", "invalid iam instance profile"),
        "what the machine needs is gone",
        "hfecs cluster up restores it",
    ),
    Known(
        ("insufficientfreeaddresses", "enough free addresses"),
        "the subnet has no free address",
        "name larger or more network.subnet_ids, then hfecs cluster up",
    ),
    # images
    Known(
        ("toomanyrequests", "pull rate limit", "rate exceeded for image"),
        "the registry limits the number of pulls",
        "wait, or take the images from your own registry: hfecs images push",
    ),
    Known(
        ("exec format error", "matching platform", "no matching manifest", "does not match the specified platform"),
        "the image is built for another processor than the machine has",
        "build the image for the machine's architecture (hfecs images build), or choose another cluster.instance_type",
    ),
    Known(
        ("manifest unknown", "not found: manifest", "manifest not found", "manifest for"),
        "the image or its tag does not exist",
        IMAGE_OR_TAG,
    ),
    Known(
        ("no space left on device",),
        "the machine's disk is full",
        "use a smaller image, or name a machine image with a larger disk (cluster.ami_id)",
    ),
    Known(
        ("pull access denied", "repository does not exist", "no basic auth credentials", "knows no image"),
        "the image does not exist, or may not be pulled",
        IMAGE_OR_TAG,
    ),
    Known(
        ("i/o timeout", "no route to host", "request canceled", "context deadline exceeded", "connection refused"),
        "the machine does not reach a service it needs",
        WAY_OUT,
    ),
    Known(
        ("no such host", "temporary failure in name resolution", "server misbehaving"),
        "the machine cannot resolve a name",
        f"check the registry in the image's name; {WAY_OUT}",
    ),
    # start and end of containers
    Known(
        ("unable to pull secrets", "unable to retrieve secret", "fetching secret data"),
        "ECS cannot read the parameters that the container needs",
        SECRETS,
    ),
    Known(
        ("log group does not exist", "failed to initialize logging driver", "failed to create cloudwatch log stream"),
        "the container's log group is missing or may not be written",
        SECRETS,
    ),
    Known(
        ("unable to assume", "not authorized to perform", "accessdenied", "unauthorizedoperation"),
        "a role lacks a permission",
        f"hfecs cluster up restores the roles; of your own account, {NO_PERMISSION}",
    ),
    Known(
        ("outofmemory", "out of memory", "memory usage", "exit code 137"),
        "it was killed, most likely for lack of memory",
        LARGER,
    ),
    Known(
        ("cannotpullcontainererror",),
        "the image cannot be pulled",
        IMAGE_OR_TAG,
    ),
    # placement
    Known(
        ("insufficient memory", "insufficient cpu", "enough memory", "enough cpu"),
        "no machine has room for it",
        LARGER,
    ),
    Known(
        ("no container instances were found", "no container instance met all of its requirements"),
        "no machine has joined the cluster yet",
        "a machine takes two to three minutes; later, hfecs logs machine NAME shows what its boot said",
    ),
    Known(
        ("server.internalerror", "internal error"),
        "AWS failed at the launch",
        "it is tried again automatically; if it stays so, choose another cluster.instance_type or network.subnet_ids",
    ),
)


def known(said: str) -> Known | None:
    """The known reason in the words of AWS; None if there is no sentence for them."""
    words = said.lower()
    return next((reason for reason in KNOWN if any(part in words for part in reason.words)), None)
