from __future__ import annotations

import base64
from typing import Any

from ...conftest import Site, until


def test_a_group_launches_machines_of_a_version_that_was_added(site: Site, cluster: str) -> None:
    added = base64.b64encode(site.user_data(cluster).encode()).decode()
    data: Any = {"ImageId": "ami-12345678", "InstanceType": "t2.micro"}
    site.ec2.create_launch_template(LaunchTemplateName=cluster, LaunchTemplateData=data)
    site.ec2.create_launch_template_version(LaunchTemplateName=cluster, LaunchTemplateData=data | {"UserData": added})

    site.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=cluster,
        LaunchTemplate={"LaunchTemplateName": cluster, "Version": "$Latest"},
        MinSize=1,
        MaxSize=1,
        AvailabilityZones=["us-east-1a"],
    )

    until(lambda: len(site.registered(cluster)) == 1)
    site.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=cluster, ForceDelete=True)


def test_the_default_network_has_a_route_to_an_internet_gateway(site: Site) -> None:
    (network,) = site.ec2.describe_vpcs()["Vpcs"]

    (table,) = site.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [network["VpcId"]]}])["RouteTables"]
    targets = {route.get("DestinationCidrBlock"): route.get("GatewayId", "") for route in table["Routes"]}
    assert targets["0.0.0.0/0"].startswith("igw-")
