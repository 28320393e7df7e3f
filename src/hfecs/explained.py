"""Turn any raised error, also an OSError, into sentences with hints for people, and into one exit code."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from hfecs.aws.errors import each, explain
from hfecs.errors import CredentialsInvalid, Failed, HfecsError, Misused

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


def explained(error: Exception) -> list[HfecsError]:
    """The errors meant for users in an error or a group, each once; none if there is a bug among them."""
    known = [_explained(single) for single in each(error)]
    told: dict[tuple[type[HfecsError], str], HfecsError] = {}
    for single in filter(None, known):
        told.setdefault(_cause(single), single)
    return [*told.values()] if all(known) else []


def exit_code(errors: Sequence[HfecsError]) -> int:
    """The exit code of a program that ended with these errors; 0 without any."""
    return max((error.exit_code for error in errors), default=0)


def _explained(error: Exception) -> HfecsError | None:
    return error if isinstance(error, HfecsError) else explain(error) or explain_os_error(error)


def _cause(error: HfecsError) -> tuple[type[HfecsError], str]:
    """What makes two errors one: the same words or, for credentials, the same cause."""
    return type(error), error.cause if isinstance(error, CredentialsInvalid) else error.message


def explain_os_error(error: BaseException) -> HfecsError | None:
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
