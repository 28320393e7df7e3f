from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from hfecs.provisioning.state import BucketStore, State
from support import WatchedCloud

BUCKET, KEY = "team-state", "hyperflow.json"
PLACE = f"s3://{BUCKET}/{KEY}"


@pytest.fixture
def bucket(cloud: WatchedCloud) -> str:
    """The bucket that somebody has made for the state."""
    cloud.s3.create_bucket(Bucket=BUCKET)
    return BUCKET


@pytest.fixture
def store(cloud: WatchedCloud, bucket: str) -> BucketStore:
    return BucketStore(cloud, PLACE)


@pytest.fixture
def shared(store: BucketStore) -> State:
    return State(store)


def age(cloud: WatchedCloud, key: str, seconds: float) -> None:
    """Let an object have been written that long ago."""
    from moto.s3.models import s3_backends

    stored: Any = s3_backends[cloud.account]["aws"].buckets[BUCKET].keys[key]
    stored.last_modified -= timedelta(seconds=seconds)


def keys(cloud: WatchedCloud) -> Iterator[str]:
    """What lies in the bucket."""
    yield from (item["Key"] for item in cloud.s3.list_objects_v2(Bucket=BUCKET).get("Contents", []))
