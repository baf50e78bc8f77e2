"""A tolerant reader of JSON in a text: it finds objects in prose, cut off, or written in a loose way.

It reads what `json` refuses: text around, trailing commas, single and typographic quotes, Python's and JavaScript's
words, unescaped quotes and line breaks in strings, and an end in the middle. It takes linear time, and no stack.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


class Object(list[tuple[str, Any]]):
    """An object as its keys and values in order, because models write one key several times."""


class Unquoted(str):
    """A word without quotes, which may be a key but no value."""


BROKEN = object()
"""A value that cannot be read, such as a string without an end."""

DEEPEST = 200
"""Maximum number of open brackets; what is nested deeper is junk."""

_QUOTES = (('"', '"'), ("'", "'"), ("\u201c", "\u201d"))
_STRINGS = "|".join(
    # A quote ends a string only where a value may end; any other one is a part of it.
    rf"{start}(?P<s{place}>(?:[^{end}\\]++|\\.|{end}(?!\s*+(?:[,:}}\]]|\Z)))*+)(?P<e{place}>{end}?)"
    for place, (start, end) in enumerate(_QUOTES)
)
_BARE = r"[^\s{}\[\]:,]++(?:[ \t]++[^\s{}\[\]:,]++)*+"
_TOKEN = re.compile(rf"\s*+(?:(?P<mark>[{{}}\[\]:,])|{_STRINGS}|(?P<bare>{_BARE}))", re.DOTALL)
_OPENING = re.compile(r"[{\[]")
_NUMBER = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": " ", "f": " "}
_WORDS = {"true": True, "false": False, "null": None, "none": None, "undefined": None}


@dataclass(slots=True)
class _Open:
    """A list or an object whose end has not come yet."""

    is_object: bool
    entries: list[Any] = field(default_factory=list)
    key: str | None = None
    value: Any = None
    has_value: bool = False

    def put(self, value: Any) -> None:
        """Take a value; a second one without a comma between breaks both."""
        self.value = BROKEN if self.has_value else value
        self.has_value = True

    def end_key(self) -> None:
        """Take the value as a key; a colon that stands elsewhere breaks the entry."""
        if self.is_object and self.key is None and self.has_value and isinstance(self.value, str):
            self.key, self.value, self.has_value = self.value, None, False
        else:
            self.value, self.has_value = BROKEN, True

    def end_entry(self) -> None:
        if self.has_value or self.key is not None:
            value = BROKEN if isinstance(self.value, Unquoted) or not self.has_value else self.value
            if not self.is_object:
                self.entries.append(value)
            else:
                self.entries.append((self.key or "", value if self.key else BROKEN))
        self.key, self.value, self.has_value = None, None, False

    def closed(self) -> Any:
        """Return it as a value."""
        self.end_entry()
        return Object(self.entries) if self.is_object else self.entries


def strict(text: str) -> tuple[list[Object], Any] | None:
    """Return the objects of a JSON text, inner ones before those that hold them, and its value.

    Returns:
        None if it is no JSON, or neither a list nor an object.
    """
    found: list[Object] = []

    def keep(pairs: list[tuple[str, Any]]) -> Object:
        found.append(Object(pairs))
        return found[-1]

    try:
        value = json.loads(text, object_pairs_hook=keep)
        if isinstance(value, str):  # JSON in a string of JSON: encoded twice.
            value = json.loads(value, object_pairs_hook=keep)
    except (ValueError, RecursionError):
        return None
    return (found, value) if isinstance(value, list) else None


def loose(text: str) -> Iterator[Object]:
    """Yield the objects in a text, inner ones before those that hold them, and unclosed ones with their whole entries.

    A value that is cut off or cannot be read is `BROKEN`.
    """
    stack = _Stack()
    position = 0
    while True:
        if not stack or len(stack) > DEEPEST:
            stack = _Stack()
            opening = _OPENING.search(text, position)
            if opening is None:
                return
            position = opening.start()
        token = _TOKEN.match(text, position)
        if token is None:
            break
        position, mark = token.end(), token["mark"]
        if mark is None:
            stack[-1].put(_value(token))
        elif mark in "{[":
            stack.open(is_object=mark == "{")
        elif mark == ",":
            stack[-1].end_entry()
        elif mark == ":":
            stack[-1].end_key()
        else:
            yield from stack.close(is_object=mark == "}")
    while stack:
        yield from stack.close(is_object=stack[-1].is_object)


class _Stack(list[_Open]):
    """The lists and objects that are open, and how many there are of each."""

    def __init__(self) -> None:
        super().__init__()
        self._counts = [0, 0]

    def open(self, *, is_object: bool) -> None:
        self.append(_Open(is_object))
        self._counts[is_object] += 1

    def close(self, *, is_object: bool) -> Iterator[Object]:
        """Close the innermost list or object, and what was left open in it; nothing if none is open."""
        if not self._counts[is_object]:
            return
        last = None
        while last is None or last.is_object != is_object:
            last = self.pop()
            self._counts[last.is_object] -= 1
            value = last.closed()
            if isinstance(value, Object):
                yield value
            if self:
                self[-1].put(value if last.is_object == is_object else BROKEN)


def _value(token: re.Match[str]) -> Any:
    """Return the value of a string, a number or a word."""
    for place in range(len(_QUOTES)):
        string = token[f"s{place}"]
        if string is not None:
            return _ESCAPE.sub(_unescaped, string) if token[f"e{place}"] else BROKEN
    word = token["bare"]
    if token.end() == len(token.string):
        return BROKEN
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    return (float(word) if "." in word else int(word)) if _NUMBER.fullmatch(word) else Unquoted(word)


def _unescaped(found: re.Match[str]) -> str:
    if found[1] is not None:
        return chr(int(found[1], 16))
    return _ESCAPED.get(found[2], found[2])
