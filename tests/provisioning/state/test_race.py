"""Writers that race for one state, as threads and as processes, against a server: none of them loses a record."""

from __future__ import annotations

import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator

import pytest
from moto.s3.responses import S3Response

from hfecs.aws.clients import Cloud
from hfecs.errors import Locked
from hfecs.local.control_plane.moto_patches.buckets import write_one_at_a_time
from hfecs.provisioning.state import BucketStore, Record, State
from quick_moto import aws_server
from support import KEYS, REGION

PLACE = "s3://team-state/hyperflow.json"
WRITERS, ROUNDS = 4, 5
WRITE = """
import sys
from hfecs.aws.clients import Cloud
from hfecs.errors import Locked
from hfecs.provisioning.state import BucketStore, Record, State

endpoint, name, rounds = sys.argv[1:]
keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
cloud = Cloud(region="us-east-1", endpoint_url=endpoint, environment=keys)
state = State(BucketStore(cloud, "s3://team-state/hyperflow.json"))
done = 0
while done < int(rounds):
    try:
        with state.locked("cluster up"):
            state.of("hyperflow").record("cluster", Record("role", f"{name}-{done}", "arn"))
        done += 1
    except Locked:
        pass
"""
HOLD = """
import sys
from hfecs.aws.clients import Cloud
from hfecs.provisioning.state import BucketStore, Record, State

keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
cloud = Cloud(region="us-east-1", endpoint_url=sys.argv[1], environment=keys)
state = State(BucketStore(cloud, "s3://team-state/hyperflow.json", lease_seconds=1))
with state.locked("cluster up"):
    state.of("hyperflow").record("cluster", Record("role", "of-the-dead", "arn"))
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server with the bucket of the state; moto's writes on condition are mended as those of the local cloud."""
    for method in ("put_object", "delete_object"):
        monkeypatch.setattr(S3Response, method, getattr(S3Response, method))  # so that the mend is undone
    write_one_at_a_time()
    with aws_server() as address:
        server(address).s3.create_bucket(Bucket="team-state")
        yield address
        with urllib.request.urlopen(urllib.request.Request(f"{address}/moto-api/reset", method="POST")):
            pass


def server(endpoint: str) -> Cloud:
    return Cloud(region=REGION, endpoint_url=endpoint, environment=KEYS)


def names(endpoint: str) -> set[str]:
    return {record.name for record in State(BucketStore(server(endpoint), PLACE)).of("hyperflow").records("cluster")}


def test_threads_lose_nothing(endpoint: str) -> None:
    refused = []

    def write(name: str) -> None:
        state, done = State(BucketStore(server(endpoint), PLACE)), 0
        while done < ROUNDS:
            try:
                with state.locked("cluster up"):
                    state.of("hyperflow").record("cluster", Record("role", f"{name}-{done}", "arn"))
                done += 1
            except Locked as error:
                refused.append(error)

    threads = [threading.Thread(target=write, args=(f"writer{number}",)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert names(endpoint) == {f"writer{number}-{done}" for number in range(WRITERS) for done in range(ROUNDS)}
    assert refused


def test_processes_lose_nothing(endpoint: str) -> None:
    commands = [[sys.executable, "-c", WRITE, endpoint, f"writer{number}", str(ROUNDS)] for number in range(WRITERS)]

    writers = [subprocess.Popen(command) for command in commands]

    assert [writer.wait(120) for writer in writers] == [0] * WRITERS
    assert names(endpoint) == {f"writer{number}-{done}" for number in range(WRITERS) for done in range(ROUNDS)}


def test_a_killed_holders_lock_is_taken_over_by_itself_and_its_records_are_kept(endpoint: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, endpoint], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()
        state = State(BucketStore(server(endpoint), PLACE, lease_seconds=1))
        with pytest.raises(Locked, match=rf"\(process {holder.pid}\)"), state.locked("destroy"):
            pass
        holder.kill()

    tries = 0
    while "mine" not in names(endpoint):
        try:
            with state.locked("destroy"):
                state.of("hyperflow").record("cluster", Record("role", "mine", "arn"))
        except Locked:
            tries += 1
            threading.Event().wait(0.2)
            assert tries < 100

    assert names(endpoint) == {"mine", "of-the-dead"}
