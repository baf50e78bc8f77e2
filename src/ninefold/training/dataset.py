"""Examples as a training set: pictures prepared once if they fit in memory, batches of like length.

Axes: B examples of a forward pass.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.utils.data import Dataset, Sampler

from ninefold.models.compute.prefetch import ahead
from ninefold.models.vision_features.features import Featured
from ninefold.models.vlm.prompt import Tensors
from ninefold.seeding import rng
from ninefold.training.memory import Plan
from ninefold.types import Example

CACHE_BYTES = 2 << 30
"""Memory that prepared pictures may take: about ten thousand of 264 x 264."""

BUCKET = 1.25
"""Lengths within this ratio share a bucket: padding stays small, and a batch is still a random mixture."""


class Learner(Protocol):
    """What training asks of a model: a `ninefold.models.protocol.Trainable`, or one that is given features."""

    encoder: Any
    """Decodes and measures pictures."""

    def training_batch(self, examples: Sequence[Example], pictures: Sequence[Any]) -> Tensors:
        """Return the tensors of a batch with the true answers."""
        ...

    def losses(self, network: Any, batch: Any) -> tuple[Any, Any]:
        """Return the cross-entropies of a batch, and the row each belongs to."""
        ...


class Answers:
    """Examples by their places, with pictures prepared ahead where all fit in memory and when asked for where not."""

    def __init__(
        self,
        examples: Sequence[Example],
        model: Learner,
        *,
        watched: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    ) -> None:
        """Measure the examples and prepare their pictures if they fit; ``watched`` sees them go by."""
        self.examples = examples
        self.model = model
        self.lengths = [model.encoder.cost(example) for example in examples]
        size = model.encoder.picture_bytes
        fits = size is not None and size * len(examples) <= CACHE_BYTES
        self._pictures = list(watched(ahead(model.encoder.picture, examples))) if fits else None
        self.featured = isinstance(model, Featured)
        # Features are kept where their model is: a worker would have neither.
        self.workers = 0 if fits or self.featured else min(4, os.cpu_count() or 1)
        # What the model itself puts into a sequence, a picture of one size above all, is no part of an example's cost.
        longest = max(range(len(examples)), key=self.lengths.__getitem__)
        more = max(0.0, self.batch([longest])["labels"].numel() - self.lengths[longest])
        self.lengths = [length + more for length in self.lengths]

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.examples)

    def batch(self, places: Sequence[int]) -> Tensors:
        """Return the tensors of examples with their answers, as the model makes them."""
        examples = [self.examples[place] for place in places]
        if self._pictures is None:
            return self.model.training_batch(examples, [self.model.encoder.picture(example) for example in examples])
        return self.model.training_batch(examples, [self._pictures[place] for place in places])


@dataclass
class Passes(Dataset[dict[str, Any]]):
    """Examples as Trainer takes them: all that a process has of an optimizer step, cut into forward passes."""

    answers: Answers
    plan: Plan
    dtype: torch.dtype
    """What the model computes in."""

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.answers)

    def __getitems__(self, places: Sequence[int]) -> dict[str, Any]:
        """Return the tensors of each forward pass, the places (B) of its examples among them, and the plan."""
        passes = []
        for part in self.plan.cut([self.answers.lengths[place] for place in places]):
            found = [places[index] for index in part]
            batch = self.answers.batch(found)
            cast = {key: value.to(self.dtype) if value.is_floating_point() else value for key, value in batch.items()}
            passes.append({**cast, "places": torch.tensor(found)})
        return {"passes": passes, "plan": self.plan}

    def padding(self, order: Sequence[int], step: int) -> float:
        """Return the share of all positions that is padding, where examples come in an order, ``step`` at a time."""
        filled = taken = 0.0
        for start in range(0, len(order), step):
            lengths = [self.answers.lengths[place] for place in order[start : start + step]]
            filled += sum(lengths)
            taken += sum(len(part) * max(lengths[index] for index in part) for part in self.plan.cut(lengths))
        return 1 - filled / taken


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
