"""Examples as a training set: pictures prepared once if they fit in memory, batches of like length, answer labels."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch.utils.data import Dataset, Sampler

from ninefold.models.encoding import Encoder, Picture, Tensors
from ninefold.models.threads import ahead
from ninefold.seeding import rng
from ninefold.types import Example

CACHE_BYTES = 2 << 30
"""Memory that prepared pictures may take: about ten thousand of 264 x 264."""

BUCKET = 1.25
"""Lengths within this ratio share a bucket: padding stays small, and a batch is still a random mixture."""


class Answers(Dataset[tuple[Example, Picture]]):
    """Examples with their pictures, prepared ahead where all of them fit in memory and when asked for where not."""

    def __init__(
        self,
        examples: Sequence[Example],
        encoder: Encoder,
        *,
        watched: Callable[[Iterable[Picture]], Iterable[Picture]] = iter,
    ) -> None:
        """Prepare the pictures if they fit; ``watched`` sees them go by."""
        self.examples = examples
        self.encoder = encoder
        self.lengths = [encoder.cost(example) for example in examples]
        size = encoder.picture_bytes
        self.cached = size is not None and size * len(examples) <= CACHE_BYTES
        self._pictures: list[Picture] | None = None
        if self.cached:
            self._pictures = list(watched(ahead(encoder.picture, examples)))

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.examples)

    def __getitem__(self, place: int) -> tuple[Example, Picture]:
        """Return an example and its picture."""
        example = self.examples[place]
        return example, self.encoder.picture(example) if self._pictures is None else self._pictures[place]


def collator(encoder: Encoder, dtype: torch.dtype) -> Callable[[Sequence[tuple[Example, Picture]]], Tensors]:
    """Return what makes a batch: prompts with their true answers, and labels on the answers' tokens alone."""

    def collate(items: Sequence[tuple[Example, Picture]]) -> Tensors:
        examples, pictures = [example for example, _ in items], [picture for _, picture in items]
        batch = encoder.encode_answers(examples, pictures, [example.answer for example in examples])
        return {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in batch.items()}

    return collate


class LengthBuckets(Sampler[int]):
    """An order that keeps examples of like length together, and is otherwise random; another one every epoch."""

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
        """Yield the places of all examples."""
        generator = rng(self.seed, "order", self.epoch)
        order = sorted(generator.permutation(len(self)).tolist(), key=self.buckets.__getitem__)
        batches = [order[start : start + self.batch] for start in range(0, len(order), self.batch)]
        # A last batch that is not full stays last: elsewhere it would shift the borders of all that follow.
        last = [batches.pop()] if len(order) % self.batch else []
        yield from (place for turn in generator.permutation(len(batches)) for place in batches[turn])
        yield from (place for batch in last for place in batch)
