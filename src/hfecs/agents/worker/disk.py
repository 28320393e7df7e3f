"""Problems with a job's files, as sentences."""

from __future__ import annotations

import errno
import os
from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The kernel's codes for a full disk; there may be room again when other jobs have ended."""

LITTLE_BYTES = 1024 * 1024
"""A disk with less free space counts as full."""


def sentence(error: OSError) -> str:
    """What happened to which file."""
    name = error.filename2 or error.filename
    of = f" {os.fsdecode(name)}" if isinstance(name, str | bytes) else ""
    if error.errno in FULL:
        return f"The disk of the executor is full: the file{of} could not be written."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"The executor may not use the job's file{of}: {error.strerror}."
    return f"The executor could not work on the job's files: {error}."


def is_full(directory: Path) -> bool:
    """Whether a directory's disk has hardly any room left, or none for one more file."""
    try:
        disk = os.statvfs(directory)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < LITTLE_BYTES or (disk.f_files > 0 and disk.f_favail == 0)


def no_space(directory: Path) -> str:
    """The sentence for a program that failed while the disk was full."""
    return f"The disk of {directory} on the executor is full."
