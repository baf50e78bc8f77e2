"""The sample of pairs that is judged: its size, its shares by relation, and its rows. All judges see the same one.

Source of the size: Ogezi & Shi 2025 (SpaRE), human evaluation; the formula is Cochran's for a finite population.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from ninefold import store
from ninefold.data.format.columns import opened
from ninefold.data.format.dataset import Dataset
from ninefold.errors import DataError, RunError
from ninefold.seeding import rng

FILE = "sample.json"
FORMAT = 1

LEAST = 3
"""Smallest number of pairs of a relation, where it has as many and these take no more than half of the sample."""


@dataclass(frozen=True, slots=True)
class SampleSpec:
    """What is asked of a sample."""

    pairs: int | None = None
    """Number of pairs; None for that of the stored sample, or else of the formula."""
    margin: float = 0.05
    """With the formula, the largest distance of the estimated rate from the true one."""
    confidence: float = 0.95
    """With the formula, the probability that the distance is within the margin."""
    seed: int = 0
    """Seed of the draw."""

    def size(self, population: int) -> int:
        """Return the number of pairs to draw from a population."""
        formula = sample_size(population, margin=self.margin, confidence=self.confidence)
        return formula if self.pairs is None else min(self.pairs, population)


@dataclass(frozen=True, slots=True)
class SampledPair:
    """A row of the data set that is in the sample."""

    id: str
    """Its id."""
    row: int
    """Its index in the split."""
    relation: str
    """Its relation."""


@dataclass(frozen=True)
class Sample:
    """A sample of a data set's pairs, stratified by relation, in the order in which they are shown."""

    split: str
    """Name of the split that it is drawn from."""
    fingerprint: str
    """Fingerprint of that split."""
    seed: int
    """Seed of the draw."""
    relations: Mapping[str, int]
    """Number of pairs of each relation in the split."""
    pairs: tuple[SampledPair, ...]
    """The pairs."""

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        pairs = [{"id": pair.id, "row": pair.row, "relation": pair.relation} for pair in self.pairs]
        head = {"format": FORMAT, "split": self.split, "fingerprint": self.fingerprint, "seed": self.seed}
        store.write_json(path, {**head, "relations": dict(self.relations), "pairs": pairs})

    @classmethod
    def read(cls, path: Path) -> "Sample":
        """Read a sample.

        Raises:
            RunError: If the file is missing, broken, or no sample.
        """
        found = store.read_json(path)
        try:
            if found["format"] != FORMAT:
                raise ValueError
            pairs = tuple(
                SampledPair(str(pair["id"]), int(pair["row"]), str(pair["relation"])) for pair in found["pairs"]
            )
            relations = {str(name): int(count) for name, count in found["relations"].items()}
            drawn = Counter(pair.relation for pair in pairs)
            fits = all(drawn[name] <= relations.get(name, 0) for name in {*drawn, *relations})
            if not (fits and pairs and len({pair.id for pair in pairs}) == len(pairs)):
                raise ValueError
            return cls(str(found["split"]), str(found["fingerprint"]), int(found["seed"]), relations, pairs)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RunError(f"{path}: is no sample of pairs of this version of ninefold; move it elsewhere") from error


def split_of(data: Dataset) -> str:
    """Return the split of a data set of captions from which a sample is drawn, the first; others hold few pairs."""
    return next(iter(data.splits))


def sample_size(population: int, *, margin: float = 0.05, confidence: float = 0.95, share: float = 0.5) -> int:
    """Return the number of pairs to judge by the formula for a finite population, rounded up.

    Args:
        population: Number of pairs to draw from.
        margin: Largest distance of the estimated rate from the true one.
        confidence: Probability that the distance is within the margin.
        share: Expected rate; 0.5 needs the most pairs.

    Raises:
        RunError: If an argument is outside of its range.
    """
    for name, value in {"margin": margin, "confidence": confidence, "share": share}.items():
        if not 0 < value < 1:
            raise RunError(f"{name} {value}: must be between 0 and 1")
    spread = float(stats.norm.ppf((1 + confidence) / 2)) ** 2 * share * (1 - share)
    return math.ceil(population * spread / (margin**2 * (population - 1) + spread))


