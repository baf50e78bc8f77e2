"""Examples to the inputs of a dual encoder: a text for each option, and the image as a square.

Axes: B images, O options of an example, T texts, S tokens of a text; H and W of the image as the model takes it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoTokenizer, CLIPImageProcessorPil

from ninefold import images
from ninefold.errors import DataError, ModelError
from ninefold.models.checkpoint.messages import explained
from ninefold.models.compute import resize
from ninefold.models.families import Checkpoint
from ninefold.models.vlm.prompt import Tensors
from ninefold.types import Example

Text = tuple[int, ...]
"""The tokens of a text."""

REMEMBERED_TEXTS = 1 << 16
"""Texts whose tokens are kept: about 30 MB."""


class ClipEncoder:
    """The encoder of texts and images: a tokenizer and an image processor. It can be pickled."""

    def __init__(self, tokenizer: Any, image_processor: Any, *, side: int, patch: int, longest: int, name: str) -> None:
        """Put the parts of a checkpoint together.

        Args:
            tokenizer: The checkpoint's tokenizer.
            image_processor: The checkpoint's image processor, with the changes of `open_encoder`.
            side: Side of the square image that the vision tower takes, in pixels.
            patch: Side of its patches, in pixels.
            longest: The most tokens of a text.
            name: The model's name, for errors.
        """
        self.tokenizer = tokenizer
        self.image_processor = image_processor
        self.side = side
        self.patch = patch
        self.longest = longest
        self.name = name
        self._known: dict[str, Text] = {}

    def image(self, example: Example) -> np.ndarray:
        """Decode an example's image into the model's square, (side, side, 3) uint8.

        Raises:
            DataError: If the image cannot be read.
        """
        try:
            image = images.open_pil(example.image)
        except DataError as error:
            raise DataError(f"example {example.id}: {error}") from error
        return np.asarray(resize.resize(image, (self.side, self.side), self.image_processor.resample))

    @property
    def image_bytes(self) -> int:
        """Memory that a decoded image takes, in bytes."""
        return 3 * self.side * self.side

    def cost(self, example: Example) -> float:
        """Return the number of patches of an image, the same for all; texts are few, and shared by examples."""
        return float((self.side // self.patch) ** 2)

    def pixels(self, decoded: Sequence[np.ndarray]) -> torch.Tensor:
        """Return the pixel values (B, 3, side, side) of images as `image` returns them."""
        made = self.image_processor(list(decoded), do_resize=False, return_tensors="pt")
        return made["pixel_values"]  # type: ignore[no-any-return]

    def texts(self, example: Example) -> list[Text]:
        """Return the tokens of an example's texts: its question, followed by each option.

        The paper says "the same question followed by the label" and not whether the question lists its options
        (section 5). It does not here: all texts of an example would hold the same list, which tells them apart in
        nothing, takes half of the 77 tokens there are, and makes the answer depend on its order.

        Raises:
            ModelError: If there are no options, or a text is longer than the model can read; never is one cut.
        """
        if not example.options:
            raise ModelError(f"example {example.id}: has no options, and {self.name} can do nothing but choose")
        found = [self._tokens(f"{example.question} {option}") for option in example.options]
        longest = max(found, key=len)
        if len(longest) > self.longest:
            option = example.options[found.index(longest)]
            raise ModelError(
                f"example {example.id}: its question with the option {option[:40]!r} has {len(longest)} tokens, and "
                f"{self.name} reads at most {self.longest}; shorten the question or leave it out"
            )
        return found

    def training_batch(self, examples: Sequence[Example], decoded: Sequence[np.ndarray]) -> Tensors:
        """Return the tensors of a batch.

        Returns:
            ``pixel_values`` (B, 3, H, W), ``labels`` (B) as indices among the options, ``options`` (B, O) as indices
            among the texts, -1 where an example has fewer, and ``input_ids`` and ``attention_mask`` (T, S) of the
            distinct texts.

        Raises:
            ModelError: If an example has no options, or a text is too long for the model.
            DataError: If an answer is none of its example's options.
        """
        return {"pixel_values": self.pixels(decoded), **self.training_texts(examples)}

    def training_texts(self, examples: Sequence[Example]) -> Tensors:
        """Return what `training_batch` does, without the images."""
        for example in examples:
            if example.options and example.answer not in example.options:
                raise DataError(f"example {example.id}: its answer {example.answer!r} is none of its options")
        ids = [self.texts(example) for example in examples]
        index = {tokens: number for number, tokens in enumerate(dict.fromkeys(tokens for row in ids for tokens in row))}
        options = [torch.tensor([index[tokens] for tokens in row]) for row in ids]
        return {
            "labels": torch.tensor([example.options.index(example.answer) for example in examples]),
            "options": pad_sequence(options, batch_first=True, padding_value=-1),
            **self.padded(index),
        }

    def padded(self, texts: Iterable[Text]) -> Tensors:
        """Return the tensors (T, S) of texts."""
        rows = [torch.tensor(tokens) for tokens in texts]
        # Whatever the tokenizer would do, on the right: positions count from the left, and no text sees what follows.
        return {
            "input_ids": pad_sequence(rows, batch_first=True, padding_value=self.tokenizer.pad_token_id),
            "attention_mask": pad_sequence([torch.ones_like(row) for row in rows], batch_first=True),
        }

    def _tokens(self, text: str) -> Text:
        if text not in self._known:
            if len(self._known) == REMEMBERED_TEXTS:
                self._known.clear()
            self._known[text] = tuple(self.tokenizer(text, truncation=False)["input_ids"])
        return self._known[text]


def open_encoder(checkpoint: Checkpoint, config: Any) -> ClipEncoder:
    """Put a checkpoint's tokenizer and image processor together.

    Images are squeezed into the model's square. As released, the processor cuts a square out of their middle, and
    with it the left and the right of a photo, which are what is asked for.

    Raises:
        ModelError: If a part is missing, or they do not belong together.
    """
    side, reads = config.vision_config.image_size, config.text_config
    size = {"height": side, "width": side}
    with explained(checkpoint):
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.path)
        image_processor = CLIPImageProcessorPil.from_pretrained(
            checkpoint.path, do_resize=True, size=size, do_center_crop=False
        )
    # A text's features stand at its end token, which configurations older than this rule call 2: there it is the last
    # of the vocabulary.
    end = len(tokenizer) - 1 if reads.eos_token_id == 2 else reads.eos_token_id
    if tokenizer.eos_token_id != end:
        raise ModelError(
            f"{checkpoint.name}: its tokenizer ends texts with token {tokenizer.eos_token_id} and its model expects "
            f"{end}; download it again"
        )
    return ClipEncoder(
        tokenizer,
        image_processor,
        side=side,
        patch=config.vision_config.patch_size,
        # The tokenizer of an old folder does not know how much its model reads.
        longest=reads.max_position_embeddings,
        name=checkpoint.name,
    )
