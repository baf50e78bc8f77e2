"""The mixture of several data sets: how many training examples of each an epoch holds, and which.

No heavy imports here: a finished run is found in a fraction of a second.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from ninefold.data.format.dataset import Dataset
from ninefold.errors import RunError
from ninefold.seeding import rng
from ninefold.training.spec import TrainSpec


@dataclass(frozen=True)
class Mixture:
    """A mixture of data sets: each is walked through in a random order, again and again, some examples an epoch."""

    sizes: Sequence[int]
    """Number of training examples that each data set has."""
    counts: Sequence[int]
    """Number of them in an epoch."""
    seed: int
    """Seed of the orders."""

    def __len__(self) -> int:
        """Return the number of examples in an epoch."""
        return sum(self.counts)

    def epoch(self, epoch: int) -> list[int]:
        """Return the indices of an epoch's examples in the concatenation of all data sets, one set after another.

        An example comes again only when all of its data set have come, and no epoch needs the ones before it.
        """
        starts = accumulate(self.sizes[:-1], initial=0)
        return [
            start + index
            for number, (start, size, count) in enumerate(zip(starts, self.sizes, self.counts, strict=True))
            for index in self._walk(number, size, epoch * count, (epoch + 1) * count)
        ]

    def _walk(self, number: int, size: int, begin: int, end: int) -> Iterator[int]:
        """Yield the indices at the steps ``begin`` to ``end`` of the walk through a data set."""
        for lap in range(begin // size, -(-end // size)):
            order = rng(self.seed, "mixture", number, lap).permutation(size).tolist()
            yield from order[max(begin - lap * size, 0) : end - lap * size]


def counts_of(spec: TrainSpec) -> list[int] | None:
    """Return the number of training examples of each data set in an epoch; None without weights.

    Raises:
        DataError: If a data set or split does not exist.
        RunError: If an epoch would hold no example of a data set.
    """
    if not spec.weights:
        return None
    total = spec.epoch_examples or sum(available(spec, spec.train_split))
    counts = apportioned(spec.weights, total)
    for folder, count in zip(spec.data, counts, strict=True):
        if not count:
            raise RunError(f"--weights: of {total:,} examples, an epoch would hold none of {folder}; leave it out")
    return counts


def mixture_of(spec: TrainSpec) -> Mixture | None:
    """Return the mixture of a training; None without weights."""
    counts = counts_of(spec)
    return None if counts is None else Mixture(available(spec, spec.train_split), counts, spec.seed)


def training_size(spec: TrainSpec) -> int:
    """Return the number of training examples in an epoch."""
    return sum(counts_of(spec) or available(spec, spec.train_split))


def validation_limits(spec: TrainSpec) -> list[int | None]:
    """Return the largest number of validation examples of each data set; None for all.

    With weights, they are the most that have the shares of an epoch.
    """
    counts = counts_of(spec)
    if counts is None:
        return [spec.limit] * len(spec.data)
    rows = available(spec, spec.validation_split)
    # Whole numbers throughout: row counts of 20 % per set must not fall below themselves by rounding.
    scarce = min(range(len(rows)), key=lambda index: rows[index] / counts[index])
    return [max(1, rows[scarce] * count // counts[scarce]) for count in counts]


def available(spec: TrainSpec, split: str) -> list[int]:
    """Return the number of examples that each data set has in a split, within ``--limit``."""
    rows = [Dataset.open(folder).splits.get(split, 0) for folder in spec.data]
    return rows if spec.limit is None else [min(count, spec.limit) for count in rows]


def apportioned(weights: Sequence[float], total: int) -> list[int]:
    """Divide a number in proportion to weights, by the method of largest remainders; ties go to the earlier one."""
    exact = [total * weight / sum(weights) for weight in weights]
    counts = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda index: counts[index] - exact[index])
    for index in by_remainder[: total - sum(counts)]:
        counts[index] += 1
    return counts
