"""What AWS checks and moto does not, as the stand-in for AWS checks it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hostile.clients import Clients
from hostile.stand_in import stand_in


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with stand_in(tmp_path_factory.mktemp("validations")) as cloud:
        clients = Clients(attempts=1)
        clients.url = cloud.url
        yield clients


def template(clients: Clients, name: str, user_data: str) -> Any:
    return clients.of("ec2").create_launch_template(
        LaunchTemplateName=name, LaunchTemplateData={"ImageId": "ami-1", "UserData": user_data}
    )


@pytest.mark.refused_by_aws
def test_user_data_of_more_than_16_kilobytes_is_refused(clients: Clients) -> None:
    with pytest.raises(ClientError, match="limited to 16384 bytes"):
        template(clients, "large", base64.b64encode(b"x" * 16_385).decode())
    assert template(clients, "fits", base64.b64encode(b"x" * 16_384).decode())


@pytest.mark.refused_by_aws
def test_user_data_that_is_not_encoded_is_refused(clients: Clients) -> None:
    with pytest.raises(ClientError, match=r"InvalidUserData\.Malformed"):
        template(clients, "plain", "#!/bin/bash\nexit")


@pytest.mark.parametrize("name", ["Bad_Name", "a", "-begins", "two..points", "192.0.2.7", "x" * 64])
def test_a_name_that_s3_does_not_give_is_refused(clients: Clients, name: str) -> None:
    with pytest.raises(ClientError, match=r"InvalidBucketName|Parameter validation"):
        clients.of("s3").create_bucket(Bucket=name)


def test_a_placement_expression_with_a_fault_is_refused(clients: Clients) -> None:
    clients.of("ecs").create_cluster(clusterName="c")
    with pytest.raises(ClientError, match="InvalidParameterException"):
        clients.of("ecs").create_service(
            cluster="c",
            serviceName="s",
            taskDefinition="t",
            placementConstraints=[{"type": "memberOf", "expression": "hfecs.role = worker"}],
        )
