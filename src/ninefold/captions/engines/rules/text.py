"""The text of a caption made fit for the parser: pieces of bounded length, with every position kept."""

import re
from collections.abc import Iterator

from ninefold.captions.engines.rules.vocabulary import words

LONGEST_PIECE = 4000
"""Letters of the longest piece that the parser gets: bounds its memory."""
LONGEST_WORD = 60
"""Letters of the longest word; longer ones are junk, such as data in base 64."""

_MARKUP = re.compile(
    r"</?[a-zA-Z][^<>]{0,300}>|<!--.{0,300}?-->|&(?:[a-zA-Z]{2,8}|#\d{2,6}|#x[0-9a-fA-F]{2,6});|https?://\S+", re.S
)
_JUNK = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")
_SYMBOL = re.compile("[\U0001f000-\U0001faff\u2190-\u2bff\ufe0f\u200d\u20e3]")
_SPACE = re.compile(r"[^\S ]|[\x00-\x1f\x7f\ufffc\ufffd]")
_PARAGRAPH = re.compile(r"\n+")
_SENTENCE_END = re.compile(r"[.!?][\"')\]”’]*\s+")
_LETTERS = re.compile(r"[^\W\d_]+")

COMMON_WORDS = words(
    "the a an of in on at by with and to or from for is are was were be been has have it its this that these those "
    "there he she they his her their which who as into behind above below under near next left right through around "
    "between over one two three four white black red blue green brown yellow gray large small man woman people person "
    "image shows sits stands side top bottom front background wall tree trees table building water sky"
)
"""Words that make up much of any English caption."""
ENGLISH_SHARE, LEAST_SHARE = 0.22, 0.12
"""Least share of common words in English text, and in one with an article that only English has.

Captions have 0.35 to 0.6, short sentences sometimes 0.2, texts in other European languages under 0.15.
"""


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield the English pieces of a text with their positions: its paragraphs, cut at ends of sentences where long.

    Markup, addresses, emoji and overlong words become spaces, so that positions stay those of the text.
    """
    for pattern in (_MARKUP, _SYMBOL, _JUNK):
        text = pattern.sub(lambda match: " " * len(match[0]), text)
    start = 0
    for gap in _PARAGRAPH.finditer(text + "\n"):
        yield from _cut(text, start, gap.start())
        start = gap.end()


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    while end - start > LONGEST_PIECE:
        stops = [match.end() for match in _SENTENCE_END.finditer(text, start, start + LONGEST_PIECE)]
        space = text.rfind(" ", start, start + LONGEST_PIECE)
        stop = stops[-1] if stops else space + 1 if space > start else start + LONGEST_PIECE
        yield from _cut(text, start, stop)
        start = stop
    piece = _SPACE.sub(" ", text[start:end])
    start += len(piece) - len(piece.lstrip())
    piece = piece.strip()
    if is_english(piece):
        yield start, piece


def is_english(text: str) -> bool:
    """Whether enough of the words of a text are common words of English captions."""
    words = _LETTERS.findall(text.lower())
    known = sum(word in COMMON_WORDS for word in words)
    return known > 0 and known >= (LEAST_SHARE if "the" in words else ENGLISH_SHARE) * len(words)
