"""Valid documents with faults in them: keys dropped, values replaced, texts cut, bytes turned over."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

Path = tuple[Any, ...]

# Stands in a document for lists in lists that json.dumps could not write.
DEEP = "@lists in lists@"
DEPTHS = (200, 900, 1100, 100_000)

NUMBERS = [0, -1, 1, 2**31, 2**63, -(2**63), 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf"), float("-inf")]
TEXTS = [
    *("", " ", ".", "..", "../up", "/root", "a/../b", "a//b", "-rf", "--help", "$a_b", "{{name}}", "{{function}}"),
    *(
        "\0",
        "a\nb",
        "\x1b[31m",
        "\ud800",
        "x\udfff",
        "żółw",
        "𝔘",
        "a" * 300,
        "%s%n",
        "${x}",
        "#",
        "*",
        "a:b",
        "0",
        "NaN",
    ),
]

ATOMS: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.sampled_from(NUMBERS), st.sampled_from(TEXTS), st.integers(), st.text(max_size=8)
)
JUNK: st.SearchStrategy[Any] = st.one_of(
    ATOMS,
    st.just(DEEP),
    st.lists(ATOMS, max_size=3),
    st.dictionaries(st.sampled_from(TEXTS) | st.text(max_size=4), ATOMS, max_size=3),
    st.just([[]]),
    st.just([{}]),
    st.just({"": {}}),
)


def places(document: Any, path: Path = ()) -> Iterator[Path]:
    """The way to each value of a document, its own first."""
    yield path
    children = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in children:
        yield from places(value, (*path, key))


def _at(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


def _drop(_: st.DrawFn, parent: Any, key: Any) -> None:
    del parent[key]


def _replace(draw: st.DrawFn, parent: Any, key: Any) -> None:
    parent[key] = copy.deepcopy(draw(JUNK))


def _repeat(_: st.DrawFn, parent: Any, key: Any) -> None:
    """The same once more: in a list behind itself, in an object under a name of its own."""
    twin = copy.deepcopy(parent[key])
    if isinstance(parent, list):
        parent.insert(key, twin)
    else:
        parent[f"{key}2"] = twin


def _misspell(draw: st.DrawFn, parent: Any, key: Any) -> None:
    value = parent[key]
    del parent[key]
    if isinstance(parent, dict):
        parent[draw(st.sampled_from([f"{key}s", str(key)[:-1], str(key).upper(), "", "x\0"]))] = value


def _swap(draw: st.DrawFn, parent: Any, key: Any) -> None:
    """The value of a neighbour in its place."""
    keys = list(parent) if isinstance(parent, dict) else range(len(parent))
    parent[key] = copy.deepcopy(parent[draw(st.sampled_from(list(keys)))])


FAULTS: list[Callable[[st.DrawFn, Any, Any], None]] = [_drop, _replace, _replace, _replace, _repeat, _misspell, _swap]


@st.composite
def documents(draw: st.DrawFn, valid: Any) -> Any:
    """A valid document with one to three faults."""
    whole = {"": copy.deepcopy(valid)}
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([path for path in places(whole) if path]))
        draw(st.sampled_from(FAULTS))(draw, _at(whole, path[:-1]), path[-1])
        if "" not in whole:
            break
    return whole.get("")


def each_fault(valid: Any) -> Iterator[Any]:
    """A valid document with one fault, for each place in it and each of the faults: some thousands."""
    others: list[Any] = [None, True, False, [], {}, [[]], [{}], {"": {}}, [None], {"a": 1}, DEEP]
    for path in places(valid):
        for junk in (*NUMBERS, *TEXTS, *others):
            whole = {"": copy.deepcopy(valid)}
            way = ("", *path)
            _at(whole, way[:-1])[way[-1]] = copy.deepcopy(junk)
            yield whole[""]
        if path:
            whole = copy.deepcopy(valid)
            del _at(whole, path[:-1])[path[-1]]
            yield whole


def written(document: Any, depth: int = 900) -> str:
    """A document as JSON, with what Python writes and JSON does not know."""
    return json.dumps(document).replace(json.dumps(DEEP), "[" * depth + "]" * depth)


def damaged(text: str) -> st.SearchStrategy[bytes]:
    """A text as bytes: whole, cut off, with bytes turned over or put in, in another encoding, twice, or with none."""
    raw = text.encode("utf-8", "surrogatepass")
    where = st.integers(0, len(raw))
    return st.one_of(
        st.just(raw),
        where.map(lambda end: raw[:end]),
        st.tuples(where, st.binary(min_size=1, max_size=4)).map(lambda cut: raw[: cut[0]] + cut[1] + raw[cut[0] :]),
        st.tuples(where, st.binary(max_size=4)).map(lambda cut: raw[: cut[0]] + cut[1] + raw[cut[0] + 4 :]),
        st.sampled_from([raw + raw, raw.decode("utf-8", "replace").encode("utf-16"), b"\xef\xbb\xbf" + raw, b"\0" * 9]),
    )


@st.composite
def files(draw: st.DrawFn, valid: Any) -> bytes:
    """A JSON file with faults in its document, in its bytes, or in both; some are random bytes."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=64))
    document = draw(documents(valid))
    text = written(document, draw(st.sampled_from(DEPTHS)))
    return draw(damaged(text)) if draw(st.booleans()) else text.encode("utf-8", "surrogatepass")
