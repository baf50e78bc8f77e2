"""The text of a caption as it is used: without markup, entities and control characters."""

import html
import re
from math import isfinite
from typing import Any

_BREAKING = (
    "address|article|aside|blockquote|br|dd|div|dl|dt|figcaption|figure|footer|h[1-6]|header|hr|li|main|nav|ol|option"
    "|p|pre|section|table|td|th|tr|ul"
)
"""HTML's elements that begin a line or a cell."""

_INLINE = (
    "a|abbr|b|bdi|bdo|big|body|button|center|cite|code|del|dfn|em|font|form|head|html|i|iframe|img|input|ins|kbd|label"
    "|link|mark|meta|q|s|samp|small|source|span|strike|strong|sub|sup|tbody|tfoot|thead|time|title|tt|u|var|video|wbr"
)
"""HTML's other elements. What else stands between angle brackets, as in "a < b and c > d", is text."""

_VALUES = r"""(?:[^<>"']|"[^"]{0,2000}"|'[^']{0,2000}')*"""
_TAG = re.compile(rf"</?(?:(?P<breaking>{_BREAKING})|{_INLINE})(?=[\s/>]){_VALUES}>", re.IGNORECASE)
_HIDDEN = (("<!--", "-->"), (r"<script\b", r"</script\s*>"), (r"<style\b", r"</style\s*>"))
"""Where text begins and ends that a browser does not show."""

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")

# Control characters, except tab and line ends; the byte order mark; marks that turn the direction of writing; lone
# surrogates, which no file can hold.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")
_SPACES = "\x0b\x0c\x85"


def cleaned(text: str) -> str:
    """Return a text without HTML's tags, comments and entities, without control characters, and without outer spaces.

    An element that begins a line or a cell becomes a line break. Inner white space stays as it is. Unknown elements and
    single angle brackets stay too. The time is linear in the length of the text.
    """
    if "<" in text:
        for opening, closing in _HIDDEN:
            text = _without(text, opening, closing)
        text = _TAG.sub(lambda tag: "\n" if tag["breaking"] else "", text)
    if "&" in text:
        # Only whole entities: "AT&T", "R&D" and "&c" stay.
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    return _CONTROLS.sub(lambda found: " " if found[0] in _SPACES else "", text).strip()


def one_line(text: str) -> str:
    """Return a text cleaned of control characters, with single spaces, for ids and names."""
    return " ".join(_CONTROLS.sub("", text).split())


def name_of(value: Any) -> str:
    """Return an id, file name or label as text on one line; "" if there is none."""
    if isinstance(value, float):  # as tables of pandas have ids, and NaN for none
        value = int(value) if value.is_integer() else str(value) if isfinite(value) else None
    return one_line(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _without(text: str, opening: str, closing: str) -> str:
    """Return a text without what stands between two expressions; without an end, the beginning stays."""
    begins, ends = re.compile(opening, re.IGNORECASE), re.compile(closing, re.IGNORECASE)
    kept, at = [], 0
    while (begin := begins.search(text, at)) and (end := ends.search(text, begin.end())):
        kept.append(text[at : begin.start()])
        at = end.end()
    return "".join([*kept, " " if kept else "", text[at:]]) if kept else text
