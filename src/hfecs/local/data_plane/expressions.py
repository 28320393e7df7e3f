"""The ECS cluster query language, as far as placement constraints use it.

    attribute:hfecs.role == worker and attribute:ecs.instance-type in [t2.small, t2.micro] or not attribute:gpu exists
    attribute:hfecs.role == runner and ec2InstanceId == i-0123456789abcdef0

parse() returns a test for the attributes of a container instance, and raises BadExpression for anything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Attributes = Mapping[str, str | None]
Test = Callable[[Attributes], bool]

TOKEN = re.compile(r"\s*(==|!=|=~|!~|\(|\)|\[|\]|,|!|[A-Za-z0-9_./:\-*?@+]+|'[^']*'|\"[^\"]*\")")
SUBJECT = re.compile(r"^attribute:([A-Za-z0-9_.\-/]{1,128})$")
# Key of the instance id among the attributes; the name of an attribute has no colon.
EC2_INSTANCE_ID = ":ec2InstanceId"
SIGNS = {"==", "!=", "=~", "!~", "(", ")", "[", "]", ",", "!"}
WORDS = {"and", "or", "not", "in", "not_in", "exists", "!exists", "equals", "not_equals"}


class BadExpression(ValueError):
    """The expression is not in the cluster query language."""


def parse(expression: str) -> Test:
    """The test for an expression."""
    parser = _Parser(_tokens(expression))
    test = parser.either()
    if parser.tokens:
        raise BadExpression(f"unexpected {parser.tokens[0]!r}")
    return test


def _tokens(expression: str) -> list[str]:
    tokens, position = [], 0
    while expression[position:].strip():
        match = TOKEN.match(expression, position)
        if match is None:
            raise BadExpression(f"unexpected {expression[position:].strip()[0]!r}")
        tokens.append(match.group(1))
        position = match.end()
    return tokens


class _Parser:
    """Recursive descent: either -> both -> inverted -> comparison."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def either(self) -> Test:
        test = self.both()
        while self._take("or"):
            test = _any_of(test, self.both())
        return test

    def both(self) -> Test:
        test = self.inverted()
        while self._take("and"):
            test = _all_of(test, self.inverted())
        return test

    def inverted(self) -> Test:
        if self._take("not"):
            inner = self.inverted()
            return lambda attributes: not inner(attributes)
        if self._take("("):
            inner = self.either()
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Test:
        name, sign = _subject(self._next()), self._next()
        if sign == "!":
            self._expect("exists")
            return lambda attributes: name not in attributes
        if sign == "exists":
            return lambda attributes: name in attributes
        if sign in ("==", "equals"):
            return _is_in(name, {self._value()})
        if sign in ("!=", "not_equals"):
            return _is_not_in(name, {self._value()})
        if sign in ("in", "not_in"):
            return (_is_in if sign == "in" else _is_not_in)(name, self._list())
        raise BadExpression(f"unknown operator {sign!r}")

    def _list(self) -> set[str]:
        self._expect("[")
        values = {self._value()}
        while self._take(","):
            values.add(self._value())
        self._expect("]")
        return values

    def _value(self) -> str:
        token = self._next()
        if token in SIGNS or token in WORDS:
            raise BadExpression(f"a value is missing before {token!r}")
        return token.strip("'\"")

    def _take(self, token: str) -> bool:
        if self.tokens and self.tokens[0].lower() == token:
            self.tokens.pop(0)
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise BadExpression(f"{token!r} is missing")

    def _next(self) -> str:
        if not self.tokens:
            raise BadExpression("it ends too early")
        return self.tokens.pop(0)


def _subject(token: str) -> str:
    """The key of a subject among the attributes."""
    if token == "ec2InstanceId":
        return EC2_INSTANCE_ID
    if match := SUBJECT.match(token):
        return match.group(1)
    raise BadExpression(f"unknown subject {token!r}")


def _is_in(name: str, values: set[str]) -> Test:
    return lambda attributes: name in attributes and attributes[name] in values


def _is_not_in(name: str, values: set[str]) -> Test:
    return lambda attributes: name in attributes and attributes[name] not in values


def _any_of(first: Test, second: Test) -> Test:
    return lambda attributes: first(attributes) or second(attributes)


def _all_of(first: Test, second: Test) -> Test:
    return lambda attributes: first(attributes) and second(attributes)
