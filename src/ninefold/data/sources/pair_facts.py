"""Facts of question-answer pairs from captions: the span, the relation and the two things of each row agree."""

import re
from collections.abc import Mapping
from typing import Any

from ninefold.data.checks.facts import Fact, SourceFacts

RELATIONS = "relations"
"""Key in the specification of a manifest: the names of all relations."""

FRAMES = ("image", "viewer", "part")
"""What a relation can be told from."""

COLUMNS = {
    "caption_id": "the caption that the pair comes from",
    "relation": "name of the relation in the taxonomy (Table 11 of the paper); empty if none is known",
    "frame": "what the relation is told from: the picture (image), another thing as the viewer sees both (viewer), or "
    "a part of the thing itself (part)",
    "subject": "the thing that is somewhere, in the caption's words; empty if unknown",
    "object": "the thing that it is told from; empty where that is the picture itself, or unknown",
    "source_span": "the words of the caption that state it; empty if unknown",
    "span_start": "position of its first character in the caption's text",
    "span_end": "position after its last character",
    "fact": "number of the fact in its caption; pairs of one fact ask the same thing in several forms",
    "form": "name of the form of the question; empty if a language model has written it",
    "of_described": "whether the subject is the object whose description the caption is",
    "corpus": "the corpus of the caption; empty if its file is of no known form",
}
"""Meaning of the factors, in the order of the columns."""


def facts(spec: Mapping[str, Any]) -> SourceFacts:
    """Return the facts of rows that were made from captions, by the specification in the manifest."""
    relations = {"", *spec.get(RELATIONS, ())}
    return SourceFacts(
        rows=(
            Fact("the id is the caption's with the number of the pair", ("id", "caption_id"),
                 lambda name, caption: re.fullmatch(r"/\d+", name.removeprefix(caption)) is not None),
            Fact("the question is one line that ends with a question mark", ("question",),
                 lambda text: text.endswith("?") and is_line(text)),
            Fact("the answer is one line, and not empty", ("answer",), is_line),
            Fact("the prompt is the question, without options", ("prompt", "question", "options", "answer_format"),
                 lambda text, asked, options, name: text == asked and not options and name == "short_text"),
            Fact("the relation is one of the taxonomy, or none", ("relation",), lambda name: name in relations),
            Fact("the frame is image, viewer or part", ("frame",), lambda name: name in FRAMES),
            Fact("the words of the span are as many letters as it is long", ("source_span", "span_start", "span_end"),
                 lambda words, start, end: 0 <= start <= end and len(words) == end - start),
            Fact("the number of the fact is not negative", ("fact",), lambda number: number >= 0),
            Fact("the group is not empty", ("group",), bool),
        ),
        manifest={"labels": (), "answer_format": "short_text", "clustering": "group", "question": None},
    )  # fmt: skip


def is_line(text: str) -> bool:
    """Whether a text is one line of words, without spaces around, that a file can hold."""
    return bool(text) and text == " ".join(text.split()) and text.encode(errors="ignore").decode() == text
