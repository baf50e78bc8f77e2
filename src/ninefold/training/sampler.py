"""The order of training examples: examples of like length in one batch, and otherwise random."""

import math
from collections.abc import Iterator, Sequence

from torch.utils.data import Sampler

from ninefold.seeding import rng

BUCKET = 1.25
"""Lengths within this ratio share a bucket: padding stays small, and a batch is still a random mixture."""


class LengthBuckets(Sampler[int]):
    """A random order that keeps examples of like length together; another one every epoch."""

    def __init__(self, lengths: Sequence[float], batch: int, seed: int) -> None:
        """Take each example's length, in any unit; ``batch`` consecutive examples make an optimizer step."""
        self.buckets = [round(math.log(max(length, 1.0), BUCKET)) for length in lengths]
        self.batch = batch
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch, so that a resumed run goes on in the same one."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.buckets)

    def __iter__(self) -> Iterator[int]:
        """Yield the indices of all examples."""
        generator = rng(self.seed, "order", self.epoch)
        order = sorted(generator.permutation(len(self)).tolist(), key=self.buckets.__getitem__)
        batches = [order[start : start + self.batch] for start in range(0, len(order), self.batch)]
        # A last batch that is not full stays last: elsewhere it would shift the borders of all that follow.
        last = [batches.pop()] if len(order) % self.batch else []
        yield from (index for number in generator.permutation(len(batches)) for index in batches[number])
        yield from (index for batch in last for index in batch)
