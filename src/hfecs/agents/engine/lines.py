"""Files of lines that the engine writes, kept in the bucket as they grow: what jobs printed, and the record.

A long run has many lines: each part is compressed once, and nothing of it stays in memory.
"""

from __future__ import annotations

import gzip
import logging
import shutil
import zlib
from pathlib import Path

from hfecs.agents.common.object_store import ObjectStore

log = logging.getLogger(__name__)

LEVEL = 3
"""Of compression: a tenth of the time of the highest, for a fifth more bytes."""


class LinesKeeper:
    """Brings the lines of a file into the bucket, as a gzip file of many parts."""

    def __init__(self, path: Path, objects: ObjectStore, bucket: str, key: str) -> None:
        self.path = path
        self._packed = path.with_suffix(".gz")
        self._objects = objects
        self._bucket = bucket
        self._key = key
        self._read = 0
        self._size = 0
        self._sent = 0

    def fetch(self) -> None:
        """Begin with what an earlier attempt of the run has left; one of an earlier version has left nothing."""
        if self._key not in self._objects.keys(self._bucket, self._key):
            return
        size = self._objects.download(self._bucket, self._key, self._packed)
        try:
            with gzip.open(self._packed) as packed, self.path.open("wb") as lines:
                shutil.copyfileobj(packed, lines)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            log.warning("%s of earlier attempts cannot be read, and is written anew: %s", self._key, error)
            self.path.unlink()
            return
        self._size = self._sent = size
        self._read = self.path.stat().st_size

    def keep(self) -> None:
        """Keep what is there, if there is more than before; AwsFailed if the bucket does not take it."""
        if self.path.exists() and self.path.stat().st_size > self._read:
            self._pack()
        if self._size > self._sent:
            self._objects.upload(self._packed, self._bucket, self._key)
            self._sent = self._size

    def _pack(self) -> None:
        """Add a part with the new lines; without the last one, if the engine is still at it."""
        self._packed.touch()
        with self.path.open("rb") as lines, self._packed.open("r+b") as packed:
            lines.seek(self._read)
            packed.seek(self._size)
            packed.truncate()
            read = 0
            with gzip.open(packed, "wb", compresslevel=LEVEL) as part:
                for line in lines:
                    if line.endswith(b"\n"):
                        part.write(line)
                        read += len(line)
            self._read, self._size = self._read + read, packed.tell()
