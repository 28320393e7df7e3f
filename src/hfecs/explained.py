"""From any exception to what the user sees: sentences with hints, and one exit code."""

from __future__ import annotations

from collections.abc import Sequence

from hfecs import os_errors
from hfecs.aws.errors import each, explain
from hfecs.errors import HfecsError


def explained(error: Exception) -> list[HfecsError]:
    """The errors meant for users in an error or a group, each once; none if there is a bug among them."""
    known = [_explained(single) for single in each(error)]
    told = {single.message: single for single in known if single}
    return [*told.values()] if all(known) else []


def exit_code(errors: Sequence[HfecsError]) -> int:
    """The exit code of a program that ended with these errors; 0 without any."""
    return max((error.exit_code for error in errors), default=0)


def _explained(error: Exception) -> HfecsError | None:
    return error if isinstance(error, HfecsError) else explain(error) or os_errors.explain(error)
