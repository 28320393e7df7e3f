"""Turn OSError into a sentence with a hint."""

from __future__ import annotations

import errno
import os

from hfecs.errors import Failed, HfecsError, Misused

NAME_ANOTHER = "name another file or directory, or make this one accessible"
ROOM = "free some disk space, then run the same command again: it continues where it stopped"
ONLINE = "is this machine online, and does the address exist? then run the same command again"

WRONG_PATHS = frozenset(
    {
        *(errno.ENOENT, errno.EACCES, errno.EPERM, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY),
        *(errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.ENXIO),
    }
)
"""Error codes for a path that cannot be used as requested."""

EXHAUSTED = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: "raise the file size limit (ulimit -f), then run the same command again",
    errno.EMFILE: "raise the limit on open files (ulimit -n), then run the same command again",
    errno.ENFILE: "close other programs, then run the same command again",
    errno.EAGAIN: "raise the limit on processes (ulimit -u), then run the same command again",
    errno.ENOMEM: "close other programs, then run the same command again",
    errno.EIO: "check the disk for faults, then run the same command again",
}
"""Exhausted or broken system resources, and what to do."""


def explain(error: BaseException) -> HfecsError | None:
    """Turn a system error into a sentence with a hint; None if that would hide a bug of ours."""
    if not isinstance(error, OSError):
        return None
    reason = error.strerror or str(error) or type(error).__name__
    path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    if error.errno in EXHAUSTED:
        return Failed(f"{path or 'A file'} cannot be written or read: {reason}.", EXHAUSTED[error.errno])
    if path and error.errno in WRONG_PATHS:
        return Misused(f"{path} cannot be used: {reason}.", NAME_ANOTHER)
    if not path and (isinstance(error, ConnectionError | TimeoutError) or type(error).__module__ in ("socket", "ssl")):
        return Failed(f"Another machine cannot be reached: {reason}.", ONLINE)
    return None
