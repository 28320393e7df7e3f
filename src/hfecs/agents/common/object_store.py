"""Files in S3: one client for all threads, which retries transient errors."""

from __future__ import annotations

import logging
import os
import random
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hfecs.agents.common.pauses import pause
from hfecs.aws.clients import Limits, open_client
from hfecs.aws.errors import said
from hfecs.backoff import Backoff
from hfecs.errors import AwsFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from s3transfer.manager import TransferManager

log = logging.getLogger(__name__)

T = TypeVar("T")

TOO_MANY = 429

PATIENCE_SECONDS = 300.0
"""How long network errors and errors of S3 are retried."""

PATIENCE_WITH_REFUSALS_SECONDS = 30.0
"""How long a refusal is retried: a new IAM policy takes time to apply."""

FIRST_PAUSE_SECONDS = 1.0
LAST_PAUSE_SECONDS = 30.0

DENIED = frozenset({"AccessDenied", "403", "InvalidAccessKeyId"})
BUSY = frozenset({"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "OperationAborted"})
CHANGED = "PreconditionFailed"
NO_OBJECT = "no such object"
MISSING = {"NoSuchKey": NO_OBJECT, "404": NO_OBJECT, "NoSuchBucket": "no such bucket"}

MEBIBYTE = 1024 * 1024
PART_BYTES = 64 * MEBIBYTE
"""Larger files are sent in parts of this size, one after the other."""


def _own_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's keys for S3, if there are some: all other services are asked with the container's role."""
    keys = {"aws_access_key_id": "S3_ACCESS_KEY_ID", "aws_secret_access_key": "S3_SECRET_ACCESS_KEY"}
    return {name: environ[variable] for name, variable in keys.items() if environ.get(variable)}


class ObjectStore:
    """Reads and writes objects; connects on first use. `transfers` is the number of threads that use it."""

    def __init__(self, transfers: int, pause: Callable[[float], object] = pause) -> None:
        self._transfers = transfers
        self._pause = pause
        self._opening = threading.Lock()

    def version(self, bucket: str, key: str) -> tuple[str, int]:
        """An object's entity tag, which changes with its content, and its size in bytes."""
        what = f"The download of {key} from the bucket {bucket}"
        answer = self._call(what, lambda: self.client.head_object(Bucket=bucket, Key=key))
        return answer["ETag"], answer["ContentLength"]

    def download(self, bucket: str, key: str, target: Path, version: str = "") -> int:
        """Download an object to a file; returns its size. AwsFailed with the code CHANGED if it has another version."""
        what = f"The download of {key} from the bucket {bucket}"
        self._call(what, lambda: self._download(bucket, key, target, version))
        return target.stat().st_size

    def _download(self, bucket: str, key: str, target: Path, version: str) -> None:
        wanted: Any = {"IfMatch": version} if version else {}
        body = self.client.get_object(Bucket=bucket, Key=key, **wanted)["Body"]
        with target.open("wb") as file:
            shutil.copyfileobj(body, file, MEBIBYTE)

    def upload(self, source: Path, bucket: str, key: str) -> int:
        """Upload a file to an object, which appears whole or not at all; returns its size."""
        what = f"The upload of {source.name} to {key} in the bucket {bucket}"
        self._call(what, lambda: self.manager.upload(str(source), bucket, key).result())
        return source.stat().st_size

    def read(self, bucket: str, key: str) -> str:
        """The text in an object."""
        what = f"The download of {key} from the bucket {bucket}"
        return self._call(what, lambda: self._read(bucket, key)).decode("utf-8", errors="replace")

    def _read(self, bucket: str, key: str) -> bytes:
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def write(self, text: str, bucket: str, key: str, content_type: str) -> None:
        """Write a text to an object."""
        what = f"The upload of {key} to the bucket {bucket}"
        body = text.encode()
        self._call(what, lambda: self.client.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type))

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """The keys with a prefix."""
        return list(self.tags(bucket, prefix))

    def tags(self, bucket: str, prefix: str) -> dict[str, str]:
        """The entity tags of the objects whose keys have a prefix."""
        return self._call(f"Listing {prefix} in the bucket {bucket}", lambda: self._tags(bucket, prefix))

    def _tags(self, bucket: str, prefix: str) -> dict[str, str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {entry["Key"]: entry["ETag"].strip('"') for page in pages for entry in page.get("Contents", [])}

    def _call(self, what: str, call: Callable[[], T]) -> T:
        from botocore.exceptions import BotoCoreError, ClientError

        start, pauses = time.monotonic(), Backoff(FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS)
        while True:
            try:
                return call()
            except (ClientError, BotoCoreError) as error:
                if time.monotonic() - start >= _patience(error):
                    raise _told(what, error) from error
                pause = pauses.next()
                log.warning("%s, next attempt in %g seconds", _told(what, error), pause)
            self._pause(pause * random.uniform(0.5, 1.0))  # spread the retries of all executors

    @property
    def client(self) -> S3Client:
        """The client; all threads share it."""
        with self._opening:
            return self._client

    @cached_property
    def _client(self) -> S3Client:
        limits = Limits(retries=3, connections=self._transfers)
        in_path = bool(os.environ.get("AWS_ENDPOINT_URL"))
        client: S3Client = open_client("s3", limits, buckets_in_path=in_path, **_own_keys(os.environ))
        return client

    @cached_property
    def manager(self) -> TransferManager:
        """Uploads files, large ones in parts, in the calling thread."""
        from s3transfer.futures import NonThreadedExecutor
        from s3transfer.manager import TransferConfig, TransferManager

        config = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES)
        return TransferManager(self.client, config, executor_cls=NonThreadedExecutor)


def _patience(error: Exception) -> float:
    """How many seconds to retry a call that failed with this error; 0 if the error is not transient."""
    from botocore import exceptions as boto

    if not isinstance(error, boto.ClientError):
        network = (boto.HTTPClientError, boto.ConnectionError, boto.IncompleteReadError, boto.CredentialRetrievalError)
        return PATIENCE_SECONDS if isinstance(error, network) else 0.0
    answer: Any = error.response.get("ResponseMetadata") or {}
    code, status = said(error)[0], answer.get("HTTPStatusCode") or 0
    if status >= 500 or status == TOO_MANY or code in BUSY:
        return PATIENCE_SECONDS
    return PATIENCE_WITH_REFUSALS_SECONDS if code in DENIED else 0.0


def _told(what: str, error: Exception) -> AwsFailed:
    from botocore.exceptions import ClientError

    if not isinstance(error, ClientError):
        return AwsFailed(f"{what} failed: {error}")
    code, words = said(error)
    reason = MISSING.get(code) or f"{words or 'no reason given'} ({code or 'an error without a code'})"
    return AwsFailed(f"{what} failed: {reason}.", code=code)
