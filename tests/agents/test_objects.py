"""Files in S3."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from agents.conftest import BUCKET
from hfecs.agents.objects import ObjectStore
from hfecs.errors import AwsFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def deny(store: ObjectStore, operation: str, times: int) -> list[str]:
    """Have S3 refuse an operation so often, as it does while a policy is new; what was refused is told."""
    refused: list[str] = []

    def refuse(**_: Any) -> None:
        if len(refused) < times:
            refused.append(operation)
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, operation)

    store.client.meta.events.register(f"before-call.s3.{operation}", refuse)
    return refused


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
    with pytest.raises(AwsFailed, match="from the bucket nowhere failed: there is no such bucket") as caught:
        ObjectStore(1).download("nowhere", "a", tmp_path / "a")

    assert caught.value.code == "NoSuchBucket"


def test_a_refusal_that_passes_is_waited_for(s3: S3Client) -> None:
    pauses: list[float] = []
    store = ObjectStore(1, pauses.append)
    deny(store, "PutObject", times=3)

    store.write("text", BUCKET, "key", "text/plain")

    assert len(pauses) == 3
    assert s3.get_object(Bucket=BUCKET, Key="key")["Body"].read() == b"text"


def test_a_refusal_that_lasts_ends_in_a_sentence(s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 5))
    monkeypatch.setattr("hfecs.agents.objects.time.monotonic", lambda: float(next(clock)))
    store = ObjectStore(1, lambda _: None)
    refused = deny(store, "PutObject", times=1000)

    with pytest.raises(AwsFailed, match=r"key to the bucket a-bucket failed: Access Denied \(AccessDenied\)"):
        store.write("text", BUCKET, "key", "text/plain")

    assert len(refused) == 7
