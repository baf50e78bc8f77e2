"""The card of a data set of pairs: where they come from, who wrote them, what was checked, and what was not."""

from collections.abc import Mapping
from html import escape
from typing import Any

from ninefold.captions import layout
from ninefold.captions.counts import Counts
from ninefold.captions.sources.corpora import CORPORA
from ninefold.data.format.card import About
from ninefold.data.sources import pair_facts

CITATION = """@article{ogezi2025spare,
  title   = {SpaRE: Enhancing Spatial Reasoning in Vision-Language Models with Synthetic Data},
  author  = {Ogezi, Michael and Shi, Freda},
  journal = {arXiv preprint arXiv:2504.20648},
  year    = {2025},
  url     = {https://arxiv.org/abs/2504.20648}
}"""

_CHECKS = {
    "form": "question and answer are one line each, with known relation and frame",
    "duplicates": "no question of an image is asked twice",
    "semantic": "no two questions of an image mean the same",
    "reference": "no question refers to the description",
    "answer": "the answer is in the description",
    "clipscore": "question and image fit together (CLIPScore)",
    "spatial": "question and answer are about a spatial relation",
}
"""What holds of pairs that a check has let pass."""

_FILES = {
    layout.CAPTIONS: "the captions that have a pair here",
    layout.COUNTS: "where every caption and every pair has gone; the numbers add up",
    layout.REJECTED: "every pair that a check has rejected, with the check and the reason",
    layout.LEFT_OUT: "every row and caption that was not used, with the reason",
    layout.FAILED: "captions whose output was broken, wholly or in part, with that output",
    layout.TIMING: "times, machine and tokens; the only file that differs from run to run",
    layout.GEOMETRY: "if tested: how many facts the boxes of objects confirm (`ninefold captions check-geometry`)",
    layout.REVIEW: "if people judged some: samples and verdicts (`ninefold captions review`)",
}


def about(spec: Mapping[str, Any], counts: Counts, corpora: Mapping[str, int]) -> About:
    """Return the content of card and manifest.

    Args:
        spec: What determines the data set (see `ninefold.captions.identity`).
        counts: The counts of the run.
        corpora: The number of pairs by corpus; "" for files of no known form.
    """
    return About(
        title="Spatial question-answer pairs from captions",
        description=_description(spec, counts, corpora),
        spec=spec,
        source=layout.SOURCE,
        answer_format="short_text",
        clustering="group",
        license=_license(corpora),
        columns={"image": "the image, decoded as RGB; none where it was not at hand", **pair_facts.COLUMNS},
        citation=CITATION,
    )


def _description(spec: Mapping[str, Any], counts: Counts, corpora: Mapping[str, int]) -> str:
    per_image = f" of {counts.images:,} images" if counts.images else ""
    parts = [
        f"{counts.pairs_out:,} questions with answers about where things are, made from "
        f"{counts.captions_with_pairs:,} descriptions{per_image} by the steps of SpaRE (Ogezi & Shi 2025): "
        "descriptions are filtered, an engine writes pairs, and checks reject some. No person has seen them all: "
        "`ninefold captions review` measures how many are right.",
        f"Where the others have gone: {escape(counts.in_short())}.",
        _table("corpus | pairs | licence of the descriptions", [_corpus(*each) for each in corpora.items()]),
        "The images have licences of their own. "
        f"Engine: {_settings(spec['engine'])}. Filter: {_settings(spec['filter'])}. The words of a caption that state "
        "a pair are its `source_span`; where an engine does not tell them, it is empty.",
        _table("check | what holds of the rows | rejected", _checks(counts)),
        *_not_run(counts),
        f"A `frame` says what a relation is told from: {pair_facts.COLUMNS['frame'].partition(': ')[2]}.",
        _table("further file | what it is", [f"`{name}` | {what}" for name, what in _FILES.items()]),
    ]
    return "\n\n".join(parts)


def _table(head: str, rows: list[str]) -> str:
    columns = head.count("|") + 1
    return "\n".join(f"| {row} |" for row in (head, " | ".join(["---"] * columns), *rows))


def _corpus(name: str, pairs: int) -> str:
    known = next((corpus for corpus in CORPORA if corpus.name == name), None)
    if known is None:
        return f"of your own files | {pairs:,} | as you know it"
    return f"[{known.title}]({known.url}) | {pairs:,} | {known.licence}"


def _checks(counts: Counts) -> list[str]:
    return [f"{name} | {_CHECKS.get(name, '')} | {count:,}" for name, count in counts.checks.items()]


def _not_run(counts: Counts) -> list[str]:
    if not counts.checks_not_run:
        return []
    reasons = "; ".join(f"{name} ({escape(why)})" for name, why in counts.checks_not_run.items())
    return [f"Checks that did not run, or not for every pair: {reasons}."]


def _settings(settings: Mapping[str, Any] | None) -> str:
    if settings is None:
        return "none, every description went on"
    return ", ".join(f"{name} {escape(str(value))}" for name, value in settings.items()).removeprefix("name ")


def _license(corpora: Mapping[str, int]) -> str:
    known = {corpus.name: corpus.licence.lower().removesuffix("-1.0") for corpus in CORPORA}
    found = {known.get(name, "unknown") for name in corpora}
    return found.pop() if len(found) == 1 else "other"
