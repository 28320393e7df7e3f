from __future__ import annotations

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from ...conftest import Site

ROLE = "filling-up"


def policy(name: str) -> str:
    """A policy of about 370 characters, with white space that does not count."""
    buckets = [f"arn:aws:s3:::{name}-{'x' * 40}/{number}" for number in range(4)]
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": buckets}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=80)


def test_the_inline_policies_of_a_role_have_ten_thousand_characters_in_all(site: Site) -> None:
    session = boto3.session.Session("local", "local", region_name="us-east-1")
    iam = session.client("iam", endpoint_url=site.cloud.endpoint_url)
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    for number in range(25):
        iam.put_role_policy(RoleName=ROLE, PolicyName=f"p{number}", PolicyDocument=policy("bucket"))

    iam.put_role_policy(RoleName=ROLE, PolicyName="p0", PolicyDocument=policy("replaced"))
    with pytest.raises(ClientError, match=r"LimitExceeded.*Maximum policy size of 10240 bytes exceeded"):
        for number in range(25, 60):
            iam.put_role_policy(RoleName=ROLE, PolicyName=f"p{number}", PolicyDocument=policy("bucket"))
