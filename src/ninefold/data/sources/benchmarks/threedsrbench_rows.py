"""The rows of 3DSRBench's tables: ids in parts, categories, and what makes a row unusable."""

import re
from collections.abc import Mapping
from string import ascii_uppercase
from typing import NamedTuple

from ninefold.data.sources.benchmarks.tables import KitRow, options_of
from ninefold.questions.catalog import find_format, misread

AREAS: Mapping[str, str] = {
    "height_higher": "height",
    "location_above": "location",
    "location_closer_to_camera": "location",
    "location_next_to": "location",
    "orientation_in_front_of": "orientation",
    "orientation_on_the_left": "orientation",
    "orientation_viewpoint": "orientation",
    "multi_object_closer_to": "multi_object",
    "multi_object_facing": "multi_object",
    "multi_object_parallel": "multi_object",
    "multi_object_same_direction": "multi_object",
    "multi_object_viewpoint_towards_object": "multi_object",
}
"""The area of each category."""

_QID = re.compile(r"([A-Za-z0-9]{8})(-flip)?(?:-([0-9]{1,2}))?")


class Qid(NamedTuple):
    """The id of a row, such as ``VIN6MS3J-flip-1``."""

    base: str
    """The question's id, 8 characters."""
    flipped: bool
    """Whether the photo is mirrored."""
    rotation: int
    """Number of positions by which the options are rotated."""

    @classmethod
    def of(cls, text: str) -> "Qid | None":
        """Return the id that a text is, or None."""
        found = _QID.fullmatch(text)
        return cls(found[1], found[2] is not None, int(found[3] or 0)) if found else None

    @property
    def groups(self) -> tuple[str, str, str]:
        """Return its groups of the three protocols that have some: flips, circles and questions."""
        return self.flips, self.circle, self.base

    @property
    def flips(self) -> str:
        """Return the group of the flip protocol: one order of options, in the photo and in the mirrored one."""
        return f"{self.base} {self.rotation}"

    @property
    def circle(self) -> str:
        """Return the group of the circular protocol: all orders of options in one photo."""
        return f"{self.base} {'flip' if self.flipped else ''}"


class Item(NamedTuple):
    """A row of a table, without its image."""

    number: int
    """Number of the row in the table, from 0."""
    name: str
    """Its id in the table."""
    qid: Qid
    """The same in parts."""
    question: str
    """The question."""
    options: tuple[str, ...]
    """The options, A first."""
    answer: str
    """The right option."""
    category: str
    """The category of the question."""
    file_name: str
    """File name of the photo, where the table gives one; ""."""
    holds_image: bool
    """Whether the table holds the image."""

    @property
    def image_name(self) -> str:
        """Return the file name of the image, or the row's id; a mirrored photo is no file that the table names."""
        return self.name if self.qid.flipped else self.file_name or self.name


def item_of(number: int, name: str, row: KitRow) -> Item | str:
    """Return a row of a table, or why it is none."""
    qid, values = Qid.of(name), row.values
    if qid is None:
        return "its qid is not 8 characters, perhaps -flip, perhaps a number"
    options = options_of(values) or ()
    letters = list(ascii_uppercase[: len(options)])
    answer = values.get("answer", "").strip().upper()
    if "question" not in values or len(options) < 2:
        return "no question, or no options from A on"
    if len(set(options)) < len(options) or misread(find_format("letters"), options) is not None:
        return "its options cannot be told apart"
    if answer not in letters:
        return "its answer is the letter of no option"
    if values.get("category") not in AREAS:
        return "its category is unknown"
    file_name = values.get("image_url", row.file_name).rpartition("/")[2].partition("?")[0]
    right = options[letters.index(answer)]
    return Item(
        number, name, qid, values["question"], options, right, values["category"], file_name, row.image is not None
    )
