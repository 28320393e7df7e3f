"""A state in S3, for a team: every write is conditional on the last one, under a lock that expires with its holder.

Writes happen in the background, one at a time; only the newest waiting document is written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hfecs.aws.errors import expected_errors, matches
from hfecs.errors import Locked, StateInvalid
from hfecs.provisioning.state.lease import GONE, SECONDS, STOPPED, TAKEN, Lease
from hfecs.provisioning.state.store import Holder

if TYPE_CHECKING:
    from hfecs.aws.clients import Cloud


SCHEME = "s3://"
NO_BUCKET = ("NoSuchBucket",)
DENIED = ("AccessDenied", "403", "AllAccessDisabled")


class Writer:
    """Passes contents to `write` in its own thread; of those that arrive during a write only the last is written."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="state")
        self._turn = threading.Lock()
        self._content = b""
        self._next: Future[None] | None = None
        self._failed: Future[None] | None = None

    def submit(self, content: bytes) -> Future[None]:
        """Write this, or a later version; after a failed write nothing more is written."""
        with self._turn:
            if self._failed:
                return self._failed
            self._content = content
            if self._next is None:
                self._next = self._pool.submit(self._run)
            return self._next

    def finish(self) -> None:
        """Wait for the last write, and raise the first failure."""
        self._pool.shutdown()
        if self._failed:
            self._failed.result()

    def _run(self) -> None:
        with self._turn:
            content, mine, self._next = self._content, self._next, None
        if self._failed:
            self._failed.result()
        written = False
        try:
            self._write(content)
            written = True
        finally:
            self._failed = None if written else mine


class BucketStore:
    """An object; its lock is another object next to it."""

    lost_hint = "restore an earlier version of the object, or delete it: hfecs finds its resources by their tags"

    def __init__(self, cloud: Cloud, address: str, *, lease_seconds: float = SECONDS) -> None:
        self.where = address
        self.bucket, _, self._key = address.removeprefix(SCHEME).partition("/")
        self._cloud, self._lease_seconds = cloud, lease_seconds
        self._tag: str | None = None
        self._lease: Lease | None = None
        self._writer: Writer | None = None

    def read(self) -> bytes | None:
        """The object's content, if it exists. StateInvalid if its bucket is missing or cannot be read."""
        with self._explained():
            found = self._look()
        self._tag = found[1] if found else None
        return found[0] if found else None

    def write(self, content: bytes, *, soon: bool = False) -> Callable[[], object]:
        """Start to replace the object; without a lock, it is done when this returns."""
        if self._writer is None:
            self._put(content)
            return lambda: None
        future = self._writer.submit(content)
        if future.done():
            future.result()
        return future.result

    def check(self) -> None:
        """Locked if this process has lost its lease."""
        if self._lease:
            self._lease.check()

    @contextmanager
    def locked(self, purpose: str) -> Iterator[None]:
        """Hold the lock and renew it meanwhile; all writes are done when it is released."""
        lease = Lease(self._cloud.s3, self.bucket, f"{self._key}.lock", seconds=self._lease_seconds)
        with self._explained():
            lease.take(Holder(purpose))
            if self._cloud.endpoint_url:
                lease.prove()
        threading.Thread(target=lease.keep, daemon=True, name="lease").start()
        self._lease, self._writer = lease, Writer(self._put)
        try:
            yield
        finally:
            writer, self._writer = self._writer, None
            try:
                writer.finish()
            finally:
                self._lease = None
                lease.release()

    def _put(self, content: bytes) -> None:
        """Replace what this process read or wrote last; Locked if somebody else has written since."""
        self.check()
        condition: Any = {"IfMatch": self._tag} if self._tag else {"IfNoneMatch": "*"}
        try:
            answer = self._cloud.s3.put_object(
                Bucket=self.bucket, Key=self._key, Body=content, ContentType="application/json", **condition
            )
        except expected_errors() as error:
            if not matches(error, *TAKEN, *GONE):
                raise
            self._tag = self._tag_of_ours(content)
            return
        self._tag = answer["ETag"]

    def _tag_of_ours(self, content: bytes) -> str:
        """The entity tag of the stored object, if it has this content: the answer to its write was lost."""
        found = self._look()
        if found is None or found[0] != content:
            raise Locked(f"{self.where} was changed by another hfecs meanwhile.", STOPPED)
        return found[1]

    def _look(self) -> tuple[bytes, str] | None:
        try:
            answer = self._cloud.s3.get_object(Bucket=self.bucket, Key=self._key)
            return answer["Body"].read(), answer["ETag"]
        except expected_errors() as error:
            if matches(error, *GONE):
                return None
            raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Explain what is wrong with the bucket: creating it and granting access is up to the user."""
        endpoint = f"--endpoint-url {self._cloud.endpoint_url} " if self._cloud.endpoint_url else ""
        try:
            yield
        except expected_errors() as error:
            if matches(error, *NO_BUCKET):
                hint = (
                    f"create it, since hfecs does not: aws {endpoint}s3 mb s3://{self.bucket}; docs/state.md says more"
                )
                raise StateInvalid(f"The bucket of state {self.where} does not exist.", hint) from error
            if matches(error, *DENIED):
                hint = (
                    "let this user read, write and list it (permissions: docs/state.md), or choose another with --state"
                )
                raise StateInvalid(f"This user may not read or write state {self.where}.", hint) from error
            raise
