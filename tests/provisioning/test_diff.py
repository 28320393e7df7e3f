from __future__ import annotations

from typing import Any

import pytest

from hfecs.provisioning.diff import contained, details, differences, of_document


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


def test_details_name_the_innermost_fields_and_the_items_of_lists_by_their_names() -> None:
    desired = {"containers": [{"name": "worker", "environment": [{"name": "THREADS", "value": "2"}], "memory": 64}]}
    actual = {
        "containers": [{"name": "worker", "environment": [{"name": "THREADS", "value": "1"}], "memory": 64, "cpu": 0}]
    }

    assert details(desired, actual) == {"containers[worker].environment[THREADS].value": ("1", "2")}


def test_details_show_items_that_come_and_go_and_lists_without_names_as_a_whole() -> None:
    come_and_go = details({"env": [{"name": "new", "value": "1"}]}, {"env": [{"name": "old", "value": "0"}]})

    assert come_and_go == {
        "env[new]": (None, {"name": "new", "value": "1"}),
        "env[old]": ({"name": "old", "value": "0"}, None),
    }
    assert details({"groups": ["a", "b"]}, {"groups": ["a"]}) == {"groups": (["a"], ["a", "b"])}
    assert details({"a": 1}, None, "settings") == {"settings": (None, {"a": 1})}


def test_what_aws_adds_is_no_detail_but_differs_in_a_document() -> None:
    desired, actual = {"Statement": [{"Sid": "Read"}]}, {"Statement": [{"Sid": "Read"}, {"Sid": "All"}], "Id": "x"}

    assert details({"Statement": []}, {"Statement": [], "Id": "x"}) == {}
    assert of_document(desired, actual) == {"Statement[All]": ({"Sid": "All"}, None), "Id": ("x", None)}
    assert of_document(desired, desired) == {}
