"""How AWS writes tags."""

from __future__ import annotations

import pytest

from hfecs.aws.tags import lower_pairs, pairs, tags_of


@pytest.mark.parametrize("spelling", [pairs, lower_pairs])
def test_tags_in_either_spelling_come_back_as_they_were(spelling: object) -> None:
    tags = {"hfecs:cluster": "a", "empty": ""}

    assert callable(spelling)
    assert tags_of(spelling(tags)) == tags


def test_no_tags_are_an_empty_dictionary() -> None:
    assert tags_of(None) == {}
