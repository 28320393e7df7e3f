from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hfecs.aws.clients import Cloud, Coalescing, Limits, open_client
from hfecs.parallel import together
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


@pytest.fixture
def asked() -> WatchedCloud:
    return WatchedCloud()


@pytest.fixture
def sent(asked: WatchedCloud) -> list[str]:
    """The operations that travelled, as they go."""
    operations: list[str] = []
    asked.iam.meta.events.register_first(
        "before-send", lambda event_name, **_: operations.append(event_name.rpartition(".")[2])
    )
    return operations


def test_the_same_question_of_several_travels_once(asked: WatchedCloud, sent: list[str], aws: None) -> None:
    with asked.coalescing.once():
        answers: list[Any] = together(*[lambda: asked.iam.list_roles(PathPrefix="/a/")] * 8)

    assert sent == ["ListRoles"]
    assert all(answer["Roles"] == [] for answer in answers)


def test_another_question_travels_by_itself(asked: WatchedCloud, sent: list[str], aws: None) -> None:
    with asked.coalescing.once():
        asked.iam.list_roles(PathPrefix="/a/")
        asked.iam.list_roles(PathPrefix="/b/")

    assert sent == ["ListRoles"] * 2


def test_a_policy_in_a_shared_answer_is_decoded_for_each(asked: WatchedCloud, aws: None) -> None:
    asked.iam.create_role(RoleName="a", AssumeRolePolicyDocument='{"Version": "2012-10-17"}')

    with asked.coalescing.once():
        first, second = (dict[str, Any](asked.iam.get_role(RoleName="a")["Role"]) for _ in range(2))

    assert first["AssumeRolePolicyDocument"] == second["AssumeRolePolicyDocument"] == {"Version": "2012-10-17"}
    assert first is not second


def test_what_answers_with_an_error_does_so_for_each(asked: WatchedCloud, sent: list[str], aws: None) -> None:
    with asked.coalescing.once():
        for _ in range(2):
            with pytest.raises(ClientError, match="NoSuchEntity"):
                asked.iam.get_role(RoleName="nobody")

    assert sent == ["GetRole"]


def test_what_is_asked_afterwards_sees_the_world_as_it_is_then(asked: WatchedCloud, aws: None) -> None:
    with asked.coalescing.once():
        asked.iam.list_roles()
    asked.iam.create_role(RoleName="late", AssumeRolePolicyDocument="{}")

    with asked.coalescing.once():
        roles = asked.iam.list_roles()["Roles"]

    assert [role["RoleName"] for role in roles] == ["late"]


def test_a_call_that_changes_something_is_never_shared(asked: WatchedCloud, aws: None) -> None:
    with asked.coalescing.once():
        asked.ec2.create_key_pair(KeyName="a")
        with pytest.raises(ClientError, match="Duplicate"):
            asked.ec2.create_key_pair(KeyName="a")


def test_a_call_that_never_gets_an_answer_fails_for_all_who_wait_for_it() -> None:
    coalescing, context = Coalescing(), dict[str, Any]()
    question: dict[str, Any] = {"model": _Model(), "params": {"url": "/", "body": ""}}
    waiting: list[BaseException | None] = []

    def wait() -> None:
        try:
            coalescing._before(**question, context={})
        except ConnectionError as error:
            waiting.append(error)

    with coalescing.once():
        coalescing._before(**question, context=context)
        other = threading.Thread(target=wait)
        other.start()
        coalescing._failed(ConnectionError("cut"), context)
        other.join(10)

    assert [str(error) for error in waiting] == ["cut"]


class _Model:
    """What the hooks read of a botocore model."""

    name, has_streaming_output = "ListThings", False
    service_model = type("Service", (), {"service_name": "things"})


@pytest.mark.parametrize("missing", ["MISSING", "Missing", "INACTIVE"])
def test_a_failure_that_says_missing_is_an_answer(cloud: WatchedCloud, missing: str) -> None:
    cloud.answer("DescribeServices", services=[], failures=[{"arn": "a", "reason": missing}])

    assert cloud.ecs.describe_services(cluster="c", services=["a"])["services"] == []


@pytest.mark.parametrize(
    ("operation", "failure", "said"),
    [
        (
            "DescribeServices",
            {"arn": "arn-a", "reason": "ACCESS_DENIED", "detail": "denied by a policy"},
            "ACCESS_DENIED",
        ),
        ("DescribeTasks", {"arn": "arn-a", "reason": "INTERNAL"}, "INTERNAL"),
        ("DescribeClusters", {"arn": "arn-a"}, "Failure"),
        ("DescribeContainerInstances", {}, "Failure"),
    ],
)
def test_a_failure_in_an_answer_with_200_is_an_error_and_not_absence(
    cloud: WatchedCloud, operation: str, failure: dict[str, str], said: str
) -> None:
    cloud.answer(operation, failures=[failure])
    calls: dict[str, Any] = {
        "DescribeServices": lambda: cloud.ecs.describe_services(cluster="c", services=["a"]),
        "DescribeTasks": lambda: cloud.ecs.describe_tasks(cluster="c", tasks=["a"]),
        "DescribeClusters": lambda: cloud.ecs.describe_clusters(clusters=["a"]),
        "DescribeContainerInstances": lambda: cloud.ecs.describe_container_instances(
            cluster="c", containerInstances=["a"]
        ),
    }

    with pytest.raises(ClientError) as raised:
        calls[operation]()

    assert raised.value.response["Error"]["Code"] == said
    assert failure.get("detail", "") in raised.value.response["Error"]["Message"]


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566", "http://localhost:4566", "http://[::1]:4566"])
def test_a_public_address_that_a_server_on_this_machine_tells_is_not_believed(endpoint: str) -> None:
    cloud = Cloud(region="us-east-1", endpoint_url=endpoint, environment=KEYS)

    with pytest.raises(OSError, match=r"54\.3\.2\.1 is not a machine of it"):
        cloud.believe("54.3.2.1")


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        (None, "54.3.2.1"),
        ("https://ec2.example.org", "54.3.2.1"),
        ("http://127.0.0.1:4566", "127.9.8.7"),
        ("http://127.0.0.1:4566", "10.1.2.3"),
        ("http://127.0.0.1:4566", "broker.example.org"),
    ],
)
def test_other_addresses_are_believed(endpoint: str | None, address: str) -> None:
    assert Cloud(region="us-east-1", endpoint_url=endpoint, environment=KEYS).believe(address) == address
