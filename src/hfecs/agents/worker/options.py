"""A job's options: the place of its files, time limit, retries, and image."""

from __future__ import annotations

import math
import posixpath
import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hfecs.agents.worker.settings import STORAGES
from hfecs.errors import WorkflowInvalid

RETRIES = 2
"""Retries of a failed program, unless the job sets its own."""

MOST_RETRIES = 100

LONGEST_SECONDS = 31_536_000
"""A longer time limit is cut to a year: the system's clocks cannot wait for any number."""

_ODD = re.compile("[\0\ud800-\udfff]")


class _Brief(reprlib.Repr):
    """Shortens long values, and shows only the upper levels of deep ones."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother, self.maxlong = 3, 200, 100, 40


@dataclass(frozen=True)
class Options:
    """The place of the files, the time limit in seconds, the number of retries, and the job's image."""

    storage: str
    bucket: str = ""
    prefix: str = ""
    workdir: str = ""
    timeout: float | None = None
    container: str = ""
    retries: int = RETRIES


def read_options(options: object, default_storage: str, nfs: str) -> Options:
    """Check a message's options; WorkflowInvalid says what is wrong. `nfs`: the directory of the file server."""
    if not isinstance(options, dict | None):
        raise WorkflowInvalid(f"The job's 'options' are {brief(options)}, not a JSON object.")
    values = options or {}
    storage = text(values, "storage") or default_storage
    if storage not in STORAGES:
        raise WorkflowInvalid(f"The job's option 'storage' is {brief(storage)}, not one of {', '.join(STORAGES)}.")
    places = {key: text(values, key) for key in ("bucket", "prefix", "workdir")}
    needed = "bucket" if STORAGES[storage] == "s3" else "workdir"
    if not places[needed]:
        raise WorkflowInvalid(f"The job's storage is {storage}, but its option {needed!r} is missing.")
    if needed == "workdir":
        places["workdir"] = _directory(places["workdir"], nfs)
    return Options(
        STORAGES[storage],
        **places,
        timeout=_timeout(values.get("timeout")),
        container=_image(values),
        retries=_retries(values.get("retries")),
    )


def text(values: Mapping[str, Any], key: str) -> str:
    """The text under a key; empty if there is none."""
    value = values.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or not is_plain(value):
        raise WorkflowInvalid(f"The job's {key!r} is {brief(value)}, not a text.")
    return value


def is_plain(value: str) -> bool:
    """Whether system and broker accept a text: no null characters, no lone surrogates."""
    return _ODD.search(value) is None


def brief(value: object) -> str:
    """A value for a sentence, shortened if it is long or deep."""
    return _Brief().repr(value)


def _directory(workdir: str, nfs: str) -> str:
    """An absolute directory; a relative one is below that of the file server."""
    if not workdir.startswith("/") and not nfs:
        raise WorkflowInvalid(f"The job's option 'workdir' is {brief(workdir)}, but this executor has no file server.")
    return posixpath.join(nfs, workdir)


def _image(values: Mapping[str, Any]) -> str:
    """The image of the job's container, which Docker must not read as an option."""
    image = text(values, "container")
    if image.startswith("-"):
        raise WorkflowInvalid(f"The job's option 'container' is {brief(image)}, not an image.")
    return image


def _timeout(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise WorkflowInvalid(f"The job's option 'timeout' is {brief(value)}, not a number of seconds above 0.")
    return float(min(value, LONGEST_SECONDS))


def _retries(value: object) -> int:
    if value is None:
        return RETRIES
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_RETRIES:
        raise WorkflowInvalid(
            f"The job's option 'retries' is {brief(value)}, not a whole number from 0 to {MOST_RETRIES}."
        )
    return value
