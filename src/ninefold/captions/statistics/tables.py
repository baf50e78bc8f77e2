"""The tables of statistics, as text that stays readable at 100 columns and in a pipe."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from ninefold.captions.sources.corpora import CORPORA, PaperCounts
from ninefold.captions.spec import ALL_CHECKS, Counting
from ninefold.captions.statistics.published import TABLE_2, TOTAL
from ninefold.captions.statistics.reading import Statistics
from ninefold.captions.taxonomy import RELATIONS

WIDTH = 100
"""Columns of the text where no terminal says another number."""


def text(sets: Sequence[Statistics], counting: Counting) -> str:
    """Return the statistics of data sets as text, with the paper's numbers beside ours where it has them.

    Args:
        sets: The counts of each data set.
        counting: Which keywords of a pair were counted.
    """
    made = [each for each in sets if each.counts is not None]
    tables = [sources(made)] if made else []
    tables += [shares(sets), relations(sets, counting)]
    if made:
        tables += [frames_and_forms(made), *map(yields, made)]
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console = Console(markup=False, highlight=False, emoji=False, width=WIDTH)
    with console.capture() as captured:
        for table in tables:
            console.print(table)
            console.print()
    lines = "\n".join(line.rstrip() for line in captured.get().splitlines())
    # A table ends with an empty line itself, unless notes follow it.
    return re.sub(r"\n{3,}", "\n\n", lines).rstrip() + "\n"


def sources(made: Sequence[Statistics]) -> Table:
    """Return Table 1: captions, words and pairs of each set made from captions."""
    table = _table("Table 1: sources", "source", "captions", "with pairs", "mean words", "pairs", "pairs each")
    known = {corpus.name: (corpus.title, corpus.paper) for corpus in reversed(CORPORA)}
    totals: Counter[str] = Counter()
    for each in made:
        counts = each.counts or {}
        totals.update({name: count for name, count in counts.items() if isinstance(count, int)})
        table.add_row(each.name, *_of_captions(counts))
        for corpus in each.corpora:
            title, paper = known.get(corpus, (corpus, None))
            if paper is not None:
                table.add_row(f"paper: {title}", *_of_paper(paper), style="dim")
    if len(made) > 1:
        table.add_section()
        table.add_row("total", *_of_captions(totals))
    table.add_section()
    table.add_row("paper: total", *_of_paper(TOTAL), style="dim")
    table.caption = (
        "captions: all that were read. with pairs: those with a pair after all checks. mean words: ours of the "
        "captions that went on to the checks, the paper's of all."
    )
    return table


def _of_captions(counts: Mapping[str, int]) -> tuple[str, ...]:
    kept, pairs = counts["captions_with_pairs"], counts["pairs_out"]
    words = _mean(counts["words"], counts["captions_kept"], 0)
    return f"{counts['captions_in']:,}", f"{kept:,}", words, f"{pairs:,}", _mean(pairs, kept, 1)


def _of_paper(paper: PaperCounts) -> tuple[str, ...]:
    per_caption = _mean(paper.pairs, paper.kept, 1)
    return f"{paper.captions:,}", f"{paper.kept:,}", f"{paper.words}", f"{paper.pairs:,}", per_caption


def shares(sets: Sequence[Statistics]) -> Table:
    """Return Table 2: the pairs of each set, and its share of all."""
    table = _table("Table 2: pairs", "set", "pairs", "share %", "with a keyword %")
    total = sum(each.pairs for each in sets)
    for each in sets:
        table.add_row(each.name, f"{each.pairs:,}", _percent(each.pairs, total), _percent(each.spatial, each.pairs))
    if len(sets) > 1:
        spatial = sum(each.spatial for each in sets)
        table.add_row("total", f"{total:,}", _percent(total, total), _percent(spatial, total))
    table.add_section()
    for name, (pairs, share) in TABLE_2.items():
        table.add_row(f"paper: {name}", f"{pairs:,}", f"{share:.2f}", "", style="dim")
    return table


def relations(sets: Sequence[Statistics], counting: Counting) -> Table:
    """Return Table 11 of all sets together: the share of each relation and keyword among all matches."""
    keywords: Counter[int] = sum((each.keywords for each in sets), Counter())
    stored: Counter[str] = sum((each.facts["relation"] for each in sets), Counter())
    matched = keywords.total()
    table = _table("Table 11: relations", "relation", "share %", "paper %", "pairs %")
    table.add_column("keywords with their share % (paper)", overflow="fold", ratio=1)
    for relation in RELATIONS:
        count = sum(keywords[keyword.place] for keyword in relation.keywords)
        named = [
            f"{keyword.text} {_percent(keywords[keyword.place], matched)} ({_printed(keyword.share)})"
            for keyword in relation.keywords
            if keywords[keyword.place]
        ]
        table.add_row(
            relation.name,
            _percent(count, matched),
            _printed(relation.share),
            _percent(stored[relation.name], stored.total()),
            "; ".join(named),
        )
    unnamed = stored.total() - sum(stored[relation.name] for relation in RELATIONS)
    table.add_section()
    named_share = _percent(stored.total() - unnamed, stored.total())
    of_all = f"{matched:,} matches in {sum(each.pairs for each in sets):,} pairs"
    table.add_row("total", _percent(matched, matched), "100.00", named_share, of_all)
    which = "only the longest of nested and overlapping keywords count" if counting == "longest" else "all count"
    table.caption = (
        f"share: of all matches of keywords in questions and answers ({which}). pairs: of those made from captions, by "
        "their one relation. Keywords without a match are left out. The paper's sets are those of Table 2."
    )
    return table


def frames_and_forms(made: Sequence[Statistics]) -> Table:
    """Return the pairs of the sets made from captions by frame and by form of the question."""
    table = _table("Pairs by frame and form", "column", "value", "pairs", "share %")
    for name in ("frame", "form"):
        count: Counter[str] = sum((each.facts[name] for each in made), Counter())
        for value, pairs in sorted(count.items(), key=lambda item: (-item[1], item[0])):
            table.add_row(name, value or "none", f"{pairs:,}", _percent(pairs, count.total()))
        table.add_section()
    facts, pairs = (sum(getattr(each, name) for each in made) for name in ("distinct", "pairs"))
    captions = sum((each.counts or {})["captions_with_pairs"] for each in made)
    table.add_row("fact", "distinct", f"{facts:,}", "")
    table.caption = f"{_mean(facts, captions, 1)} facts, {_mean(pairs, captions, 1)} pairs a caption"
    return table


def yields(each: Statistics) -> Table:
    """Return what the checks have rejected of a set made from captions, in their order."""
    table = _table(f"Checks of {each.name}", "check", "pairs before", "rejected", "rejected %")
    table.add_column("", overflow="fold", ratio=1)
    counts = each.counts or {}
    left = counts["pairs_generated"]
    # What a data set cannot hold is counted under a name of its own, before the checks.
    for check in (*(name for name in counts["checks"] if name not in ALL_CHECKS), *ALL_CHECKS):
        why = counts["checks_not_run"].get(check, "")
        why = f"did not run: {why}" if why else ""
        if check not in counts["checks"]:
            table.add_row(check, "", "", "", why)
            continue
        rejected = counts["checks"][check]
        table.add_row(check, f"{left:,}", f"{rejected:,}", _percent(rejected, left), why)
        left -= rejected
    table.add_section()
    generated = counts["pairs_generated"]
    rejected = generated - left
    table.add_row("all", f"{generated:,}", f"{rejected:,}", _percent(rejected, generated), f"{left:,} left")
    return table


def _table(title: str, name: str, *columns: str) -> Table:
    """Return a table with columns of numbers after the first; "column" and "value" hold words."""
    table = Table(title=title, title_justify="left", title_style="bold", caption_justify="left", box=box.SIMPLE)
    table.add_column(name, overflow="fold")
    for column in columns:
        table.add_column(column, justify="left" if column == "value" else "right", overflow="fold")
    return table


def _percent(count: int, total: int) -> str:
    """Return a share in percent as Table 11 prints it: "~0.00" for one that is not 0, but rounds to it."""
    if not total or not count:
        return "0" if total else "–"
    shown = f"{100 * count / total:.2f}"
    return "~0.00" if shown == "0.00" else shown


def _printed(share: float | None) -> str:
    return "~0.00" if share is None else f"{share:.2f}"


def _mean(total: int, count: int, digits: int) -> str:
    return f"{total / count:.{digits}f}" if count else "–"
