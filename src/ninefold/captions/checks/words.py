"""Words of questions, answers and captions, as the checks compare them: lower case, without marks and hyphens."""

import re
import unicodedata
from functools import lru_cache

_FUNCTION_WORDS = """
    a an the this that these those it its he she they him her his their them i me my you your we us our
    who whom whose which what where when how why there here
    is are was were be been being am do does did has have had can could will would may might shall should must
    and or but nor so as if than then while
    in on at to from by with for of into onto upon over under above below beneath underneath behind between among amid
    beside besides near next along alongside across around about through throughout toward towards inside outside within
    off out up down against
    also very just some any each every both either neither other another same such s t
"""

FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words that name no thing and no side: articles, pronouns, auxiliary verbs, conjunctions, prepositions."""

_GENERIC = """
    image picture photo photograph scene view object objects item items thing things located location position
    positioned placed placement situated found see seen visible shown appear appears relation relative
"""

GENERIC = frozenset(_GENERIC.split())
"""Content words that name no particular thing; two questions may differ in them and ask the same."""

PLACES = frozenset(
    {"left", "right", "top", "bottom", "front", "back", "middle", "center", "centre", "foreground", "background"}
    | {"side", "sides", "corner", "edge", "leftmost", "rightmost", "upper", "lower", "near", "far", "close"}
)
"""Content words that tell where; a question about a thing may offer some that its caption does not use."""

_NOT_WORDS = str.maketrans(dict.fromkeys("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r\x0b\x0c", " "))

_WORD = re.compile(r"[^\W_]+")

_SHOWN, _LISTED = 80, 8
"""Letters of a text, and number of texts, in the detail of a rejected pair."""

_REMEMBERED = 1 << 16
"""Number of words whose forms are cached: about 20 MB."""


def plain_words(text: str) -> list[str]:
    """Return the words of a text in order: lower case, split at marks, apostrophes and hyphens."""
    if text.isascii():
        return text.lower().translate(_NOT_WORDS).split()
    # Letters of other widths and ligatures are the same words.
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def content_words(text: str) -> list[str]:
    """Return the words of a text that name things, properties and sides, in order."""
    return [word for word in plain_words(text) if word not in FUNCTION_WORDS]


@lru_cache(_REMEMBERED)
def forms(word: str) -> frozenset[str]:
    """Return a word in singular and plural, whichever it is itself; some of them may be no words."""
    found = {word, f"{word}s", f"{word}es"}
    if word.endswith("s"):
        found |= {word[:-1], word[:-2]} if word.endswith("es") else {word[:-1]}
    if word.endswith("ies"):
        found.add(f"{word[:-3]}y")
    elif word.endswith("y"):
        found.add(f"{word[:-1]}ies")
    return frozenset(found)


def quoted(*texts: str) -> str:
    """Return texts for the detail of a rejected pair: in quotes, one line, only the beginning of what is long."""
    shown = ", ".join(repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ...") for text in texts[:_LISTED])
    return f"{shown} ..." if len(texts) > _LISTED else shown
