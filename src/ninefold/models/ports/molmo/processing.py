"""The processor of Molmo v1, with the prompt format of its training."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from transformers import BatchFeature, ProcessorMixin
from transformers.image_utils import make_flat_list_of_images

from ninefold.models import compat
from ninefold.models.ports.molmo.image_processing import LAYOUT_TOKENS, PATCH_TOKEN, UNUSED, stacked

IMAGE_TOKEN = "<|image|>"

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- set parts = [{'type': 'text', 'text': message['content']}] if message['content'] is string"
    " else message['content'] -%}"
    "{%- for part in parts if part['type'] == 'image' -%}" + IMAGE_TOKEN + "{%- endfor -%}"
    "{{- ' User:' if message['role'] == 'user' else ' Assistant:' -}}"
    "{%- for part in parts if part['type'] == 'text' -%}{{- ' ' + part['text'] -}}{%- endfor -%}"
    "{%- if message['role'] == 'assistant' -%}{{- eos_token -}}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- ' Assistant:' -}}{%- endif -%}"
)
"""Molmo's own prompt format: the released tokenizers have the template of the original language model."""


class MolmoProcessor(ProcessorMixin):  # type: ignore[misc]
    """Molmo's processor: a tokenizer with image tokens, and an image processor.

    Raises:
        ValueError: If the tokenizer lacks an image token.
    """

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None) -> None:
        super().__init__(image_processor, tokenizer, chat_template=chat_template or CHAT_TEMPLATE)
        self.image_token = IMAGE_TOKEN
        vocabulary = tokenizer.get_vocab()
        if lacking := [token for token in (IMAGE_TOKEN, *LAYOUT_TOKENS) if token not in vocabulary]:
            raise ValueError(f"the tokenizer lacks {', '.join(lacking)}, which stand for images; use Molmo's own")
        self._placeholder_id = vocabulary[IMAGE_TOKEN]
        self._layout_ids = np.array([vocabulary[token] for token in LAYOUT_TOKENS])
        self.image_token_id = vocabulary[PATCH_TOKEN]

    @property
    def model_input_names(self) -> list[str]:
        """Names of the outputs that `MolmoForConditionalGeneration` takes."""
        return ["input_ids", "attention_mask", "images", "image_masks", "image_input_idx"]

    def __call__(
        self,
        images: Any = None,
        text: str | Sequence[str] | None = None,
        *,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        padding_side: str | None = None,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        truncation: bool = False,
        return_tensors: str | None = None,
        **_: Any,
    ) -> BatchFeature:
        """Encode prompts with their images.

        Args:
            images: The images, in the order of their ``<|image|>`` in the texts, flat or a list for each text.
            text: Prompts from `apply_chat_template`; one without any ``<|image|>`` gets its image in front.
            add_special_tokens: Whether to add the begin token.
            padding: Whether to pad, as in tokenizers.
            padding_side: Side of the padding; by default the tokenizer's.
            max_length: Length of the padded text if ``padding`` is "max_length".
            pad_to_multiple_of: Number of which the length is to be a multiple.
            truncation: Refused, because it would cut images.
            return_tensors: "pt", "np" or neither.

        Returns:
            ``input_ids`` and ``attention_mask`` (B, S); with images also ``images`` (B, T, N, I), ``image_masks``
            (B, T, N) and ``image_input_idx`` (B, T, K), with all images of a text joined along T, and padded
            with -1.

        Raises:
            ValueError: If there is no text, or the numbers of images and placeholders differ.
        """
        if text is None or truncation:
            raise ValueError("Molmo's processor needs text, and truncates none")
        texts = [text] if isinstance(text, str) else list(text)
        rows = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        found = [] if images is None else make_flat_list_of_images(self.image_processor.fetch_images(images))
        if len(found) == len(rows) and not any(self._placeholder_id in row for row in rows):
            rows = [[self._placeholder_id, *row] for row in rows]
        if (asked := sum(row.count(self._placeholder_id) for row in rows)) != len(found):
            raise ValueError(f"{len(found)} pictures for {asked} {IMAGE_TOKEN} in the text")
        begin = self.tokenizer.eos_token_id if self.tokenizer.bos_token_id is None else self.tokenizer.bos_token_id
        arrays = map(self.image_processor.rgb, found)
        expanded = [self._expanded(row, arrays, [begin] if add_special_tokens else []) for row in rows]
        data = self._padded_text(
            [ids for ids, _, _ in expanded],
            padding=padding,
            padding_side=padding_side,
            max_length=max_length,
            pad_to_multiple_of=pad_to_multiple_of,
        )
        if found:
            data.update(self._images(expanded, data["attention_mask"]))
        return BatchFeature(data, tensor_type=return_tensors)

    def _expanded(
        self, ids: Sequence[int], images: Iterator[np.ndarray], begin: list[int]
    ) -> tuple[list[int], list[tuple[np.ndarray, np.ndarray]], list[np.ndarray]]:
        """Return a row with each placeholder expanded, and the crops and positions of its images."""
        expanded, crops, positions = list(begin), [], []
        for token in ids:
            if token != self._placeholder_id:
                expanded.append(token)
                continue
            image = next(images)
            layout = self.image_processor.layout(*image.shape[:2])
            crops.append(self.image_processor.crops(image))
            positions.append(np.where(layout.positions == UNUSED, UNUSED, layout.positions + len(expanded)))
            expanded.extend(self._layout_ids[layout.tokens].tolist())
        return expanded, crops, positions

    def _padded_text(self, rows: list[list[int]], **options: Any) -> dict[str, Any]:
        compat.silence_padding_warning(self.tokenizer)
        padded = self.tokenizer.pad({"input_ids": rows}, **options)
        return {name: padded[name] for name in ("input_ids", "attention_mask")}

    def _images(self, expanded: Sequence[Any], attention_mask: Sequence[Sequence[int]]) -> dict[str, np.ndarray]:
        """Return the images' inputs, with positions shifted by the padding on the left."""
        grid = self.image_processor.grid
        patches, values = grid[0] * grid[1], 3 * self.image_processor.image_patch_size**2
        none = np.zeros((0, patches, values), np.float32), np.zeros((0, patches), np.float32)
        pooled = self.image_processor.image_token_length_h * self.image_processor.image_token_length_w
        crops, moved = [], []
        for (_, parts, positions), mask in zip(expanded, attention_mask, strict=True):
            crops.append(tuple(np.concatenate(arrays) for arrays in zip(none, *parts, strict=True)))
            joined = np.concatenate([np.zeros((0, pooled), int), *positions])
            moved.append(np.where(joined == UNUSED, UNUSED, joined + list(mask).index(1)))
        return {**self.image_processor.padded(crops), "image_input_idx": stacked(moved, -1)}
