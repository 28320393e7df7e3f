from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from hfecs.errors import Locked, StateInvalid
from hfecs.provisioning.state import BucketStore, Record, State
from hfecs.provisioning.state.s3 import Writer
from provisioning.state.conftest import BUCKET, KEY, PLACE, age, keys
from support import WatchedCloud

ROLE = Record("role", "machine", "arn:1")


def document(cloud: WatchedCloud) -> Any:
    return json.loads(cloud.s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read())


def records(cloud: WatchedCloud) -> list[str]:
    return [record.name for record in State(BucketStore(cloud, PLACE)).of("hyperflow").records("cluster")]


def test_a_record_is_in_the_bucket_when_the_lock_is_given_back(cloud: WatchedCloud, shared: State) -> None:
    with shared.locked("cluster up"):
        shared.of("hyperflow").record("cluster", ROLE)

    assert records(cloud) == ["machine"]
    assert list(keys(cloud)) == [KEY]


def test_the_lineage_is_in_the_bucket_before_anything_is_made_of_it(cloud: WatchedCloud, shared: State) -> None:
    with shared.locked("cluster up"):
        assert document(cloud)["lineage"] == shared.lineage


def test_what_is_forgotten_is_in_the_bucket_at_once(cloud: WatchedCloud, shared: State) -> None:
    with shared.locked("cluster up"):
        shared.of("hyperflow").record("cluster", ROLE)

        shared.of("hyperflow").forget("cluster", ROLE)

        assert document(cloud)["clusters"]["hyperflow"]["stacks"]["cluster"]["generations"] == {"role/machine": 1}


def test_whoever_gets_the_lock_sees_what_others_wrote_before(cloud: WatchedCloud, shared: State) -> None:
    late = State(BucketStore(cloud, PLACE))
    with shared.locked("cluster up"):
        shared.of("hyperflow").record("cluster", ROLE)

    with late.locked("cluster up"):
        late.of("hyperflow").record("cluster", Record("role", "worker", "arn:2"))

    assert records(cloud) == ["machine", "worker"]
    assert late.lineage == shared.lineage


def test_two_at_a_time_are_one_too_many(cloud: WatchedCloud, shared: State) -> None:
    other = State(BucketStore(cloud, PLACE))

    with (
        shared.locked("cluster up"),
        pytest.raises(Locked, match=f"{PLACE} is locked by 'hfecs cluster up' of "),
        other.locked("destroy"),
    ):
        pass

    with other.locked("destroy"):
        pass


def test_a_lost_lock_stops_the_next_write_and_keeps_what_the_other_wrote(cloud: WatchedCloud, shared: State) -> None:
    other = State(BucketStore(cloud, PLACE))
    with pytest.raises(Locked), shared.locked("cluster up"):
        age(cloud, f"{KEY}.lock", 100)
        with other.locked("cluster up"):
            other.of("hyperflow").record("cluster", ROLE)
        shared.of("hyperflow").forget("cluster", Record("role", "worker", "arn:2"))

    assert records(cloud) == ["machine"]


def test_a_lost_lease_is_told_before_the_next_change(cloud: WatchedCloud, shared: State, store: BucketStore) -> None:
    with shared.locked("cluster up"):
        age(cloud, f"{KEY}.lock", 100)
        other = State(BucketStore(cloud, PLACE))
        with other.locked("destroy"):
            assert store._lease
            store._lease.renew()
            with pytest.raises(Locked, match="is not ours any more"):
                store.check()


def test_without_the_lock_a_write_counts_only_if_nobody_wrote_meanwhile(cloud: WatchedCloud, shared: State) -> None:
    shared.of("hyperflow").record("cluster", ROLE)
    late = State(BucketStore(cloud, PLACE))
    shared.of("hyperflow").record("cluster", Record("role", "worker", "arn:2"))

    with pytest.raises(Locked, match="was changed by another hfecs meanwhile"):
        late.of("hyperflow").record("cluster", Record("role", "runner", "arn:3"))

    assert records(cloud) == ["machine", "worker"]


def test_a_write_whose_answer_was_lost_is_known_again(cloud: WatchedCloud, shared: State, store: BucketStore) -> None:
    shared.of("hyperflow").record("cluster", ROLE)
    store._tag = None
    content = store.read()
    assert content
    store._tag = '"of an earlier answer"'

    store.write(content)

    shared.of("hyperflow").record("cluster", Record("role", "worker", "arn:2"))
    assert records(cloud) == ["machine", "worker"]


def test_a_bucket_that_is_missing_is_a_sentence_with_the_way_out(cloud: WatchedCloud) -> None:
    with pytest.raises(StateInvalid, match=f"The bucket of state {PLACE} does not exist") as refused:
        State(BucketStore(cloud, PLACE))

    assert "create it, since hfecs does not: aws s3 mb s3://team-state" in refused.value.hint


def test_a_bucket_that_is_not_ours_to_read_is_a_sentence_with_the_way_out(cloud: WatchedCloud, bucket: str) -> None:
    cloud.refuse("GetObject", "AccessDenied", "Access Denied")

    with pytest.raises(StateInvalid, match="This user may not read or write state") as refused:
        State(BucketStore(cloud, PLACE))

    assert "permissions: docs/state.md" in refused.value.hint


@pytest.mark.parametrize("body", [b"not JSON", b"\xff\xfe", b"[]"])
def test_a_damaged_object_is_refused_with_the_way_out(cloud: WatchedCloud, bucket: str, body: bytes) -> None:
    cloud.s3.put_object(Bucket=BUCKET, Key=KEY, Body=body)

    with pytest.raises(StateInvalid, match=PLACE) as refused:
        State(BucketStore(cloud, PLACE))

    assert "restore an earlier version of the object" in refused.value.hint


def test_an_error_under_the_lock_gives_it_back(cloud: WatchedCloud, shared: State) -> None:
    with pytest.raises(KeyError), shared.locked("cluster up"):
        raise KeyError

    assert list(keys(cloud)) == [KEY]


def test_contents_that_come_while_it_writes_are_one_write_with_the_last() -> None:
    written: list[bytes] = []
    begun, go_on = threading.Event(), threading.Event()

    def write(content: bytes) -> None:
        begun.set()
        go_on.wait(10)
        written.append(content)

    writer = Writer(write)
    first = writer.submit(b"1")
    begun.wait(10)
    others = [writer.submit(str(number).encode()) for number in range(2, 9)]
    go_on.set()
    first.result(10)
    for future in others:
        future.result(10)

    assert written == [b"1", b"8"]


def test_after_a_write_that_failed_nothing_is_written_and_all_hear_of_it() -> None:
    written: list[bytes] = []

    def write(content: bytes) -> None:
        written.append(content)
        raise Locked("It is somebody else's.")

    writer = Writer(write)
    with pytest.raises(Locked):
        writer.submit(b"1").result(10)

    with pytest.raises(Locked):
        writer.submit(b"2").result(10)
    with pytest.raises(Locked):
        writer.finish()
    assert written == [b"1"]


def test_the_end_waits_for_the_last_write() -> None:
    written: list[bytes] = []
    writer = Writer(written.append)

    writer.submit(b"1")
    writer.finish()

    assert written == [b"1"]
