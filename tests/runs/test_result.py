from __future__ import annotations

import json

import pytest

from hfecs.errors import WorkflowFailed
from hfecs.runs import result as run_result


def test_what_is_shown_of_a_result_is_there_even_if_it_was_not_told() -> None:
    told = run_result.read(json.dumps({"status": "failed", "failed": [{"args": "-a b"}], "resumed": 2}).encode(), "one")

    assert (told["jobs"], told["done"], told["resumed"]) == (0, 0, 2)
    assert told["failed"][0]["args"] == ["-a b"]
    assert told["failed"][0]["attempts"] == 1


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"status": 1', '{"status": "failed", "failed": [1]}', "[" * 9999])
def test_a_result_that_is_none_is_told_with_the_way_out(content: str) -> None:
    with pytest.raises(WorkflowFailed, match="The result of run one cannot be read: ") as raised:
        run_result.read(content.encode(), "one")

    assert "hfecs logs runner" in raised.value.hint
