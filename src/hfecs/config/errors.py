"""Configuration errors as sentences: the source, the key, what is expected, the nearest valid key."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hfecs.config import Config
from hfecs.config.keys import is_secret, meanings, originals
from hfecs.config.sources import PREFIX, keys

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

NEAR = 0.75
SHOWN_CHARACTERS = 80

EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "int_parsing_size": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a number",
    "list_type": 'a list such as ["one", "two"]',
    "string_type": 'a text in quotes, such as "text"',
    "model_type": "a table, written as [table]",
}
"""The values that pydantic's error types expect, in the words of a configuration file."""

OUT_OF_RANGE = ("greater_than_equal", "less_than_equal")


def faults(error: ValidationError, places: Mapping[str, str]) -> list[str]:
    """One sentence for each invalid key."""
    by_key: dict[str, list[ErrorDetails]] = {}
    for fault in error.errors(include_url=False):
        by_key.setdefault(".".join(str(part) for part in fault["loc"][:2]), []).append(fault)
    told = [(_place(key, found[0], places), key, found) for key, found in by_key.items()]
    order = [*dict.fromkeys(places.values())]
    told.sort(key=lambda fault: order.index(fault[0]) if fault[0] in order else len(order))
    return [_sentence(key, found, place) for place, key, found in told]


def _sentence(key: str, found: list[ErrorDetails], place: str) -> str:
    if found[0]["type"] == "extra_forbidden":
        return f"{place}: unknown key {key}{_nearest(key)}"
    own = [fault["msg"].removeprefix("Value error, ") for fault in found if fault["type"] == "value_error"]
    if own and not own[0].startswith("should"):
        return f"{place}: in [{key}], {own[0]}"
    wanted = own or ["should be " + " or ".join(dict.fromkeys(_expected(key, fault) for fault in found))]
    said = "" if is_secret(key) else f", not {_told(found[0]['input'])}"
    return f"{place}: {key} {wanted[0]}{said}"


def _expected(key: str, fault: ErrorDetails) -> str:
    bounds = meanings()[key].bounds if key in meanings() else None
    if fault["type"] in OUT_OF_RANGE and bounds:
        return f"between {bounds[0]} and {bounds[1]}"
    if fault["type"] == "literal_error":
        return str(fault["ctx"]["expected"])
    return EXPECTED.get(fault["type"]) or fault["msg"].removeprefix("Input should be ")


def _told(value: object) -> str:
    """A value as the user wrote it, truncated if long."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def _place(key: str, fault: ErrorDetails, places: Mapping[str, str]) -> str:
    """The source of a key; for a whole table, that of one of the keys in the sentence."""
    if key in places:
        return places[key]
    inside = [name for name in places if name.startswith(f"{key}.")]
    named = [name for name in inside if name.partition(".")[2] in fault["msg"]]
    return next((places[name] for name in (*named, *inside)), key)


def _nearest(key: str) -> str:
    """The nearest valid key, or the one that replaces a key of the Terraform project."""
    spelled = key.removeprefix(PREFIX).lower().replace("_", ".", 1) if key.startswith(PREFIX) else key
    table, _, name = spelled.partition(".")
    for old in (name or table, spelled.replace(".", "_")):
        if new := originals().get(old):
            same = new.partition(".")[2] == old
            return f"; did you mean {new}?" if same else f"; the Terraform project's {old} is {new} here"
    if not name and (close := difflib.get_close_matches(table, Config.model_fields, n=1, cutoff=NEAR)):
        return f"; did you mean {close[0]}?"
    by_name: dict[str, list[str]] = {}
    for known in keys():
        by_name.setdefault(known.partition(".")[2], []).append(known)
    close = difflib.get_close_matches(name or table, by_name, n=1, cutoff=NEAR)
    if not close:
        return ""
    same_table = [known for known in by_name[close[0]] if known.startswith(f"{table}.")]
    return f"; did you mean {(same_table or by_name[close[0]])[0]}?"
