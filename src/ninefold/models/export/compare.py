"""The outputs of a model that an export is compared by: logits of the true answers, and the answers themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ninefold.models.export.difference import Difference
from ninefold.models.protocol import Trainable
from ninefold.models.vlm.reference import to_device
from ninefold.types import Example

ROUNDING = 3e-5
"""Difference of logits in single precision that is rounding, as a fraction of the largest logit."""


@dataclass(frozen=True)
class Outputs:
    """What a model computes for some examples."""

    logits: tuple[torch.Tensor, ...]
    """The logits of each example's true answer, in single precision on the CPU: one row for each of its tokens, or
    for a dual encoder one with a value for each option."""
    answers: tuple[str, ...]
    """Its answers; none if only logits are needed."""

    @classmethod
    @torch.inference_mode()
    def of(cls, model: Trainable, examples: Sequence[Example], *, answers: bool = False) -> "Outputs":
        """Return the outputs of a model.

        Args:
            model: The model.
            examples: The examples to ask.
            answers: Whether to compute its answers too, which takes most of the time.

        Raises:
            DataError: If an image cannot be read.
        """
        logits = []
        for example in examples:
            batch = model.training_batch([example], [model.encoder.image(example)])
            logits.append(model.logits(model.model, to_device(model.model, batch))[0].float().cpu())
        return cls(tuple(logits), tuple(each.text for each in model.predict(examples)) if answers else ())


def rounding(dtype: torch.dtype) -> float:
    """Return the rounding of logits by a forward pass in a precision, as a fraction of the largest logit."""
    return ROUNDING if dtype == torch.float32 else float(torch.finfo(dtype).eps)


def difference(base: Outputs, expected: Outputs, found: Outputs) -> Difference:
    """Return the difference of an export's outputs from those of an adapter on its base.

    Args:
        base: Outputs of the base alone.
        expected: Those of the base with the adapter.
        found: Those of the export; without answers if equal logits are expected, of which they follow.
    """
    one, two, three = (torch.cat([row.flatten() for row in each.logits]) for each in (base, expected, found))
    far = (three - two).abs()
    return Difference(
        examples=len(found.logits),
        largest=float(far.max()),
        mean=float(far.mean()),
        adapter=float((two - one).abs().mean()),
        scale=float(two.abs().max()),
        same_answers=sum(map(str.__eq__, expected.answers, found.answers or expected.answers)),
    )
