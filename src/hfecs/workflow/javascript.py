"""What a JavaScript file exports, found without running it: the files may be anybody's, and this is the user's machine.

The engine's machine requires them, and refuses a function that is not there before any job runs. So here a file whose
exports cannot be told from its text may export whatever it mentions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_STRING = r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|`(?:\\.|[^`\\])*`"
_COMMENT = re.compile(rf"({_STRING})|//[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = r"[A-Za-z_$][\w$]*"
_ONE = re.compile(rf"\bexports\s*(?:\.\s*({_NAME})|\[\s*['\"]([^'\"\n]+)['\"]\s*\])\s*(=(?!=))?")
_DEFINED = re.compile(r"\bdefineProperty\(\s*(?:module\s*\.\s*)?exports\s*,\s*['\"]([^'\"\n]+)['\"]")
_OBJECT = re.compile(r"\bexports\s*=\s*(?:(?:module\s*\.\s*)?exports\s*=\s*)?\{")
_TOKEN = re.compile(rf"{_STRING}|[{{}}()\[\],]|\.\.\.|[^\s{{}}()\[\],'\"`.]+|.", re.DOTALL)
_KEY = re.compile(rf"(?:(?:async|get|static)\s+|\*\s*)*(?:({_NAME})|['\"]([^'\"]+)['\"])\s*(?:[:(,}}]|$)")


@dataclass(frozen=True)
class Exports:
    """The names that a file exports, and whether there may be others."""

    names: frozenset[str]
    may_have_others: bool

    def has(self, name: str, text: str) -> bool:
        """Whether a name may be exported; `text` is where it has to be mentioned if that cannot be told."""
        return name in self.names or (self.may_have_others and mentions(text, name))


def exports(text: str) -> Exports:
    """What the text of a file exports."""
    code = without_comments(text)
    names: set[str] = set()
    certain = True
    rest = code
    for found in _OBJECT.finditer(code):
        entries = list(_entries(code, found.end()))
        keys = [_KEY.match(entry) for entry in entries]
        names |= {key[1] or key[2] for key in keys if key}
        certain = certain and all(keys)
        rest = rest.replace(found.group(), "", 1)
    names |= {found[1] or found[2] for found in _ONE.finditer(code) if found[3]} | set(_DEFINED.findall(code))
    rest = _DEFINED.sub("", _ONE.sub("", rest))
    is_plain = not re.search(r"\bexports\b|\bthis\s*[.\[]|\bmodule\s*\[", rest)
    return Exports(frozenset(names), not (names and certain and is_plain))


def without_comments(text: str) -> str:
    """The text without its comments."""
    return _COMMENT.sub(lambda match: match.group(1) or " ", text)


def mentions(text: str, name: str) -> bool:
    """Whether a name stands in a text as a word of its own."""
    return re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text) is not None


def _entries(code: str, start: int) -> Iterator[str]:
    """The entries of an object whose brace has just been opened, each as it is written."""
    depth, begin = 0, start
    for token in _TOKEN.finditer(code, start):
        if token.group() in "{([" and token.group():
            depth += 1
        elif token.group() in ("}", ")", "]") and depth:
            depth -= 1
        elif token.group() in (",", "}") and not depth:
            if entry := code[begin : token.start()].strip():
                yield entry
            if token.group() == "}":
                return
            begin = token.end()
