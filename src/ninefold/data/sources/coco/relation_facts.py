"""Facts of questions about relations: the answer follows from the boxes, and no text is more often true than false."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ninefold.data.checks.facts import Columns, Fact, SourceFacts, need
from ninefold.data.sources.coco.facts import SizeCheck
from ninefold.data.sources.coco.relation_questions import (
    DIRECTIONS,
    FORMATS,
    Form,
    direction,
    letters,
    statement,
    true_false,
    words,
)
from ninefold.space import Box

COLUMNS = {
    "image_id": "the photo's id in the annotation file",
    "file_name": "the photo's file name",
    "subject": "the category of the thing that lies somewhere",
    "object": "the category of the thing that it is seen from",
    "relation": "where it lies: left, right, above or below",
    "said": "the relation that the question states; the same, but in false statements",
    "image_width": "width of the photo in pixels",
    "image_height": "height of the photo in pixels",
    **{
        f"{of}_{side}": f"{text} of the box of the {of} in pixels"
        for of in ("subject", "object")
        for side, text in {"x": "left edge", "y": "top edge", "w": "width", "h": "height"}.items()
    },
}
"""Meaning of the factors."""

LABELS: Mapping[Form, tuple[str, ...]] = {
    "true-false": ("True", "False"),
    "letters": (),
    "words": ("left", "right", "above", "below"),
}
"""The answers of each form, where they are the same for all rows."""

_BOXES = tuple(f"{of}_{side}" for of in ("subject", "object") for side in "xywh")


def facts_of(form: Form) -> SourceFacts:
    """Return the facts of rows of a form."""
    return SourceFacts(
        rows=(
            Fact("the group is the photo's id", ("group", "image_id"), lambda group, image: group == str(image)),
            Fact("the relation is that of the two boxes", ("relation", *_BOXES),
                 lambda relation, *sides: relation == direction(Box(*sides[:4]), Box(*sides[4:]))),
            Fact("question, options and prompt are those of the two things", ("text", "asked"),
                 lambda text, asked: text == asked),
            Fact("the answer is the relation of the boxes", ("answer", "subject", "object", "relation", "said"),
                 lambda answer, *row: answer == _answer(form, *row)),
            Fact("whatever the text is, each of its answers is right equally often", ("answers of this text",), bool),
            Fact("every answer stands in every place equally often", ("answers in this place",), bool),
        ),
        manifest={"clustering": "group", "answer_format": FORMATS[form], "labels": LABELS[form]},
        images=SizeCheck,
        unasked={"photo": "image_id"} if form == "true-false" else {},
        prepare=lambda columns, where: _with_texts(form, columns, where),
    )  # fmt: skip


def _answer(form: Form, subject: str, other: str, relation: Any, said: Any) -> str:
    if form == "true-false":
        return str(relation == said)
    return statement(subject, relation, other) if form == "letters" else str(relation)


def _with_texts(form: Form, columns: Columns, where: str) -> Columns:
    need(columns, ("subject", "object", "relation", "said", "options", "question", "prompt", "answer"), where)
    rows = list(zip(*(columns[name] for name in ("subject", "object", "relation", "said", "options")), strict=True))
    asked = [_wording(form, row) for row in rows]
    kinds = [(subject, other, _kind(form, relation, said)) for subject, other, relation, said, _ in rows]
    given = Counter(zip(kinds, columns["answer"], strict=True))
    of_kind: dict[Any, set[int]] = {}
    for (kind, _), times in given.items():
        of_kind.setdefault(kind, set()).add(times)
    answers = Counter(kind for kind, _ in given)
    whole = {"true-false": 2, "letters": 4, "words": 2}[form]
    even = [len(of_kind[kind]) == 1 and answers[kind] == whole for kind in kinds]
    slots = Counter(
        (relation, list(options or ()).index(answer)) if answer in (options or ()) else None
        for (_, _, relation, _, options), answer in zip(rows, columns["answer"], strict=True)
    )
    placed = form != "letters" or (len(slots) == len(DIRECTIONS) ** 2 and len(set(slots.values())) == 1)
    return columns | {
        "text": list(zip(columns["question"], columns["prompt"], map(tuple, columns["options"]), strict=True)),
        "asked": asked,
        "answers of this text": even,
        "answers in this place": [placed] * len(rows),
    }


def _kind(form: Form, relation: Any, said: Any) -> Any:
    """Return what of a question a reader of the text knows, beside the two things."""
    if form == "true-false":
        return said
    return None if form == "letters" else relation in {"left", "right"}


def _wording(form: Form, row: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Return question, prompt and options of a row's two things; None if it has no such relation or options."""
    subject, other, relation, said, options = row
    try:
        if form == "true-false":
            made = true_false(subject, said, other)
        elif form == "letters":
            order = [[statement(subject, one, other) for one in DIRECTIONS].index(option) for option in options]
            made = letters(subject, other, order)
        else:
            made = words(subject, relation, other)
    except (ValueError, KeyError, TypeError):
        return None
    return made.question, made.prompt, made.options
