"""The order of training examples: random, with examples of similar length in one batch."""

import math
from collections.abc import Iterator, Sequence

from torch.utils.data import Sampler

from ninefold.seeding import rng
from ninefold.training.mixture import Mixture

BUCKET = 1.25
"""Largest ratio of lengths within a bucket: padding stays small, and a batch is still a random mixture."""


class LengthBuckets(Sampler[int]):
    """A random order with examples of similar length together; a new one every epoch."""

    def __init__(self, lengths: Sequence[float], batch: int, seed: int, mixture: Mixture | None = None) -> None:
        """Use the length of each example, in any unit; ``batch`` consecutive examples make an optimizer step.

        An epoch holds all examples, or those of a mixture.
        """
        self.buckets = [round(math.log(max(length, 1.0), BUCKET)) for length in lengths]
        self.batch = batch
        self.seed = seed
        self.mixture = mixture
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, which determines the order; a resumed run continues in the same one."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of examples in an epoch."""
        return len(self.buckets if self.mixture is None else self.mixture)

    def __iter__(self) -> Iterator[int]:
        """Yield the indices of an epoch's examples."""
        chosen = range(len(self)) if self.mixture is None else self.mixture.epoch(self.epoch)
        generator = rng(self.seed, "order", self.epoch)
        order = sorted((chosen[i] for i in generator.permutation(len(self)).tolist()), key=self.buckets.__getitem__)
        batches = [order[start : start + self.batch] for start in range(0, len(order), self.batch)]
        # An incomplete last batch stays last: elsewhere it would shift all later batches.
        last = [batches.pop()] if len(order) % self.batch else []
        yield from (index for number in generator.permutation(len(batches)) for index in batches[number])
        yield from (index for batch in last for index in batch)
