"""The check of references: questions about the description instead of the image (section 3, check 2 of the paper)."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ninefold.captions.checks.protocol import Checked, Image
from ninefold.captions.spec import ChecksSpec
from ninefold.errors import DesignError, first_line

STEMS = (
    "mention",
    "describ",
    "descript",
    "caption",
    "narrat",
    "according to the text",
    "according to the passage",
    "according to the paragraph",
    "according to the sentence",
    "according to the author",
    "according to the writer",
    "according to the speaker",
    "according to the information",
    "based on the text",
    "based on the passage",
    "based on the paragraph",
    "based on the information",
    "in the passage",
    "in the paragraph",
    "in this text",
    "the text say",
    "the text state",
    "the author",
    "the speaker",
    "stated",
    "specified",
)
"""Beginnings of words and of phrases that refer to the description; the first three are the paper's."""


class Reference:
    """Rejects pairs whose question holds a word, or words in this order, that begin like one of the list.

    As in the paper, only questions are looked at, and any use of the words counts: "Where is the sign with the
    description?" is rejected, an answer "a sign with a description" is not.
    """

    def __init__(self, spec: ChecksSpec) -> None:
        """Take the settings, and read the file of further stems.

        Raises:
            DesignError: If the file holds no text.
            OSError: If it cannot be read.
        """
        stems = (*STEMS, *(read_stems(spec.reference_words) if spec.reference_words else ()))
        spaced = (r"\s+".join(map(re.escape, stem.split())) for stem in stems)
        self._stem = re.compile(rf"(?<![^\W_])(?:{'|'.join(spaced)})")

    def rejected(self, images: Sequence[Image]) -> Iterator[tuple[Checked, str]]:
        """Yield the pairs whose question refers to the description, each with the words that do."""
        search = self._stem.search
        for image in images:
            for item in image:
                if found := search(item.pair.question.lower()):
                    yield item, f"the question says {' '.join(found[0].split())!r}"

    def limits(self) -> str:
        """Return "": every pair is checked."""
        return ""


def read_stems(path: Path) -> tuple[str, ...]:
    """Return the stems of a file, one a line, in lower case; empty lines and those that begin with # are left out.

    Raises:
        DesignError: If the file is no file, not UTF-8, or holds no stem.
        OSError: If it cannot be read.
    """
    # Reading a pipe would wait for ever.
    if path.exists() and not path.is_file():
        raise DesignError(f"--reference-words {path}: is no file; write one with a word on each line")
    try:
        lines = path.read_text(encoding="utf-8-sig").lower().splitlines()
    except UnicodeDecodeError as error:
        raise DesignError(f"--reference-words {path}: is no text in UTF-8 ({first_line(error)})") from error
    stems = tuple(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))
    if not stems:
        raise DesignError(f"--reference-words {path}: holds no words; write one a line, or leave the option out")
    return stems
