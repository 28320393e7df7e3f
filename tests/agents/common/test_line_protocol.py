from __future__ import annotations

import math

import pytest

from hfecs.agents.common.line_protocol import Point, Value, line


def test_a_point_is_written_with_its_tags_in_order_and_its_time_in_nanoseconds() -> None:
    point = Point("execution_times", {"wfid": "r1", "name": "mAdd"}, {"runing_time": 1.5, "exit_status": 0}, 1_700)

    assert line(point) == "execution_times,name=mAdd,wfid=r1 runing_time=1.5,exit_status=0i 1700"


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (7, "7i"), (0.25, "0.25"), ("OK", '"OK"'), ('say "no\\"', '"say \\"no\\\\\\""')]
)
def test_a_field_says_its_type(value: Value, text: str) -> None:
    assert line(Point("m", {}, {"field": value}, 1)) == f"m field={text} 1"


def test_what_separates_in_a_line_is_marked_in_a_tag() -> None:
    point = Point("m", {"a tag": "x=1, y=2\nz\\"}, {"field": 1}, 1)

    assert line(point) == r"m,a\ tag=x\=1\,\ y\=2\ z/ field=1i 1"


def test_empty_tags_and_impossible_numbers_are_left_out() -> None:
    assert line(Point("m", {"run": ""}, {"good": 1.0, "bad": math.nan}, 1)) == "m good=1.0 1"
    assert line(Point("m", {}, {"bad": math.inf}, 1)) == ""
