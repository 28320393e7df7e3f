"""What a survey found, beside what the state file names."""

from __future__ import annotations

from hfecs.provisioning.inventory import Inventory
from hfecs.provisioning.resource import Existing
from hfecs.provisioning.state import Record

KIND = "thing"


def found(*things: Existing) -> Inventory:
    """A survey that found these."""
    inventory = Inventory()
    inventory.remember(KIND, things)
    return inventory


def ids(records: list[Record]) -> list[tuple[str, str]]:
    """Names and ids."""
    return [(record.name, record.id) for record in records]


def test_what_exists_is_what_the_state_names_and_what_carries_our_tags() -> None:
    inventory = found(Existing("a", "id-a"), Existing("b", "id-s", ours=False))
    records = [Record(KIND, "a", "id-of-old"), Record(KIND, "c", "id-c"), Record("another kind", "d", "id-d")]

    assert ids(inventory.existing(KIND, records)) == [("a", "id-a"), ("c", "id-c")]


def test_what_lost_its_tags_is_estranged_and_not_ours_any_more() -> None:
    stranger = Existing("a", "id-a", ours=False)
    records = [Record(KIND, "a", "id-a")]

    inventory = found(stranger)

    assert inventory.existing(KIND, records) == []
    assert inventory.estranged(KIND, records) == [(records[0], stranger)]
    assert inventory.replaced(KIND, records) == []


def test_a_name_that_another_id_has_now_was_replaced() -> None:
    records = [Record(KIND, "a", "id-a")]

    inventory = found(Existing("a", "id-of-a-stranger", ours=False))

    assert inventory.existing(KIND, records) == []
    assert inventory.estranged(KIND, records) == []
    assert inventory.replaced(KIND, records) == records


def test_of_two_with_one_name_ours_is_the_one_seen_and_both_are_listed() -> None:
    ours, stranger = Existing("a", "id-a"), Existing("a", "id-s", ours=False)

    inventory = found(ours, stranger)

    assert inventory.of(KIND) == {"a": ours}
    assert inventory.all_of(KIND) == [ours, stranger]


def test_a_part_belongs_to_the_owner_of_the_whole_and_to_the_state_where_the_whole_was_not_listed() -> None:
    part = Existing("rule", "id-rule", within=("group", "workers"))
    inventory = found(part)
    inventory.fail("group", RuntimeError("denied"))

    assert inventory.existing(KIND, []) == []
    assert ids(inventory.existing(KIND, [Record("group", "workers", "sg-1")])) == [("rule", "id-rule")]

    inventory.remember("group", [Existing("workers", "sg-2", ours=False)])

    assert inventory.existing(KIND, []) == []


def test_the_same_without_some_forgets_only_these() -> None:
    inventory = found(Existing("a", "id-a"), Existing("b", "id-b"))

    rest = inventory.without([(KIND, "a")])

    assert list(rest.of(KIND) or {}) == ["b"]
    assert list(inventory.of(KIND) or {}) == ["a", "b"]
