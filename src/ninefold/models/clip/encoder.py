"""The encoder of a dual encoder's inputs: a text for each option, and the image as a square.

Axes: B images, O options of an example, T texts, S tokens of a text; H and W of the model's input image.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoTokenizer, CLIPImageProcessorPil

from ninefold import images
from ninefold.errors import DataError, FactError, ModelError
from ninefold.models.checkpoint.messages import explained, quiet
from ninefold.models.clip.texts import candidate
from ninefold.models.compute import resize
from ninefold.models.families import Checkpoint
from ninefold.models.family import QUESTION_AND_OPTION, TextForm
from ninefold.models.vlm.prompt import Tensors
from ninefold.types import Example

Text = tuple[int, ...]
"""The tokens of a text."""

REMEMBERED_TEXTS = 1 << 16
"""Number of texts whose tokens are cached: about 30 MB."""


class ClipEncoder:
    """The encoder of texts and images: a tokenizer and an image processor. It can be pickled."""

    def __init__(
        self,
        tokenizer: Any,
        image_processor: Any,
        *,
        side: int,
        patch: int,
        longest: int,
        name: str,
        form: TextForm = QUESTION_AND_OPTION,
    ) -> None:
        """Combine the parts of a checkpoint.

        Args:
            tokenizer: The checkpoint's tokenizer.
            image_processor: The checkpoint's image processor, with the changes of `open_encoder`.
            side: Side of the square image that the vision tower takes, in pixels.
            patch: Side of its patches, in pixels.
            longest: Maximum number of tokens of a text.
            name: The model's name, for errors.
            form: Form of the texts.
        """
        self.tokenizer = tokenizer
        self.image_processor = image_processor
        self.side = side
        self.patch = patch
        self.longest = longest
        self.name = name
        self.form = form
        self._known: dict[str, Text] = {}

    def image(self, example: Example) -> np.ndarray:
        """Decode an example's image into the model's square, (side, side, 3) uint8.

        Raises:
            DataError: If the image cannot be read.
        """
        try:
            image = images.open_pil(example.image)
        except FactError:
            raise
        except DataError as error:
            raise DataError(f"example {example.id}: {error}") from error
        return np.asarray(resize.resize(image, (self.side, self.side), self.image_processor.resample))

    @property
    def image_bytes(self) -> int:
        """Memory of a decoded image, in bytes."""
        return 3 * self.side * self.side

    def cost(self, example: Example) -> float:
        """Return the number of patches of an image, the same for all; texts are few and shared by examples."""
        return float((self.side // self.patch) ** 2)

    def pixels(self, decoded: Sequence[np.ndarray]) -> torch.Tensor:
        """Return the pixel values (B, 3, side, side) of images returned by `image`."""
        made = self.image_processor(list(decoded), do_resize=False, return_tensors="pt")
        return made["pixel_values"]  # type: ignore[no-any-return]

    def texts(self, example: Example) -> list[Text]:
        """Return the tokens of an example's texts, one for each option (see `ninefold.models.clip.texts`).

        Raises:
            ModelError: If there are no options, they make no text of this form, or a text is too long for the model;
                texts are never cut.
        """
        if not example.options:
            raise ModelError(f"example {example.id}: has no options, and {self.name} can do nothing but choose")
        found = [self.tokens(candidate(example, option, self.form)) for option in example.options]
        longest = max(found, key=len)
        if len(longest) > self.longest:
            option = example.options[found.index(longest)]
            raise ModelError(
                f"example {example.id}: its text for the option {option[:40]!r} has {len(longest)} tokens, and "
                f"{self.name} reads at most {self.longest}; shorten the question, leave it out, or choose another form "
                "of --texts"
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
            DataError: If an answer is not among its example's options.
        """
        return {"pixel_values": self.pixels(decoded), **self.training_texts(examples)}

    def training_texts(self, examples: Sequence[Example]) -> Tensors:
        """Return the tensors of `training_batch` without the images."""
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
        # Padded on the right, whatever the tokenizer's default: positions count from the left, and attention is causal.
        return {
            "input_ids": pad_sequence(rows, batch_first=True, padding_value=self.tokenizer.pad_token_id),
            "attention_mask": pad_sequence([torch.ones_like(row) for row in rows], batch_first=True),
        }

    def trial_inputs(self) -> Tensors:
        """Return the tensors of one short text and a blank image."""
        blank = resize.resize(Image.new("RGB", (64, 48)), (self.side, self.side), self.image_processor.resample)
        return {"pixel_values": self.pixels([np.asarray(blank)]), **self.padded([self.tokens("?")])}

    def tokens(self, text: str) -> Text:
        """Return the tokens of a text, its end token last; texts are not cut.

        Raises:
            ModelError: If it cannot be tokenized.
        """
        if text not in self._known:
            if len(self._known) == REMEMBERED_TEXTS:
                self._known.clear()
            with explained(f"{self.name}: the text {text[:40]!r} cannot be tokenized"):
                self._known[text] = tuple(self.tokenizer(text, truncation=False)["input_ids"])
        return self._known[text]


def open_encoder(checkpoint: Checkpoint, config: Any, form: TextForm = QUESTION_AND_OPTION) -> ClipEncoder:
    """Combine a checkpoint's tokenizer and image processor.

    Images are squeezed into the model's square. The released processor crops the central square, and cuts off the left
    and right parts of a photo, which questions ask about.

    Raises:
        ModelError: If a part is missing, or they do not belong together.
    """
    side, reads = config.vision_config.image_size, config.text_config
    size = {"height": side, "width": side}
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.path)
        image_processor = CLIPImageProcessorPil.from_pretrained(
            checkpoint.path, do_resize=True, size=size, do_center_crop=False
        )
    if len(tokenizer) > reads.vocab_size:
        raise ModelError(
            f"{checkpoint.name}: its tokenizer has {len(tokenizer):,} tokens, and its model embeddings for "
            f"{reads.vocab_size:,}; tokenizer, config.json and weights must come from one checkpoint"
        )
    # A text's features are taken at its end token. Older configurations call it 2; there it is the last token of the
    # vocabulary.
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
        # An old folder's tokenizer does not know its model's maximum length.
        longest=reads.max_position_embeddings,
        name=checkpoint.name,
        form=form,
    )