def allocate(sizes: Mapping[str, int], total: int, least: int = LEAST) -> dict[str, int]:
    """Return the number of pairs to draw of each relation: proportional by largest remainders, but a few at least.

    Args:
        sizes: Number of pairs of each relation.
        total: Number to draw; all pairs if there are fewer.
        least: Number that a rare relation is raised to, if it has as many. It is lowered, but not to zero, where it
            would take more than half of the total: rare relations say little about the rate of the whole.
    """
    total = min(total, sum(sizes.values()))
    names = max(len(sizes), 1)
    least = min(least, max(1, total // (2 * names)), total // names)
    raised: dict[str, int] = {}
    while True:
        free = {name: size for name, size in sizes.items() if name not in raised}
        left, among = total - sum(raised.values()), max(sum(free.values()), 1)
        low = {name: min(least, size) for name, size in free.items() if left * size < min(least, size) * among}
        if not low:
            break
        raised |= low
    drawn = raised | {name: left * size // among for name, size in free.items()}
    by_remainder = sorted(free, key=lambda name: (-(left * free[name] % among), name))
    for name in by_remainder[: total - sum(drawn.values())]:
        drawn[name] += 1
    return {name: drawn[name] for name in sizes}


def draw(data: Dataset, total: int, *, seed: int = 0) -> Sample:
    """Draw a sample of a data set's pairs. A larger one holds the pairs of a smaller one, but for a few of rounding.

    Args:
        data: The data set.
        total: Number of pairs.
        seed: Seed of the draw.

    Raises:
        DataError: If the data set has no relations.
    """
    split = split_of(data)
    ids, relations = _columns(data, split)
    counted = pc.value_counts(relations).to_pylist()
    sizes = dict(sorted((entry["values"], entry["counts"]) for entry in counted))
    names = np.asarray(relations.to_numpy(zero_copy_only=False), object)
    chosen: list[int] = []
    for name, count in allocate(sizes, total).items():
        rows = np.flatnonzero(names == name)
        chosen += rng(seed, "review", "rows", name).permutation(rows)[:count].tolist()
    order = rng(seed, "review", "order").permutation(len(chosen))
    pairs = tuple(SampledPair(ids[row].as_py(), row, names[row]) for row in (sorted(chosen)[at] for at in order))
    return Sample(split, data.fingerprint(split), seed, sizes, pairs)


def stored(data: Dataset, folder: Path, spec: SampleSpec, judged: Collection[str]) -> Sample:
    """Return the sample of a review folder; it is drawn where there is none, or another number is asked for.

    Args:
        data: The data set.
        folder: The review folder.
        spec: What is asked for.
        judged: Ids of the pairs that have verdicts, which a new sample must hold.

    Raises:
        RunError: If the stored sample is of other rows, or pairs that have been judged would fall out of it.
    """
    path, split = folder / FILE, split_of(data)
    rows = data.splits[split]
    there = Sample.read(path) if path.exists() else None
    if there is not None:
        if (there.fingerprint, sum(there.relations.values())) != (data.fingerprint(split), rows):
            raise RunError(f"{path}: is a sample of other pairs than {data.folder} now holds; move {folder} elsewhere")
        if spec.pairs is None or len(there.pairs) == min(spec.pairs, rows):
            return there
    fresh = draw(data, spec.size(rows), seed=spec.seed if there is None else there.seed)
    lost = len(set(judged) - {pair.id for pair in fresh.pairs})
    if lost:
        held = f"holds {len(there.pairs)} pairs" if there is not None else "is missing"
        raise RunError(
            f"{path}: {held}, and {lost} of the pairs judged so far would not be in a sample of {len(fresh.pairs)}; "
            "leave out --sample, ask for more pairs, or move the folder elsewhere"
        )
    fresh.write(path)
    return fresh


def _columns(data: Dataset, split: str) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Return the columns ``id`` and ``relation`` of the split; a pair without a relation has an empty one."""
    tables = []
    for shard in data.shards(split):
        with opened(shard) as file:
            if "relation" not in file.schema_arrow.names:
                raise DataError(f"{shard}: has no column `relation`; review a data set of `ninefold captions run`")
            tables.append(file.read(columns=["id", "relation"]))
    table = pa.concat_tables(tables)
    return table["id"], pc.fill_null(table["relation"].cast(pa.string()), "")
