"""The two prompts: for pairs, and for the verdict on whether a caption states a spatial relation.

They ask what Tables 10 and 9 of the paper ask, in words of our own.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ninefold.captions.sources.rows import check_file
from ninefold.errors import DataError

PLACE = "{description}"
"""Where the caption goes in a prompt; everything else in it is text."""


@dataclass(frozen=True)
class Prompt:
    """The text of a request, with a place for the caption."""

    text: str
    """The text, with `PLACE` in it."""

    @property
    def hash(self) -> str:
        """The first hex digits of the SHA-256 of its text."""
        return hashlib.sha256(self.text.encode(errors="backslashreplace")).hexdigest()[:16]

    def about(self, description: str) -> str:
        """Return the text with a caption in its place."""
        return self.text.replace(PLACE, description)


PAIRS = Prompt(
    """\
Here is a detailed description of a picture. Turn what it says about space into questions with answers.

Ask about nothing but spatial relations: where things are, which way they are turned, how far apart they are, and how \
things act on each other where this tells where they are. Leave out whatever is not spatial.

Eight kinds of spatial relations are worth a question:

1. Position and direction: what is left or right of, above or below something.
2. Distance: what is near to, or far from, what.
3. Orientation: which way something points, and at what angle, such as slanted or turned around.
4. Depth: what is in the foreground, between, or in the background.
5. Borders: what runs along an edge, or merges with what is behind it.
6. Shadows and reflections: where they fall, and on which surface.
7. Covering: what overlaps something, and which of the two is in front or on top.
8. Size: what is larger or smaller than what, as far as it tells about space.

Reply with JSON alone, of this form:

{"pairs": [{"question": "...", "answer": "..."}, {"question": "...", "answer": "..."}]}

The description:

{description}"""
)
"""The prompt for pairs; the eight kinds and the form of a pair are those of Table 10."""

VERDICT = Prompt(
    """\
Does this description of a picture state a spatial relation, that is, where something is in the picture or relative \
to something else? Answer with one word, yes or no.

The description:

{description}"""
)
"""The prompt for the filter; Table 9 asks the same, without saying in which form to answer."""


def read(path: Path) -> Prompt:
    """Return the prompt in a file; line ends at its end are no part of it.

    Raises:
        DataError: If it is no file or no text, or has no place for the caption.
    """
    check_file(path)
    try:
        text = path.read_text(encoding="utf-8-sig").rstrip("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is no text in UTF-8; save it as such") from error
    if PLACE not in text:
        raise DataError(f"{path}: holds no {PLACE}; write it where the caption goes")
    return Prompt(text)


def chosen(path: Path | None, default: Prompt) -> Prompt:
    """Return the prompt in a file, or the default one if no file is given.

    Raises:
        DataError: If the file is no prompt.
    """
    return default if path is None else read(path)
