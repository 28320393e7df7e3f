from __future__ import annotations

from typing import Any

import boto3

from hfecs.local import client

from ...conftest import Site


def test_a_bucket_has_its_tags_from_its_creation_on(site: Site) -> None:
    s3: Any = boto3.client(
        "s3",
        endpoint_url=site.cloud.endpoint_url,
        region_name=client.REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )

    s3.create_bucket(
        Bucket="tagged", CreateBucketConfiguration={"Tags": [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}]}
    )

    assert s3.get_bucket_tagging(Bucket="tagged")["TagSet"] == [
        {"Key": "a", "Value": "b"},
        {"Key": "c", "Value": "d"},
    ]
