from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hfecs.aws.clients import Cloud, Limits, open_client
from support import KEYS, WatchedCloud


def test_a_client_is_opened_once_even_from_many_threads() -> None:
    cloud = Cloud(region="us-east-1", environment=KEYS)

    with ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(lambda _: cloud.client("sts"), range(8)))

    assert len(set(map(id, clients))) == 1


def test_clients_repeat_throttled_calls_often() -> None:
    config: Any = Cloud(region="us-east-1", environment=KEYS).sts.meta.config

    assert config.retries["mode"] == "standard"
    assert config.retries["total_max_attempts"] >= 10


def test_a_client_has_the_limits_that_it_was_opened_with() -> None:
    limits = Limits(retries=0, connect_timeout=3, read_timeout=4, connections=2)

    config: Any = open_client("sts", limits, region_name="us-east-1").meta.config

    assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert (config.connect_timeout, config.read_timeout, config.max_pool_connections) == (3, 4, 2)


def test_an_endpoint_of_ones_own_gets_all_calls_with_buckets_in_the_path() -> None:
    s3 = Cloud(region="us-east-1", endpoint_url="http://127.0.0.1:5000", environment=KEYS).s3

    url = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    assert url.startswith("http://127.0.0.1:5000/b/k?")


def test_the_account_is_asked_for_once(cloud: WatchedCloud) -> None:
    fresh = WatchedCloud()

    assert fresh.account == fresh.account == "123456789012"
    assert len(fresh.calls_of("GetCallerIdentity")) == 1
