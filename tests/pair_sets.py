"""Small data sets of pairs, with the further files of those that were made from captions."""

import json

from ninefold.captions.layout import COUNTS, SOURCE
from ninefold.captions.taxonomy import RELATION_NAMES
from ninefold.data.format.dataset import About, write
from ninefold.types import NO_IMAGE, Example

PAIRS = [
    ("Where is the cup?", "Under the table", "below", "viewer", "where"),
    ("What is on the left?", "a lamp", "left", "image", "what"),
    ("What is on the right?", "of course a lamp", "right", "image", "what"),
    ("Is it red?", "yes", "", "viewer", ""),
]
COUNTED = {
    "captions_in": 9,
    "captions_left_out": {"empty": 2},
    "captions_without_relation": 1,
    "failed": 1,
    "captions_kept": 5,
    "pairs_generated": 13,
    "checks": {"form": 1, "duplicates": 4, "reference": 0, "answer": 2, "spatial": 2},
    "checks_not_run": {"semantic": "no --embedding-model is given", "clipscore": "no --clip-model is given"},
    "pairs_out": 4,
    "captions_with_pairs": 2,
    "images": 0,
    "words": 250,
}


def save(folder, pairs=PAIRS, *, corpus="docci", counts=COUNTED, source=SOURCE):
    """Write a data set of pairs, with the further files of one made from captions."""

    def example(number, pair):
        question, answer, *facts = pair
        span = {"subject": "", "object": "", "source_span": "", "span_start": 0, "span_end": 0, "fact": 0}
        named = dict(zip(("relation", "frame", "form"), facts, strict=False))
        factors = {"caption_id": "a", **named, **span, "of_described": False, "corpus": corpus} if facts else {}
        return Example(f"a/{number}", NO_IMAGE, question, question, (), answer, "short_text", str(number), factors)

    def complete(work):
        if source == SOURCE:
            (work / COUNTS).write_text(json.dumps(counts))

    about = About("Pairs", "Pairs.", {"relations": RELATION_NAMES}, source=source, answer_format="short_text")
    write(folder, {"train": map(example, range(len(pairs)), pairs)}, about=about, complete=complete)
    return folder
