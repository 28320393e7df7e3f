from __future__ import annotations

import re
from typing import Any

import pytest

from hfecs import errors
from hfecs.errors import HfecsError

BRANCH = re.compile(r"^((?:[│├└─ ]{4})*)(\w+) +(\d+)? ")


def all_errors(root: type[HfecsError] = HfecsError) -> list[type[HfecsError]]:
    return [root, *(error for child in root.__subclasses__() for error in all_errors(child))]


def drawn() -> dict[str, tuple[str, int]]:
    """Parent and exit code of each error, as the docstring draws them."""
    tree: dict[str, tuple[str, int]] = {}
    path: list[tuple[str, int]] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := BRANCH.match(line.removeprefix("    ")):
            depth = len(match[1]) // 4
            parent, code = path[depth - 1] if depth else ("Exception", 0)
            path[depth:] = [(match[2], int(match[3] or code))]
            tree[match[2]] = (parent, path[depth][1])
    return tree


def test_the_docstring_draws_every_error_and_no_other() -> None:
    names = {error.__name__ for error in all_errors() if error.__module__ == errors.__name__}

    assert set(drawn()) == names


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.__name__)
def test_an_error_stands_under_its_parent_with_the_exit_code_that_is_drawn(error: Any) -> None:
    parent, code = drawn()[error.__name__]

    assert (error.__base__.__name__, error.exit_code) == (parent, code)


def test_every_error_derives_from_one_class_outside_of_the_tree_too() -> None:
    outside = [error for error in all_errors() if error.__module__ != errors.__name__]

    assert outside == []
