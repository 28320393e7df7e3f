from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hfecs.errors import Locked, StateInvalid
from hfecs.provisioning.state import Holder
from hfecs.provisioning.state.lease import Lease
from provisioning.state.conftest import BUCKET, age, keys
from support import FakeClock, WatchedCloud

# What docs/state.md says: a minute.
SECONDS = 60.0
LOCK = "hyperflow.json.lock"
FIRST = Holder("cluster up", "ada@desk", 17, "2026-01-02 03:04:05 UTC")
SECOND = Holder("destroy", "bob@laptop", 4, "2026-01-02 03:05:05 UTC")

pytestmark = pytest.mark.usefixtures("bucket")


def lease(cloud: WatchedCloud, clock: FakeClock | None = None) -> Lease:
    return Lease(cloud.s3, BUCKET, LOCK, clock=(clock or FakeClock()).now)


def held(cloud: WatchedCloud) -> str:
    return str(json.loads(cloud.s3.get_object(Bucket=BUCKET, Key=LOCK)["Body"].read())["person"])


def test_a_lock_that_is_held_says_who_holds_it_since_when(cloud: WatchedCloud) -> None:
    lease(cloud).take(FIRST)

    with pytest.raises(Locked) as refused:
        lease(cloud).take(SECOND)

    said = "'hfecs cluster up' of ada@desk (process 17) since 2026-01-02 03:04:05 UTC"
    assert refused.value.message == f"s3://team-state/hyperflow.json is locked by {said}."
    assert "its lock ends by itself after a minute" in refused.value.hint
    assert held(cloud) == "ada@desk"


def test_a_lock_that_is_given_back_leaves_nothing_and_can_be_taken(cloud: WatchedCloud) -> None:
    first = lease(cloud)
    first.take(FIRST)
    first.release()
    assert list(keys(cloud)) == []

    lease(cloud).take(SECOND)

    assert held(cloud) == "bob@laptop"


def test_a_dead_holders_lock_is_taken_over_when_its_time_is_over_and_not_before(cloud: WatchedCloud) -> None:
    lease(cloud).take(FIRST)
    age(cloud, LOCK, SECONDS)
    with pytest.raises(Locked):
        lease(cloud).take(SECOND)

    age(cloud, LOCK, 3)
    lease(cloud).take(SECOND)

    assert held(cloud) == "bob@laptop"


def test_a_holder_whose_lock_was_taken_over_stops_and_leaves_the_lock_alone(cloud: WatchedCloud) -> None:
    first = lease(cloud)
    first.take(FIRST)
    age(cloud, LOCK, SECONDS + 3)
    lease(cloud).take(SECOND)

    first.renew()

    with pytest.raises(Locked, match="is not ours any more: it is locked by 'hfecs destroy' of bob@laptop"):
        first.check()
    first.release()
    assert held(cloud) == "bob@laptop"


def test_a_renewed_lock_is_good_for_the_whole_time_again(cloud: WatchedCloud) -> None:
    clock = FakeClock()
    first = lease(cloud, clock)
    first.take(FIRST)
    age(cloud, LOCK, SECONDS + 3)

    clock.time += SECONDS - 1
    first.renew()
    clock.time += SECONDS - 1
    first.check()

    with pytest.raises(Locked):
        lease(cloud).take(SECOND)


def test_a_holder_that_could_not_renew_in_time_stops_by_itself(cloud: WatchedCloud) -> None:
    clock = FakeClock()
    first = lease(cloud, clock)
    first.take(FIRST)

    clock.time += SECONDS + 1

    with pytest.raises(Locked, match="could not be renewed for 61 seconds") as refused:
        first.check()
    assert refused.value.hint == "run the same command again: what this one has made is found by its tags"


def test_of_two_that_find_a_dead_holders_lock_one_gets_it(cloud: WatchedCloud) -> None:
    lease(cloud).take(FIRST)
    age(cloud, LOCK, SECONDS + 3)
    cloud.refuse("PutObject", "PreconditionFailed", times=2)  # nobody's, then another was quicker

    with pytest.raises(Locked):
        lease(cloud).take(SECOND)


