"""The caption: a description of an image, as all engines read it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Caption:
    """A description of an image, or of one object in it."""

    id: str
    """Unique in a run, and the same in every run over the same rows: the value of the id field where it is unique."""
    text: str
    """The description, decoded and without markup; spans of pairs are positions in it."""
    image: str = ""
    """The image as its row names it: an id, a file name or a URL. Captions with the same value describe one image."""
    path: Path | None = None
    """The image file; None if there is none."""
    corpus: str = ""
    """The corpus that its file belongs to, such as "docci"; empty if the file is of no known form."""
    label: str = ""
    """For the description of one object, the object's label; empty for the description of an image."""
    described: int | None = None
    """For the description of one object, the object's index in its row; its subject is that object."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row or caption that is not used, with its reason; a reason is one of a few, for counts."""

    id: str
    """The caption's id, or the file and line of a row that has none."""
    reason: str
    """The reason in words, such as "empty" or "excluded"; the key of its count in ``counts.json``."""
    detail: str = ""
    """What exactly is wrong, or what it was excluded by, in one line."""


WITHOUT_IMAGE = "no image"
"""The reason of captions that are left out because their image cannot be had."""
