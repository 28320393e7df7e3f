"""Files in S3."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError

from agents.conftest import BUCKET
from hfecs.agents.common.object_store import ObjectStore
from hfecs.aws.clients import Limits, open_client
from hfecs.errors import AwsFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


Failure = Callable[[str], Exception]


def answered(code: str, status: int) -> Failure:
    """An answer of S3 in place of what was asked for."""
    response: Any = {"Error": {"Code": code, "Message": "Not now"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return partial(ClientError, response)


def unreachable(_: str) -> Exception:
    return EndpointConnectionError(endpoint_url="https://s3")


REFUSED = answered("AccessDenied", 403)


def fail(store: ObjectStore, operation: str, failure: Failure, times: int) -> list[str]:
    """Have an operation fail so often; what was refused is told."""
    refused: list[str] = []

    def refuse(**_: Any) -> None:
        if len(refused) < times:
            refused.append(operation)
            raise failure(operation)

    store.client.meta.events.register(f"before-call.s3.{operation}", refuse)
    return refused


class Clock:
    """A clock whose time passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_a_file_comes_back_as_it_was_sent(s3: S3Client, tmp_path: Path) -> None:
    store = ObjectStore(2)
    (tmp_path / "a").write_bytes(bytes(range(256)))

    sent = store.upload(tmp_path / "a", BUCKET, "input/a")
    received = store.download(BUCKET, "input/a", tmp_path / "b")

    assert (sent, received) == (256, 256)
    assert (tmp_path / "b").read_bytes() == bytes(range(256))


def test_all_keys_below_a_prefix_are_listed(s3: S3Client) -> None:
    store = ObjectStore(1)
    for number in range(3):
        store.write("{}", BUCKET, f"workdir/{number}", "application/json")
    store.write("{}", BUCKET, "input/other", "application/json")

    assert store.keys(BUCKET, "workdir/") == ["workdir/0", "workdir/1", "workdir/2"]


def test_a_bucket_that_does_not_exist_is_named(s3: S3Client, tmp_path: Path) -> None:
    with pytest.raises(AwsFailed, match="from the bucket nowhere failed: no such bucket") as caught:
        ObjectStore(1).download("nowhere", "a", tmp_path / "a")

    assert caught.value.code == "NoSuchBucket"


def test_a_refusal_that_passes_is_waited_for(s3: S3Client) -> None:
    pauses: list[float] = []
    store = ObjectStore(1, pauses.append)
    fail(store, "PutObject", REFUSED, times=3)

    store.write("text", BUCKET, "key", "text/plain")

    assert len(pauses) == 3
    assert s3.get_object(Bucket=BUCKET, Key="key")["Body"].read() == b"text"


def test_a_refusal_that_lasts_ends_in_a_sentence(s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("hfecs.agents.common.object_store.time.monotonic", clock.now)
    store = ObjectStore(1, clock.sleep)
    refused = fail(store, "PutObject", REFUSED, times=1000)

    with pytest.raises(AwsFailed, match=r"key to the bucket a-bucket failed: Not now \(AccessDenied\)"):
        store.write("text", BUCKET, "key", "text/plain")

    assert 5 < len(refused) < 10
    assert 30 < clock.time < 60


@pytest.mark.parametrize("failure", [answered("InternalError", 500), answered("SlowDown", 503), unreachable])
def test_an_s3_that_fails_for_a_while_is_tried_again_at_growing_intervals(
    s3: S3Client, caplog: pytest.LogCaptureFixture, failure: Failure
) -> None:
    pauses: list[float] = []
    store = ObjectStore(1, pauses.append)
    fail(store, "PutObject", failure, times=6)

    store.write("text", BUCKET, "key", "text/plain")

    assert len(pauses) == 6
    assert pauses[0] <= 1
    assert 15 <= pauses[-1] <= 30
    assert caplog.text.count("The upload of key to the bucket a-bucket failed") == 6


def test_what_lasts_is_not_tried_again(s3: S3Client, tmp_path: Path) -> None:
    pauses: list[float] = []

    with pytest.raises(AwsFailed, match="no such object"):
        ObjectStore(1, pauses.append).download(BUCKET, "missing", tmp_path / "a")

    assert pauses == []


def signed_with(client: Any, call: Callable[[], object]) -> str:
    """The access key with which a call is signed; it is answered here."""
    seen: list[str] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        seen.append(request.headers["Authorization"].decode())
        return AWSResponse(request.url, 200, HTTPHeaders(), BytesIO(b"{}"))

    client.meta.events.register("before-send", answer)
    with suppress(ClientError, ResponseParserError, KeyError):
        call()
    return seen[0].partition("Credential=")[2].partition("/")[0]


def test_own_keys_for_s3_sign_what_goes_to_s3_and_nothing_else(s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("S3_SECRET_ACCESS_KEY", "secret")
    store, ecs = ObjectStore(1), open_client("ecs", Limits(retries=1))

    assert signed_with(store.client, lambda: store.client.head_bucket(Bucket=BUCKET)) == "mine"
    assert signed_with(ecs, ecs.list_clusters) == os.environ["AWS_ACCESS_KEY_ID"]


def test_without_own_keys_the_role_signs_what_goes_to_s3_too(s3: S3Client) -> None:
    store = ObjectStore(1)

    assert signed_with(store.client, lambda: store.client.head_bucket(Bucket=BUCKET)) == os.environ["AWS_ACCESS_KEY_ID"]