def test_a_write_whose_answer_was_lost_is_known_again(cloud: WatchedCloud) -> None:
    first = lease(cloud)
    first.take(FIRST)
    first._tag = '"of an earlier answer"'

    first.renew()

    first.check()
    first.release()
    assert list(keys(cloud)) == []


def test_a_lock_that_is_given_back_just_then_is_taken(cloud: WatchedCloud) -> None:
    cloud.refuse("PutObject", "PreconditionFailed")

    lease(cloud).take(SECOND)

    assert held(cloud) == "bob@laptop"


def test_a_lock_that_somebody_else_wrote_is_respected_whatever_stands_in_it(cloud: WatchedCloud) -> None:
    cloud.s3.put_object(Bucket=BUCKET, Key=LOCK, Body=b"hands off")

    with pytest.raises(Locked, match="is locked by another hfecs"):
        lease(cloud).take(SECOND)


class Server:
    """A server that stands in for S3 and does not know all of its conditions; `refused` by an operation's name."""

    def __init__(self, s3: Any, *ignored: str, refused: dict[str, str] | None = None) -> None:
        self._s3, self._ignored, self._refused = s3, ignored, refused or {}

    def put_object(self, **request: Any) -> Any:
        return self._answer("put_object", request)

    def delete_object(self, **request: Any) -> Any:
        return self._answer("delete_object", request)

    def get_object(self, **request: Any) -> Any:
        return self._s3.get_object(**request)

    def _answer(self, operation: str, request: dict[str, Any]) -> Any:
        if "IfMatch" in request and operation in self._refused:
            raise ClientError({"Error": {"Code": self._refused[operation]}}, operation)
        return getattr(self._s3, operation)(**{key: request[key] for key in request if key not in self._ignored})


def test_a_server_that_honours_conditions_is_good(cloud: WatchedCloud) -> None:
    lock = lease(cloud)
    lock.take(FIRST)

    lock.prove()
    lock.check()
    lock.release()

    assert list(keys(cloud)) == []


@pytest.mark.parametrize("ignored", [("IfNoneMatch", "IfMatch"), ("IfNoneMatch",), ("IfMatch",)])
def test_a_server_that_ignores_conditions_is_refused_at_once(cloud: WatchedCloud, ignored: tuple[str, ...]) -> None:
    lock = Lease(Server(cloud.s3, *ignored), BUCKET, LOCK, clock=FakeClock().now)
    lock.take(FIRST)

    with pytest.raises(StateInvalid, match="ignores conditions of writes") as refused:
        lock.prove()

    assert "--state FILE" in refused.value.hint
    assert list(keys(cloud)) == []


def test_a_server_that_refuses_the_right_tag_is_refused_at_once(cloud: WatchedCloud) -> None:
    server = Server(cloud.s3, refused={"put_object": "PreconditionFailed"})
    lock = Lease(server, BUCKET, LOCK, clock=FakeClock().now)
    lock.take(FIRST)

    with pytest.raises(StateInvalid, match="refuses writes whose condition holds"):
        lock.prove()


@pytest.mark.parametrize("code", ["NotImplemented", "501", "InvalidArgument"])
def test_a_lock_is_given_back_also_where_deletions_take_no_condition(cloud: WatchedCloud, code: str) -> None:
    lock = Lease(Server(cloud.s3, refused={"delete_object": code}), BUCKET, LOCK, clock=FakeClock().now)
    lock.take(FIRST)

    lock.release()

    lease(cloud).take(SECOND)
    assert held(cloud) == "bob@laptop"


def test_a_lock_of_somebody_else_stays_also_where_deletions_take_no_condition(cloud: WatchedCloud) -> None:
    clock = FakeClock()
    lock = Lease(Server(cloud.s3, refused={"delete_object": "NotImplemented"}), BUCKET, LOCK, clock=clock.now)
    lock.take(FIRST)
    age(cloud, LOCK, SECONDS + 3)
    clock.sleep(SECONDS + 3)
    lease(cloud).take(SECOND)

    lock.release()

    assert held(cloud) == "bob@laptop"
