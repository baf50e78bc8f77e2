"""Facts of 3DSRBench: id, category, options and prompt of a row agree."""

from ninefold.data.checks.facts import Fact, SourceFacts
from ninefold.data.sources.benchmarks.threedsrbench import prompt_of
from ninefold.data.sources.benchmarks.threedsrbench_rows import AREAS, Qid

COLUMNS = {
    "file_name": "the photo's file name, where the table gives one",
    "category": "the category of the question",
    "area": "the area of the category: height, location, orientation or multi_object",
    "flipped": "whether the photo is mirrored",
    "rotation": "number of positions by which the options are rotated",
    "slot": "position of the answer among the options, from 0",
    "flip_rows": "number of rows with the question and this order of options: the photo, and the mirrored one",
    "circular_rows": "number of rows with the question and this photo, one for each order of the options",
    "question_rows": "number of rows with the question",
}
"""Meaning of the factors."""


def _is_named(name: str, flipped: bool, rotation: int) -> bool:
    qid = Qid.of(name)
    return qid is not None and (qid.flipped, qid.rotation) == (flipped, rotation)


FACTS = SourceFacts(
    rows=(
        Fact("the id says whether the photo is mirrored, and how far the options are rotated",
             ("id", "flipped", "rotation"), _is_named),
        Fact("the area is that of the category", ("category", "area"),
             lambda category, area: AREAS[category] == area),
        Fact("slot is the position of the answer among the options", ("slot", "answer", "options"),
             lambda slot, answer, options: options.index(answer) == slot),
        Fact("the prompt is the one of VLMEvalKit and lmms-eval", ("prompt", "question", "options"),
             lambda text, asked, options: text == prompt_of(asked, options)),
        Fact("a group of rows has no more rows than its question", ("flip_rows", "circular_rows", "question_rows"),
             lambda flips, circle, question: 1 <= flips <= 2 and flips <= question and 1 <= circle <= question),
        Fact("the group is the photo, or the question where the photo is unknown", ("group", "file_name", "id"),
             lambda group, file_name, name: group == (file_name or name[:8])),
    ),
    manifest={"labels": (), "answer_format": "letters", "clustering": "group", "question": None},
)  # fmt: skip
"""The facts of all rows."""
