"""Prompts one by one, each with its picture spliced in, and their joining into batches.

A processor expands every prompt anew, and prepares its picture anew for every question. Here both are done once a
picture, by the processor itself; what it put in for the picture is cut out and put into the other prompts.

Axes: B prompts, S positions of a sequence, T tiles of a picture. Arrays of one prompt have no B.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

Tensors = dict[str, torch.Tensor]
"""What a model's forward takes, by name."""

FILLERS = {"images": -1, "image_masks": -1, "image_input_idx": -1}
"""What processors fill up a picture's tensors with where others of its batch have more tiles, if it is not zero."""


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """A prompt without padding; questions about one picture share its tensors."""

    sequence: Mapping[str, np.ndarray]
    """What runs along the sequence, (S) each: ``input_ids``, and for some families the types of tokens."""
    image: Tensors
    """What the vision tower takes, (1, ...) each or, for pictures of any shape, (patches, ...)."""

    @property
    def ids(self) -> np.ndarray:
        """The tokens (S)."""
        return self.sequence["input_ids"]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """All of a prompt up to the end of its picture, which is the same in every prompt about that picture."""

    written: tuple[int, ...]
    """Its tokens as the template writes it, the last one standing for the picture."""
    sequence: Mapping[str, np.ndarray]
    """What the processor made of it."""

    @classmethod
    def cut(cls, image_id: int | None, ids: Sequence[int], expanded: Mapping[str, np.ndarray]) -> Self | None:
        """Cut the head off a prompt that its processor expanded.

        Args:
            image_id: The one token that a template writes for a picture.
            ids: The tokens of the prompt as the template writes it.
            expanded: What the processor made of the same prompt, (S) each.

        Returns:
            The head, or ``None`` if the picture has no token of its own, or more than that token was changed.
        """
        if ids.count(image_id) != 1:
            return None
        written = tuple(ids[: ids.index(image_id) + 1])
        end = len(expanded["input_ids"]) - len(ids) + len(written)
        head = cls(written, {name: values[:end] for name, values in expanded.items()})
        again = head.before(ids)
        same = again is not None and all(np.array_equal(again[name], values) for name, values in expanded.items())
        return head if same else None

    def before(self, ids: Sequence[int]) -> dict[str, np.ndarray] | None:
        """Return a prompt with the expanded head; ``None`` if it was written otherwise, or has more pictures."""
        size = len(self.written)
        if tuple(ids[:size]) != self.written or self.written[-1] in ids[size:]:
            return None
        after = np.asarray(ids[size:])
        # Whatever else runs along the sequence is zero at text.
        return {
            name: np.concatenate([values, after if name == "input_ids" else np.zeros_like(after)])
            for name, values in self.sequence.items()
        }


def join(prompts: Sequence[Prompt], pad_id: int) -> Tensors:
    """Return the tensors of a batch, padded on the left."""
    lengths = [len(prompt.ids) for prompt in prompts]
    pads = [max(lengths) - length for length in lengths]
    tensors = padded([prompt.sequence for prompt in prompts], pad_id)
    return {**tensors, **join_pictures([prompt.image for prompt in prompts], pads)}


def padded(rows: Sequence[Mapping[str, np.ndarray]], pad_id: int) -> Tensors:
    """Return what runs along sequences (B, S), padded on the left, and the ``attention_mask``."""
    lengths = [len(row["input_ids"]) for row in rows]
    width = max(lengths)
    tensors = {}
    for name in rows[0]:
        values_BS = np.full((len(rows), width), pad_id if name == "input_ids" else 0, rows[0][name].dtype)
        for values_S, row, length in zip(values_BS, rows, lengths, strict=True):
            values_S[width - length :] = row[name]
        tensors[name] = torch.from_numpy(values_BS)
    real_BS = np.arange(width) >= width - np.array(lengths)[:, None]
    return {**tensors, "attention_mask": torch.from_numpy(real_BS.astype(np.int64))}


def join_pictures(pictures: Sequence[Tensors], pads: Sequence[int]) -> Tensors:
    """Return the pictures of a batch, filled up where they differ in tiles.

    Args:
        pictures: The tensors of one picture a sequence.
        pads: How many positions each sequence is padded with on the left: some families' tensors name positions.
    """
    joined = {}
    for name in pictures[0]:
        parts = [picture[name] for picture in pictures]
        if name == "image_input_idx":
            parts = [torch.where(part < 0, part, part + pad) for part, pad in zip(parts, pads, strict=True)]
        if len({part.shape[1:] for part in parts}) > 1:
            most = max(part.shape[1] for part in parts)
            parts = [_filled(part, most, FILLERS.get(name, 0)) for part in parts]
        joined[name] = parts[0] if len(parts) == 1 else torch.cat(parts)
    return joined


def _filled(part_1T: torch.Tensor, tiles: int, filler: int) -> torch.Tensor:
    more = part_1T.new_full((part_1T.shape[0], tiles - part_1T.shape[1], *part_1T.shape[2:]), filler)
    return torch.cat([part_1T, more], 1)
