"""Error rates of the judged pairs, with intervals: by relation, and of the whole set weighted by relation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ninefold.analysis.agreement import Agreement, agreement
from ninefold.analysis.statistics import wilson
from ninefold.captions.review.sample import Sample
from ninefold.captions.review.verdicts import CHOICES, FAULTS, RIGHT, SKIP, Verdict

ANY = "any fault"
MEASURES = (ANY, *FAULTS)
"""The rates: of pairs with any fault, and of each fault."""

PAPER: Mapping[str, float] = {ANY: 0.04, "wrong relation": 0.04, "wrong object": 0.03}
"""The paper's rates (Ogezi & Shi 2025, human evaluation and caption filtering; about 400 pairs, one judge)."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate of faults and its Wilson interval; None where nothing was judged."""

    value: float | None
    """The rate."""
    low: float | None
    """Lower bound of the 95 % interval."""
    high: float | None
    """Upper bound."""


@dataclass(frozen=True, slots=True)
class RelationRates:
    """The rates of one relation."""

    relation: str
    """Name of the relation."""
    pairs: int
    """Number of its pairs in the data set."""
    sampled: int
    """Number of its pairs in the sample."""
    judged: int
    """Number of its pairs with a verdict other than "skip"."""
    rates: Mapping[str, Rate]
    """Rate of each of `MEASURES`."""


@dataclass(frozen=True)
class Summary:
    """What the verdicts say about a data set."""

    pairs: int
    """Number of pairs in the data set."""
    sampled: int
    """Number of pairs in the sample."""
    judged: int
    """Number of pairs with a verdict other than "skip"."""
    skipped: int
    """Number of pairs that all of their judges have skipped."""
    judges: Mapping[str, Mapping[str, int]]
    """Number of each verdict by judge."""
    overall: Mapping[str, Rate]
    """Rate of each of `MEASURES` in the data set; the relations are weighted by their numbers of pairs."""
    relations: Sequence[RelationRates]
    """Rates by relation, those with the most pairs first."""
    agreement: Mapping[str, Agreement]
    """Agreement about the verdict, and about whether a pair is right; empty with one judge."""


def summarize(sample: Sample, verdicts: Mapping[str, Mapping[str, Verdict]]) -> Summary:
    """Return rates and agreement.

    Each judged pair counts once: with several judges, by the share of them who found the fault. The rate of the whole
    weights each judged pair by the pairs of its relation that it stands for, and its interval is Wilson's at the
    effective sample size of these weights (Kish 1965).

    Args:
        sample: The sample.
        verdicts: Verdicts by judge and pair; those about other pairs do not count.
    """
    ratings = {pair.id: [_given(judge.get(pair.id)) for judge in verdicts.values()] for pair in sample.pairs}
    found = {pair: [one for one in row if one not in (None, SKIP)] for pair, row in ratings.items()}
    judged = {pair: row for pair, row in found.items() if row}
    relation_of = {pair.id: pair.relation for pair in sample.pairs}
    members: dict[str, list[str]] = {relation: [] for relation in sample.relations}
    for pair in judged:
        members[relation_of[pair]].append(pair)
    weight = {pair: sample.relations[name] / len(those) for name, those in members.items() for pair in those}
    ids = list(ratings)
    relations = [
        RelationRates(
            name,
            pairs,
            sum(relation_of[pair] == name for pair in ids),
            len(members[name]),
            {measure: _rate(measure, members[name], judged, {}) for measure in MEASURES},
        )
        for name, pairs in sorted(sample.relations.items(), key=lambda item: (-item[1], item[0]))
    ]
    return Summary(
        pairs=sum(sample.relations.values()),
        sampled=len(ids),
        judged=len(judged),
        skipped=sum(not found[pair] and SKIP in ratings[pair] for pair in ids),
        judges={
            name: {kind: sum(ratings[pair][at] == kind for pair in ids) for kind in CHOICES}
            for at, name in enumerate(verdicts)
        },
        overall={measure: _rate(measure, list(judged), judged, weight) for measure in MEASURES},
        relations=relations,
        agreement=_agreements(list(ratings.values())),
    )


def _given(verdict: Verdict | None) -> str | None:
    return verdict.verdict if verdict is not None and verdict.verdict else None


def _rate(
    measure: str, pairs: Sequence[str], judged: Mapping[str, Sequence[str | None]], weight: Mapping[str, float]
) -> Rate:
    """Return a weighted rate of faults with Wilson's interval; every pair weighs 1 where no weights are given."""
    if not pairs:
        return Rate(None, None, None)
    weights = [weight.get(pair, 1.0) for pair in pairs]
    shares = [sum(_is_fault(measure, one) for one in judged[pair]) / len(judged[pair]) for pair in pairs]
    rate = sum(w * share for w, share in zip(weights, shares, strict=True)) / sum(weights)
    effective = sum(weights) ** 2 / sum(w * w for w in weights)
    low, high = wilson(rate * effective, effective)
    return Rate(rate, float(low), float(high))


def _is_fault(measure: str, verdict: str | None) -> bool:
    return verdict != RIGHT if measure == ANY else verdict == measure


def _agreements(ratings: Sequence[Sequence[str | None]]) -> dict[str, Agreement]:
    """Return the agreement about verdicts, and about right or not; a skipped pair has no verdict."""
    verdicts = [[None if one == SKIP else one for one in row] for row in ratings]
    accepted = [[one and ("right" if one == RIGHT else "faulty") for one in row] for row in verdicts]
    found = {"verdict": agreement(verdicts), "right or not": agreement(accepted)}
    return {name: value for name, value in found.items() if value is not None}
