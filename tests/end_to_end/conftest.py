"""The fixtures of the tests with real programs."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from end_to_end.broker import PrivateBroker, private_broker
from end_to_end.sites import Site

# The files that take longest go first, so that none of them is alone at the end.
LONGEST = ["test_montage_on_the_local_cloud", "test_wheel", "test_readme", "test_monitoring"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    """The address of a moto server."""
    from quick_moto import aws_server

    with aws_server() as address:
        yield address


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[PrivateBroker]:
    """A RabbitMQ for all tests of a session that do not break it."""
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    with private_broker() as broker:
        yield broker


@pytest.fixture
def site(aws_endpoint: str, rabbitmq: PrivateBroker, tmp_path: Path) -> Site:
    """A bucket and a queue of jobs of its own."""
    site = Site(aws_endpoint, rabbitmq.url, f"bucket-{uuid.uuid4().hex[:12]}", tmp_path)
    site.s3.create_bucket(Bucket=site.bucket)
    site.temporary.mkdir()
    return site
