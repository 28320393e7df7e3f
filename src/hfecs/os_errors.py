"""What this machine does not let us do with its files and network, as a sentence with a hint."""

from __future__ import annotations

import errno
import os

from hfecs.errors import Failed, HfecsError, Misused

NAME_ANOTHER = "name another file or directory, or make this one usable"
ROOM = "make room on the disk, then run the same command again: it goes on where it stopped"
ONLINE = "is this machine online, and does the address exist? then run the same command again"

WRONG_PATHS = frozenset(
    {
        *(errno.ENOENT, errno.EACCES, errno.EPERM, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY),
        *(errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.ENXIO),
    }
)
"""Answers of the system to a path that cannot be used as asked."""

EXHAUSTED = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: "raise the limit on the size of files (ulimit -f), then run the same command again",
    errno.EMFILE: "raise the limit on open files (ulimit -n), then run the same command again",
    errno.ENFILE: "let other programs end, then run the same command again",
    errno.EAGAIN: "raise the limit on processes (ulimit -u), then run the same command again",
    errno.ENOMEM: "let other programs end, then run the same command again",
    errno.EIO: "is the disk in order? then run the same command again",
}
"""What the system has no more of, and the way out."""


def explain(error: BaseException) -> HfecsError | None:
    """Say what the system answered as a sentence with a hint; None if that would hide a bug of ours."""
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
