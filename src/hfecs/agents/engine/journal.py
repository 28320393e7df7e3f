"""The engine's journal: what became of the jobs of a run, kept in the bucket while it goes on.

A line of JSON each: ["replies", queue] where jobs are answered, ["sent", number], ["failed", number], and
["fired", workflow, number, firing, outputs] of one that is done; numbers are those of the processes, from 1.
templates/engine/journal.js writes it.
"""

from __future__ import annotations

import gzip
import json
import logging
import threading
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from hfecs.agents.common.object_store import ObjectStore
from hfecs.errors import HfecsError

log = logging.getLogger(__name__)

PERIOD_SECONDS = 5.0
"""Between two looks whether there is more to keep: what a lost engine did in the last of them is done again."""


class Journal:
    """The file on the engine's machine."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def done(self) -> set[int]:
        """The numbers of the processes that have fired and succeeded."""
        return {int(entry[2]) for entry in self._entries() if entry[0] == "fired"}

    def outputs(self) -> dict[int, set[int] | None]:
        """The indices of the signals that each finished process has sent; None if its function wrote none."""
        return {int(entry[2]): _written(entry[4]) for entry in self._entries() if entry[0] == "fired"}

    def failed(self, after: int) -> set[int]:
        """The numbers of the processes that have failed for good, beyond so many lines: those of earlier attempts."""
        return {int(entry[1]) for entry in islice(self._entries(), after, None) if entry[0] == "failed"}

    def length(self) -> int:
        """The number of lines."""
        return self.whole_lines().count(b"\n")

    def forget(self, numbers: Collection[int]) -> None:
        """Strike all that is told of some processes: the engine runs them as if it never had."""
        kept = [entry for entry in self._entries() if _number(entry) not in numbers]
        self.path.write_text("".join(json.dumps(entry) + "\n" for entry in kept), encoding="utf-8")

    def whole_lines(self) -> bytes:
        """What stands in it; without the last line, if the engine is still at it."""
        if not self.path.exists():
            return b""
        written = self.path.read_bytes()
        return written[: written.rfind(b"\n") + 1]

    def _entries(self) -> Iterator[Any]:
        return map(json.loads, self.whole_lines().splitlines())


def _written(outs: Any) -> set[int] | None:
    """The indices of the signals among the outputs of a process of which there is data to send, or no data at all."""
    if outs is None:
        return None
    return {int(out["_id"]) - 1 for out in outs if out.get("data", True)}


def _number(entry: Any) -> int | None:
    """The process that an entry tells of."""
    if entry[0] == "replies":
        return None
    return int(entry[2] if entry[0] == "fired" else entry[1])


class JournalKeeper:
    """Brings the journal into the bucket, and tells the engine how far: replies stay at the broker until then.

    `first` brings there what has to be safe before the journal tells of it.
    """

    def __init__(
        self, journal: Journal, objects: ObjectStore, bucket: str, key: str, first: Callable[[], None] | None = None
    ) -> None:
        self._journal = journal
        self._first = first
        self._objects = objects
        self._bucket = bucket
        self._key = key
        self._kept = -1  # also an empty journal is kept, once
        self._keeping = threading.Lock()
        self._ended = threading.Event()

    def fetch(self) -> None:
        """Begin with what an earlier attempt of the run has left."""
        packed = self._journal.path.with_suffix(".gz")
        self._objects.download(self._bucket, self._key, packed)
        self._journal.path.write_bytes(gzip.decompress(packed.read_bytes()))

    def start(self) -> None:
        """Keep what is new every few seconds, in a thread that ends with its process or with `end`."""
        threading.Thread(target=self._run, name="journal", daemon=True).start()

    def _run(self) -> None:
        while not self._ended.wait(PERIOD_SECONDS):
            try:
                self.keep()
            except HfecsError as error:
                log.warning("the journal could not be kept: %s", error)

    def keep(self) -> None:
        """Keep what is there, if there is more than before; AwsFailed if the bucket does not take it."""
        with self._keeping:
            lines = self._journal.whole_lines()
            if self._first:
                self._first()
            if len(lines) == self._kept:
                return
            packed = self._journal.path.with_suffix(".gz")
            packed.write_bytes(gzip.compress(lines, compresslevel=3))
            self._objects.upload(packed, self._bucket, self._key)
            self._kept = len(lines)
            self._tell()

    def _tell(self) -> None:
        """Write the number of bytes beside the journal, at one stroke."""
        told = self._journal.path.with_name(f"{self._journal.path.name}.saved")
        beside = told.with_suffix(".new")
        beside.write_text(str(self._kept), encoding="utf-8")
        beside.replace(told)

    def end(self) -> None:
        """Keep the last lines, and no more."""
        self._ended.set()
        self.keep()
