"""Inputs cached on the machine: downloaded once for all its workers and jobs, within a limit, and when they change."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

LOCKS = 256
"""Number of lock files, shared by all objects: two objects rarely collide, and then one of them waits."""

ABANDONED_SECONDS = 3600.0
"""A download that has not grown for this long belongs to a worker that was killed."""

NOT_SHARED = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
"""The kernel's error codes if it cannot copy between two files itself."""

COPY_BYTES = 1 << 30

Download = Callable[[Path], None]


class Cache:
    """A directory of at most `limit` bytes that evicts the least recently used files; many processes share it.

    A job gets a copy, which shares its blocks with the cached file if the file system supports it: a job that changes
    its input does not affect others.
    """

    def __init__(self, directory: Path, limit: int) -> None:
        self._directory = directory
        self._limit = limit
        directory.mkdir(parents=True, exist_ok=True)

    def fetch(self, name: str, size: int, target: Path, download: Download) -> None:
        """Make `target` a copy of the cached file of that name, or of what `download` fetches; `size` is in bytes.

        The name must identify the version of an object. If several want it at the same time, one downloads.
        """
        kept = self._directory / f"{hashlib.sha256(name.encode()).hexdigest()}.kept"
        with self._locked(f"lock.{int(kept.name[:8], 16) % LOCKS}"):
            if not (kept.exists() or self._bring(kept, size, download)):
                download(target)
                return
            source = os.open(kept, os.O_RDONLY)
        try:
            os.utime(source)
            _copy(source, target)
        finally:
            os.close(source)

    def _bring(self, kept: Path, size: int, download: Download) -> bool:
        """Download to a temporary file, then rename: cached files are complete. False if there is no room.

        The temporary file's name says how much it reserves.
        """
        part = kept.with_name(f"{uuid.uuid4().hex}.{size}.part")
        with self._locked("lock"):
            if not self._make_room(size):
                return False
            part.touch()
        try:
            download(part)
            part.rename(kept)
        finally:
            part.unlink(missing_ok=True)
        return True

    def _make_room(self, size: int) -> bool:
        """Delete the least recently used files until that size fits in; returns whether it does."""
        if size > self._limit:
            return False
        files = sorted(self._files(), key=lambda file: file[1])
        free = self._limit - sum(file[2] for file in files)
        for path, _, held in files:
            if free >= size:
                break
            if path.suffix == ".kept":
                path.unlink(missing_ok=True)
                free += held
        return free >= size

    def _files(self) -> Iterator[tuple[Path, float, int]]:
        """Cached files and downloads in progress, with their last use and the bytes they hold or reserve."""
        for path in self._directory.iterdir():
            if path.suffix not in (".kept", ".part"):
                continue
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            if path.suffix == ".kept":
                yield path, status.st_mtime, status.st_size
            elif status.st_mtime < time.time() - ABANDONED_SECONDS:
                log.info("removing %s, which a worker left unfinished", path.name)
                path.unlink(missing_ok=True)
            else:
                yield path, status.st_mtime, int(path.suffixes[-2][1:])

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Keep other threads and processes from doing the same; the lock is released if its holder dies."""
        descriptor = os.open(self._directory / name, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _copy(source: int, target: Path) -> None:
    """Copy a file, inside the kernel if possible."""
    with target.open("wb") as file:
        try:
            while os.copy_file_range(source, file.fileno(), COPY_BYTES):
                pass
        except OSError as error:
            if error.errno not in NOT_SHARED:
                raise
            os.lseek(source, 0, os.SEEK_SET)
            file.seek(0)
            shutil.copyfileobj(os.fdopen(os.dup(source), "rb"), file)
