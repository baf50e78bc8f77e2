"""Facts of general questions: a row, its category and its box must agree."""

from collections import Counter

from ninefold.data.checks.facts import Columns, Fact, SourceFacts, need
from ninefold.data.sources.coco.facts import SizeCheck
from ninefold.data.sources.coco.general_questions import Kind, is_there, prompt_of, what_is_at
from ninefold.space import Box

COLUMNS = {
    "image_id": "the photo's id in the annotation file",
    "file_name": "the photo's file name",
    "category": "the category that the question asks for, or the answer names",
    "image_width": "width of the photo in pixels",
    "image_height": "height of the photo in pixels",
    "box_x": "left edge of the box in pixels, as the annotation file gives it",
    "box_y": "top edge of the box in pixels",
    "box_w": "width of the box in pixels",
    "box_h": "height of the box in pixels",
}
"""Meaning of the factors; presence has none about boxes."""

_BOX = ("box_x", "box_y", "box_w", "box_h", "image_width", "image_height")


def facts_of(kind: Kind) -> SourceFacts:
    """Return the facts of rows that ask a kind of question."""
    own = {
        "presence": (
            Fact("the question asks whether its category is there", ("question", "category"),
                 lambda asked, category: asked == is_there(category)),
            Fact("its category has as many rows with the answer yes as with no", ("yes as often as no",), bool),
        ),
        "naming": (
            Fact("the question gives the center of the box", ("question", *_BOX),
                 lambda asked, x, y, w, h, width, height: asked == what_is_at(Box(x, y, w, h), width, height)),
            Fact("the answer is the category", ("answer", "category"), lambda answer, category: answer == category),
        ),
    }  # fmt: skip
    return SourceFacts(
        rows=(
            Fact("the prompt is that of the question, without options", ("prompt", "question", "options"),
                 lambda text, asked, options: not options and text == prompt_of(kind, asked)),
            Fact("no other row asks about the category in the photo", ("rows of this thing",),
                 lambda rows: rows == 1),
            Fact("the group is the photo's id", ("group", "image_id"), lambda group, image: group == str(image)),
            *own[kind],
        ),
        manifest={"clustering": "group", **({"labels": ("yes", "no")} if kind == "presence" else {})},
        images=SizeCheck,
        unasked={"photo": "image_id"} if kind == "presence" else {},
        prepare=_with_counts,
    )  # fmt: skip


def _with_counts(columns: Columns, where: str) -> Columns:
    need(columns, ("image_id", "category"), where)
    things = list(zip(columns["image_id"], columns["category"], strict=True))
    answers = list(zip(columns["category"], columns["answer"], strict=True))
    rows, given = Counter(things), Counter(answers)
    return columns | {
        "rows of this thing": [rows[thing] for thing in things],
        "yes as often as no": [given[category, "yes"] == given[category, "no"] for category in columns["category"]],
    }
