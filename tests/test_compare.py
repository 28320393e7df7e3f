from __future__ import annotations

from typing import Any

import pytest

from hfecs.compare import contained, differences


@pytest.mark.parametrize(
    ("desired", "actual"),
    [
        (1, 1),
        (1, 1.0),
        ({"a": 1}, {"a": 1, "more": 2}),
        ([{"a": 1}, {"b": 2}], [{"b": 2, "x": 0}, {"a": 1}]),
        ({"a": {"b": ["x"]}}, {"a": {"b": ["x"], "c": None}}),
        ([], []),
        ("text", "text"),
    ],
)
def test_what_is_wanted_is_contained_in_an_answer_that_says_more_in_another_order(desired: Any, actual: Any) -> None:
    assert contained(desired, actual)


@pytest.mark.parametrize(
    ("desired", "actual"),
    [
        (1, 2),
        ({"a": 1}, {}),
        ({"a": 1}, None),
        ({"a": 1}, [1]),
        (["x"], ["x", "y"]),
        (["x", "y"], ["x"]),
        (["x"], None),
        ("text", ["t"]),
    ],
)
def test_what_is_wanted_and_missing_or_listed_beside_more_is_not_contained(desired: Any, actual: Any) -> None:
    assert not contained(desired, actual)


def test_a_list_with_the_same_item_twice_does_not_contain_two_items() -> None:
    assert not contained(["x", "x"], ["x", "y"])


def test_differences_name_the_field_with_its_old_and_new_value() -> None:
    assert differences({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == {"b": (3, 2)}
