"""Single prompts, each with its image spliced in, and batches of them.

A processor expands every prompt anew, and prepares its image anew for every question. Here the processor does both once
per image; the tokens that it inserted for the image are cut out and spliced into the other prompts.

Axes: B prompts, S positions of a sequence, T tiles of an image. Arrays of one prompt have no B.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from ninefold.models.family import Family

Tensors = dict[str, torch.Tensor]
"""Arguments of a model's forward pass, by name."""


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """A prompt without padding; questions about one image share its tensors."""

    sequence: Mapping[str, np.ndarray]
    """Arrays with one entry per token, (S) each: ``input_ids``, and for some families the types of tokens."""
    image: Tensors
    """Inputs of the vision tower, (1, ...) each or, for images of any shape, (patches, ...)."""

    @property
    def ids(self) -> np.ndarray:
        """The tokens (S)."""
        return self.sequence["input_ids"]


@dataclass(frozen=True, slots=True, eq=False)
class ImagePrefix:
    """A prompt up to the end of its image, which is the same in every prompt about that image."""

    written: tuple[int, ...]
    """Its tokens in the chat template, the last one being the image placeholder."""
    sequence: Mapping[str, np.ndarray]
    """Its arrays after the processor's expansion, (S) each."""

    @classmethod
    def cut(cls, image_id: int | None, ids: Sequence[int], expanded: Mapping[str, np.ndarray]) -> Self | None:
        """Return the prefix of a prompt expanded by its processor.

        Args:
            image_id: The single token that a chat template writes for an image.
            ids: The tokens of the prompt in the chat template.
            expanded: The same prompt after the processor's expansion, (S) each.

        Returns:
            The prefix, or ``None`` if the image has no token of its own, or the processor changed other tokens too.
        """
        if ids.count(image_id) != 1:
            return None
        written = tuple(ids[: ids.index(image_id) + 1])
        end = len(expanded["input_ids"]) - len(ids) + len(written)
        prefix = cls(written, {name: values[:end] for name, values in expanded.items()})
        again = prefix.splice(ids)
        same = again is not None and all(np.array_equal(again[name], values) for name, values in expanded.items())
        return prefix if same else None

    def splice(self, ids: Sequence[int]) -> dict[str, np.ndarray] | None:
        """Return a prompt with this prefix expanded; ``None`` if it begins differently, or has more images."""
        size = len(self.written)
        if tuple(ids[:size]) != self.written or self.written[-1] in ids[size:]:
            return None
        after = np.asarray(ids[size:])
        # All other arrays, such as token types, are zero for text.
        return {
            name: np.concatenate([values, after if name == "input_ids" else np.zeros_like(after)])
            for name, values in self.sequence.items()
        }


def join(prompts: Sequence[Prompt], pad_id: int, family: Family) -> Tensors:
    """Return the tensors of a batch, padded on the left."""
    lengths = [len(prompt.ids) for prompt in prompts]
    pads = [max(lengths) - length for length in lengths]
    tensors = pad_left([prompt.sequence for prompt in prompts], pad_id)
    return {**tensors, **join_images([prompt.image for prompt in prompts], pads, family)}


def pad_left(rows: Sequence[Mapping[str, np.ndarray]], pad_id: int) -> Tensors:
    """Return the arrays of sequences as tensors (B, S), padded on the left, with the ``attention_mask``."""
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


def join_images(images: Sequence[Tensors], pads: Sequence[int], family: Family) -> Tensors:
    """Return the images of a batch, padded if their numbers of tiles differ.

    Args:
        images: The tensors of one image per sequence.
        pads: Padding on the left of each sequence.
        family: The family, with the padding values of tensors and the names of those that hold sequence positions.
    """
    joined = {}
    for name in images[0]:
        parts = [image[name] for image in images]
        if name in family.sequence_indices:
            parts = [torch.where(part < 0, part, part + pad) for part, pad in zip(parts, pads, strict=True)]
        if len({part.shape[1:] for part in parts}) > 1:
            most = max(part.shape[1] for part in parts)
            parts = [_pad_tiles(part, most, family.image_padding.get(name, 0)) for part in parts]
        joined[name] = parts[0] if len(parts) == 1 else torch.cat(parts)
    return joined


def _pad_tiles(part_1T: torch.Tensor, tiles: int, value: float) -> torch.Tensor:
    more = part_1T.new_full((part_1T.shape[0], tiles - part_1T.shape[1], *part_1T.shape[2:]), value)
    return torch.cat([part_1T, more], 1)
