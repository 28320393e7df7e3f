"""A lock in S3: an object that says who holds it, written on condition, renewed while its holder lives.

Nobody has to unlock for a dead holder: a lease that has not been renewed for its time can be taken over. How old it is
the server's clock alone tells; that its own time is over the holder sees by its own, and stops.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from hfecs.aws.errors import expected_errors, ignoring, matches
from hfecs.errors import Locked, StateInvalid
from hfecs.provisioning.state.store import Holder

# Seconds for which a lease is good, and after which part of them it is renewed.
SECONDS = 60.0
RENEWALS = 4
# S3 tells times in whole seconds.
SLACK = 2.0
TAKEN = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
GONE = ("NoSuchKey", "404")
# A server that has no conditional deletions.
UNKNOWN = ("NotImplemented", "501", "InvalidArgument", "InvalidRequest")
WAIT = "wait until it has ended, then run this again; if it has died, its lock ends by itself after a minute"
ELSEWHERE = (
    "keep the state in a bucket of AWS, or in a file: --state FILE; docs/state.md says what is needed of a server"
)
STOPPED = "run the same command again: what this one has made is found by its tags"


def ticking() -> float:
    """Seconds that go on while the machine sleeps, where the system can tell; a closed laptop loses its lease."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """The lock object `key` of a bucket."""

    def __init__(
        self, s3: Any, bucket: str, key: str, *, seconds: float = SECONDS, clock: Callable[[], float] = ticking
    ) -> None:
        self._s3, self._place, self._seconds, self._clock = s3, {"Bucket": bucket, "Key": key}, seconds, clock
        self._name = f"s3://{bucket}/{key.removesuffix('.lock')}"
        self._id = uuid.uuid4().hex
        self._body = b""
        self._tag = ""
        self._renewed = 0.0
        self._lost = False
        self._ended = threading.Event()

    def take(self, holder: Holder) -> None:
        """Take the lock, or a dead holder's; Locked says who holds it since when."""
        self._body = json.dumps({"id": self._id, **holder.as_dict()}).encode()
        if self._put(IfNoneMatch="*"):
            return
        found = self._look()
        if found is None or self._adopted(found):
            taken = found is not None or self._put(IfNoneMatch="*")
        elif found["age"] <= self._seconds + SLACK:
            raise Locked(f"{self._name} is locked by {_holder(found)}.", WAIT)
        else:
            taken = self._put(IfMatch=found["tag"])
        if not taken:
            raise Locked(f"{self._name} is locked by {_holder(self._look())}.", WAIT)

    def prove(self) -> None:
        """Write on conditions that hold and on others; StateInvalid if the server does not tell them apart.

        S3 does. Of servers that stand in for it several ignore conditions, so that any number of commands would hold
        the lock at once, and some refuse every If-Match.
        """
        wrong = [{"IfNoneMatch": "*"}, {"IfMatch": f'"{"0" * 32}"'}]
        if any(self._put(**condition) for condition in wrong):
            what = "ignores conditions of writes (If-None-Match, If-Match): it cannot keep two commands apart"
        elif not self._put(IfMatch=self._tag):
            what = "refuses writes whose condition holds (If-Match)"
        else:
            return
        self.release()
        raise StateInvalid(f"The server of {self._name} {what}.", ELSEWHERE)

    def keep(self) -> None:
        """Renew the lease again and again until `release`; runs in a thread of its own."""
        while not self._ended.wait(self._seconds / RENEWALS):
            with suppress(*expected_errors()):  # the network may come back in time
                self.renew()

    def renew(self) -> None:
        """Be good for the whole time again, unless somebody has taken over."""
        if not self._put(IfMatch=self._tag):
            found = self._look()
            self._lost = found is None or not self._adopted(found)

    def check(self) -> None:
        """Locked if the lease has been taken over, or may be."""
        if self._lost:
            raise Locked(f"{self._name} is not ours any more: it is locked by {_holder(self._look())}.", STOPPED)
        silent = self._clock() - self._renewed
        if silent > self._seconds:
            raise Locked(f"The lock of {self._name} could not be renewed for {silent:.0f} seconds.", STOPPED)

    def release(self) -> None:
        """Give the lock back; one that is not ours any more stays, and one that cannot be given back expires."""
        self._ended.set()
        with suppress(*expected_errors()):
            try:
                self._s3.delete_object(**self._place, IfMatch=self._tag)
            except expected_errors() as error:
                if not matches(error, *UNKNOWN):
                    raise
                self._delete_ours()

    def _delete_ours(self) -> None:
        """Delete the lock where deletions take no condition; while the lease is good nobody else takes it."""
        found = self._look()
        if found and found.get("id") == self._id and self._clock() - self._renewed < self._seconds:
            self._s3.delete_object(**self._place)

    def _put(self, **condition: str) -> bool:
        """Write the lock object on condition; False if the condition does not hold."""
        begun = self._clock()
        with ignoring(*TAKEN, *GONE):
            answer = self._s3.put_object(**self._place, Body=self._body, ContentType="application/json", **condition)
            self._tag, self._renewed = answer["ETag"], begun
            return True
        return False

    def _adopted(self, found: dict[str, Any]) -> bool:
        """Whether the object is ours: the answer to a write was lost, and its repetition was refused."""
        if found.get("id") != self._id:
            return False
        self._tag = found["tag"]
        return True

    def _look(self) -> dict[str, Any] | None:
        """Who holds the lock, with its entity tag and its age in seconds by the server's clock; None if nobody does."""
        try:
            answer = self._s3.get_object(**self._place)
        except expected_errors() as error:
            if matches(error, *GONE):
                return None
            raise
        said = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        now = parsedate_to_datetime(said) if said else datetime.now(UTC)
        known: dict[str, Any] = {}
        with suppress(ValueError):
            known = dict(json.loads(answer["Body"].read()))
        return known | {"tag": answer["ETag"], "age": (now - answer["LastModified"]).total_seconds()}


def _holder(found: dict[str, Any] | None) -> str:
    try:
        fields = {name: (found or {})[name] for name in ("command", "person", "process", "since")}
    except KeyError:
        return "another hfecs"
    return str(Holder(**fields))
