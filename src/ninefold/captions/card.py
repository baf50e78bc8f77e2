"""The card of a data set of pairs: where they come from, who wrote them, what was checked, and what was not."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ninefold.captions import layout
from ninefold.captions.contents import Contents
from ninefold.captions.counts import Counts
from ninefold.captions.sources.corpora import CORPORA
from ninefold.data.format.card import About
from ninefold.data.sources import pair_facts
from ninefold.web.wording import excerpt, quantity

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
    "semantic": "no two questions of an image with the same relation and roles have embeddings ({similarity_text}, by "
    "{embedding_model}) with a cosine above {similarity}",
    "reference": "no question refers to the caption",
    "answer": "the answer is in the caption ({answer_rule}, share {answer_share})",
    "clipscore": "question and image have a CLIPScore ({clipscore_scale}, by {clip_model}) of {clipscore} or more",
    "spatial": "question and answer are about a spatial relation (share of others that is kept: {benign:g})",
}
"""What holds of pairs that a check has let pass, with settings of the checks by name."""

_NUMBERS = ("pairs", "rejected")
"""Columns of tables that hold numbers."""

_HASHES = {"prompt": "prompt hash", "schema": "schema hash"}
"""Settings of engines that are hashes, by what the card calls them."""

_FILES = {
    layout.CAPTIONS: "the captions that have a pair here",
    layout.COUNTS: "where every caption and every pair has gone; the numbers add up",
    layout.REJECTED: "every pair that a check has rejected, with the check and the reason",
    layout.LEFT_OUT: "every row and caption that was left out before the filter, with the reason",
    layout.FAILED: "captions whose output was broken, wholly or in part, with that output",
    layout.TIMING: "times, machine and tokens; the only file that differs from run to run",
    layout.GEOMETRY: "if tested: how many facts the boxes of objects confirm (`ninefold captions check-geometry`)",
    layout.GEOMETRY_FACTS: "then: each of these facts with its boxes and the reason",
    f"{layout.REVIEW}/": "if people judged some: samples and verdicts (`ninefold captions review`)",
}


def about(spec: Mapping[str, Any], counts: Counts, contents: Contents) -> About:
    """Return the content of card and manifest.

    Args:
        spec: What determines the data set (see `ninefold.captions.identity`).
        counts: The counts of the run.
        contents: What the pairs are; the corpus is "" for files of no known form.
    """
    return About(
        title="Spatial question-answer pairs from captions",
        description=_description(spec, counts, contents),
        spec=spec,
        source=layout.SOURCE,
        answer_format="short_text",
        clustering="group",
        license=_license(contents.pairs["corpus"]),
        columns={"image": "the image, decoded as RGB; none where it was not at hand", **pair_facts.COLUMNS},
        citation=CITATION,
    )


def _description(spec: Mapping[str, Any], counts: Counts, contents: Contents) -> str:
    images = f" of {quantity(counts.images, 'image')}" if counts.images else ""
    parts = [
        f"{quantity(counts.pairs_out, 'question')} with answers about where things are, made from "
        f"{quantity(counts.captions_with_pairs, 'caption')}{images} by the steps of SpaRE (Ogezi & Shi 2025): a filter "
        "keeps the captions that state a spatial relation, an engine writes pairs, and checks reject some.",
        _table("relation | pairs | one of them, by chance | frame", _relations(contents)),
        f"A `frame` says what a relation is told from: {pair_facts.COLUMNS['frame'].partition(': ')[2]}. "
        f"Pairs by frame: {', '.join(f'{name} {pairs:,}' for name, pairs in _by_number(contents.pairs['frame']))}.",
        f"**Images.** {_images(spec)} Images have licenses of their own. {_excluded(spec, counts)}",
        "**Limits.** Captions are taken at their word: where they are wrong or vague, so are the pairs. No person has "
        "seen all pairs; `ninefold captions review` measures on a sample how many are right. Several pairs may ask "
        "about one fact (`fact`), and pairs of one image (`group`) are not independent. Texts are in English.",
        "### Where it comes from",
        _table(
            "corpus | pairs | license of the captions",
            [_corpus(*each) for each in _by_number(contents.pairs["corpus"])],
        ),
        f"Files: {_names(spec['captions']['files'])}. What became of all that was read: {_plain(counts.in_short())}.",
        _table("step | by | settings", [_step("filter", spec), _step("engine", spec)]),
        _table("check | what holds of the pairs | rejected", _checks(spec["checks"], counts)),
        *_not_run(counts),
        "### Files beside the pairs",
        _table("file | what it is", [f"`{name}` | {what}" for name, what in _FILES.items()]),
        "### Splits",
        "All pairs of an image are in one split.",
    ]
    return "\n\n".join(parts)


def _table(head: str, rows: Iterable[str]) -> str:
    rules = ("---:" if name in _NUMBERS else "---" for name in head.split(" | "))
    return "\n".join(f"| {row} |" for row in (head, " | ".join(rules), *rows))


def _plain(text: object) -> str:
    """Return a text in which no character acts as markup: names and captions come from files."""
    return re.sub(
        r"[^\w\s,.?!'()%:;/-]|(?<![^\W_])_|_(?![^\W_])|://",
        lambda found: "".join(f"&#{ord(c)};" for c in found[0]),
        str(text),
    )


def _relations(contents: Contents) -> Iterable[str]:
    for relation, pairs in _by_number(contents.pairs["relation"]):
        one = contents.examples[relation]
        shown = " *".join(_plain(excerpt(one[name], 80)) for name in ("question", "answer"))
        yield f"{f'`{relation}`' if relation else 'none known'} | {pairs:,} | {shown}* | {one['frame']}"


def _by_number(pairs: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(pairs.items(), key=lambda each: (-each[1], each[0]))


def _images(spec: Mapping[str, Any]) -> str:
    given = spec["captions"]
    if given["image_field"] is None and given["images"] is None:
        return "The column `image` is empty, because images were not looked for (`--image-field`, `--images`)."
    missing = " It is empty where an image could not be had." if given["allow_missing"] else ""
    if spec["embed"]:
        return f"The column `image` holds the images themselves.{missing}"
    return (
        "The column `image` holds the paths of files on the machine where this set was made; before you move or "
        f"publish it, make it again with `--embed`, which copies them.{missing}"
    )


def _excluded(spec: Mapping[str, Any], counts: Counts) -> str:
    lists = spec["captions"]["exclude"]
    if not lists:
        return (
            "None were excluded: a benchmark that shows some of them, as VSR, What's Up and 3DSRBench show photos of "
            "COCO, does not test a model fairly that was trained on this set (`--exclude`)."
        )
    left_out = counts.captions_left_out.get("excluded", 0)
    return f"Those of {_names(lists)} were excluded, and with them {quantity(left_out, 'caption')}."


def _names(files: Iterable[Mapping[str, str]]) -> str:
    """Return the first names of files, with the number of the others."""
    shown = [_plain(file["name"]) for file in files]
    return ", ".join([*shown[:5], *([f"and {len(shown) - 5:,} more"] if len(shown) > 5 else [])])


def _corpus(name: str, pairs: int) -> str:
    known = next((corpus for corpus in CORPORA if corpus.name == name), None)
    if known is None:
        return f"files of no known corpus | {pairs:,} | that of the files"
    return f"[{known.title}]({known.url}) | {pairs:,} | {known.licence}"


def _step(step: str, spec: Mapping[str, Any]) -> str:
    settings = spec[step]
    if settings is None:
        return f"{step} | none | every caption went on"
    if step == "filter" and settings == spec["engine"]:
        return f"filter | {_plain(settings['name'])} | those of the engine"
    seen: set[str] = set()
    shown = []
    for name, value in settings.items():
        # The name, and what a package is called like, stand there already.
        if value is not None and not (isinstance(value, str) and value in seen):
            shown += [f"{_HASHES.get(name, name).replace('_', ' ')} {value}"] if name != "name" else []
        seen.add(str(value))
    return f"{step} | {_plain(settings['name'])} | {_plain(', '.join(shown))}"


def _checks(settings: Mapping[str, Any], counts: Counts) -> Iterable[str]:
    named = {name: value["name"] if isinstance(value, Mapping) else value for name, value in settings.items()}
    for name, count in counts.checks.items():
        yield f"{name} | {_plain(_CHECKS.get(name, '').format(**named))} | {count:,}"


def _not_run(counts: Counts) -> list[str]:
    if not counts.checks_not_run:
        return []
    reasons = "; ".join(f"{name} ({_plain(why)})" for name, why in counts.checks_not_run.items())
    return [f"Checks that did not run, or not for every pair: {reasons}."]


def _license(corpora: Mapping[str, int]) -> str:
    known = {corpus.name: corpus.licence.lower().removesuffix("-1.0") for corpus in CORPORA}
    found = {known.get(name, "unknown") for name in corpora}
    return found.pop() if len(found) == 1 else "other"
