"""The rows of What's Up's official files: two objects, their relation, and what makes a row unusable."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple

Subset = Literal["A", "B"]

RELATIONS: Mapping[Subset, tuple[str, ...]] = {
    "A": ("on", "under", "left", "right"),
    "B": ("front", "behind", "left", "right"),
}
"""The four relations of each subset. The first two are opposites, and so are the others: a pair of photos."""


class Photo(NamedTuple):
    """A row of the official file."""

    path: str
    """Path of the image, as the file gives it."""
    first: str
    """The object that is somewhere, as the file name spells it."""
    second: str
    """The object that it is told from."""
    relation: str
    """One of `RELATIONS`."""
    captions: Mapping[str, str]
    """The caption that states each relation."""

    @property
    def objects(self) -> str:
        """Return the two objects, which four photos share."""
        return f"{self.first} {self.second}"


def pair_of(relation: str) -> str:
    """Return the pair of opposites that a relation is in, such as "left/right"."""
    relations = next(names for names in RELATIONS.values() if relation in names)
    return "/".join(relations[:2] if relation in relations[:2] else relations[2:])


def relation_in(caption: str, relations: Sequence[str]) -> str | None:
    """Return the relation that a caption states, or None if it is not exactly one."""
    found = set(caption.lower().split()) & set(relations)
    return found.pop() if len(found) == 1 else None


def photo_of(row: Any, relations: Sequence[str]) -> Photo | str:
    """Return a row of the official file, or why it is none."""
    path, captions = (row.get("image_path"), row.get("caption_options")) if isinstance(row, dict) else (None, None)
    if not isinstance(path, str) or not isinstance(captions, list) or not all(isinstance(c, str) for c in captions):
        return "no image_path, or no caption_options"
    if not all(text.isprintable() for text in (path, *captions)):
        return "image_path or a caption is no line of text"
    parts = PurePosixPath(path).stem.split("_")
    named = next((r for r in relations if parts[1:-1] and parts[1].split("-")[-1] == r), None)
    stated = [relation_in(caption, relations) for caption in captions]
    if named is None or not (parts[0] and parts[-1]):
        return "image_path does not name two objects and their relation"
    if sorted(map(str, stated)) != sorted(relations):
        return "the captions do not state each of the four relations once"
    if stated[0] != named:
        return "the first caption does not state the relation in image_path"
    return Photo(path, parts[0], parts[-1], named, dict(zip(map(str, stated), captions, strict=True)))
