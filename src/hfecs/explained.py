"""From any exception to what the user sees: sentences with hints, and one exit code."""

from __future__ import annotations

from collections.abc import Sequence

from hfecs import os_errors
from hfecs.aws.errors import each, explain
from hfecs.errors import CredentialsInvalid, HfecsError


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
    return error if isinstance(error, HfecsError) else explain(error) or os_errors.explain(error)


def _cause(error: HfecsError) -> tuple[type[HfecsError], str]:
    """What makes two errors one: the same words or, for credentials, the same cause."""
    return type(error), error.cause if isinstance(error, CredentialsInvalid) else error.message
