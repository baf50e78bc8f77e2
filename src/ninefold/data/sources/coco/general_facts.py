"""Facts of general questions: a row, its category and its box must agree."""

from collections import Counter
from collections.abc import Sequence

from ninefold.data.checks.facts import Columns, Fact, SourceFacts, need
from ninefold.data.sources.coco.facts import SizeCheck
from ninefold.data.sources.coco.general_questions import (
    FORMATS,
    LABELS,
    Kind,
    claim_of,
    is_there,
    prompt_of,
    what_is_at,
)
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
"""Meaning of the factors; presence and claim have none about boxes."""

_BOX = ("box_x", "box_y", "box_w", "box_h", "image_width", "image_height")


def facts_of(kind: Kind) -> SourceFacts:
    """Return the facts of rows that ask a kind of question."""
    ask = claim_of if kind == "claim" else is_there
    of_category = (
        Fact("the question asks whether its category is there", ("question", "category"),
             lambda asked, category: asked == ask(category)),
        Fact(f"its category has as many rows with the answer {_each(kind)}", ("yes as often as no",), bool),
    )  # fmt: skip
    of_box = (
        Fact("the question gives the center of the box", ("question", *_BOX),
             lambda asked, x, y, w, h, width, height: asked == what_is_at(Box(x, y, w, h), width, height)),
        Fact("the answer is the category", ("answer", "category"), lambda answer, category: answer == category),
    )  # fmt: skip
    offered = {"claim": lambda options: tuple(options) == LABELS["claim"], "choice": lambda options: len(options) == 4}
    none = kind not in offered
    return SourceFacts(
        rows=(
            Fact(f"the prompt is that of the question, with{'out' if none else ' its'} options",
                 ("prompt", "question", "options"),
                 lambda text, asked, options: offered.get(kind, _is_empty)(options or ())
                 and text == prompt_of(kind, asked, options or ())),
            Fact("no other row asks about the category in the photo", ("rows of this thing",),
                 lambda rows: rows == 1),
            Fact("the group is the photo's id", ("group", "image_id"), lambda group, image: group == str(image)),
            *(of_category if kind in LABELS else of_box),
        ),
        manifest={
            "clustering": "group",
            "answer_format": FORMATS[kind],
            **({"labels": LABELS[kind]} if kind in LABELS else {}),
        },
        images=SizeCheck,
        unasked={"photo": "image_id"} if kind in LABELS else {},
        prepare=lambda columns, where: _with_counts(kind, columns, where),
    )  # fmt: skip


def _each(kind: Kind) -> str:
    return " as with ".join(word.lower() for word in LABELS.get(kind, ()))


def _is_empty(options: Sequence[str]) -> bool:
    return not options


def _with_counts(kind: Kind, columns: Columns, where: str) -> Columns:
    need(columns, ("image_id", "category"), where)
    things = list(zip(columns["image_id"], columns["category"], strict=True))
    answers = list(zip(columns["category"], columns["answer"], strict=True))
    rows, given = Counter(things), Counter(answers)
    yes, no = LABELS.get(kind, ("", ""))
    return columns | {
        "rows of this thing": [rows[thing] for thing in things],
        "yes as often as no": [given[category, yes] == given[category, no] for category in columns["category"]],
    }
