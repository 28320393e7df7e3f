"""What JavaScript files export, found without running them."""

from __future__ import annotations

import pytest

from hfecs.workflow.javascript import exports


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("exports.a = () => {};", "a"),
        ("module.exports.a = function (ins, outs) {}", "a"),
        ("exports.a = exports.b = f;", "a b"),
        ("exports['a'] = f; exports[\"b\"] = f", "a b"),
        ("Object.defineProperty(exports, 'a', { value: f });", "a"),
        ("module.exports = { a, b: f, c(ins) { return {d: 1}; }, async e() {}, 'g': [1, 2], };", "a b c e g"),
        ("exports = module.exports = {a: a}", "a"),
        ("module.exports = exports = { a: ({x}, y) => ({ z: y }) };", "a"),
        ("module.exports = { a: 'text, with: } marks', b };", "a b"),
        ("// exports.b = f\nexports.a = f; /* exports.c = f */ const url = 'http://x';", "a"),
        ("exports.a = f; function f() { exports.a(); }", "a"),
    ],
)
def test_exports_that_can_be_told_are_known_and_nothing_else_is(text: str, names: str) -> None:
    found = exports(text)

    assert (found.names, found.may_have_others) == (frozenset(names.split()), False)


@pytest.mark.parametrize(
    "text",
    [
        "module.exports = require('./more');",
        "module.exports = { a, ...more };",
        "module.exports = { [name]: f, a };",
        "Object.assign(exports, {a: f});",
        "for (const name of names) exports[name] = f;",
        "this.a = f;",
        "module['exports'].a = f; exports.b = f",
        "(function (x) { x.a = f; })(exports);",
        "",
    ],
)
def test_a_file_that_exports_in_other_ways_may_have_what_it_mentions(text: str) -> None:
    found = exports(text)

    assert found.may_have_others
    assert found.has("mine", "function mine() {}")
    assert not found.has("mine", "function mines() {}")


def test_a_name_that_only_stands_in_the_text_is_not_exported() -> None:
    text = "function helper() {}\nexports.a = () => helper('other');"

    assert not any(exports(text).has(name, text) for name in ("helper", "other"))
