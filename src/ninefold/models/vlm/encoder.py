"""The encoder of examples as chat messages and tensors, for any processor of transformers; the image comes first.

Axes: B examples, S positions of the prompt, A positions of the answer; H and W of an image. Nothing is ever truncated.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import torch
from PIL import Image

from ninefold import images
from ninefold.errors import DataError, FactError, ModelError
from ninefold.models.checkpoint.messages import explained
from ninefold.models.checkpoint.processor import image_token_id, largest_embedded
from ninefold.models.families import GENERIC
from ninefold.models.family import Family
from ninefold.models.vlm.answers import AnswerTokens, user_turn
from ninefold.models.vlm.continuation import continued
from ninefold.models.vlm.fixed_size import FixedSize
from ninefold.models.vlm.prompt import ImagePrefix, Prompt, Tensors, join
from ninefold.types import Example, ImageSource

DecodedImage = Image.Image | np.ndarray
"""A decoded image; for models with a fixed size already resized, as (H, W, 3) uint8."""

_PIXELS_PER_TOKEN = 28 * 28
_LETTERS_PER_TOKEN = 4


class Encoder:
    """The encoder of prompts: a processor with its chat template and end tokens. It can be pickled."""

    def __init__(
        self, processor: Any, end_ids: Sequence[int], family: Family = GENERIC, vocabulary: int | None = None
    ) -> None:
        """Wrap a processor.

        Args:
            processor: The processor of a checkpoint.
            end_ids: The tokens that end an answer; the tokenizer's own if there are none.
            family: The family, with the layout and padding of image tensors.
            vocabulary: The number of tokens that the model has an embedding for, if known.
        """
        self.vocabulary = vocabulary
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.family = family
        self.end_ids = tuple(end_ids) or (self.tokenizer.eos_token_id,)
        pad = self.tokenizer.pad_token_id
        # A padding token that the tokenizer adds by itself has no embedding; padding is masked, so any token serves.
        usable = pad is not None and (vocabulary is None or pad < vocabulary)
        self.pad_id: int = pad if usable else self.end_ids[0]
        if not usable:
            self.tokenizer.pad_token_id = self.pad_id
        self._answers = AnswerTokens(processor, self.end_ids)
        self._fixed_size = FixedSize.of(processor.image_processor)
        self._prefix: ImagePrefix | None = None
        self._splices: dict[bool, bool] = {}

    def image(self, example: Example) -> DecodedImage:
        """Decode an example's image, and resize it if all images have one size.

        Resizing here, exactly as in the processor, allows to keep an image with a hundredth of its pixels.

        Raises:
            DataError: If the image cannot be read.
        """
        try:
            image = images.open_pil(example.image)
        except FactError:
            raise
        except DataError as error:
            raise DataError(f"example {example.id}: {error}") from error
        return self._fixed_size.resize(image) if self._fixed_size else image

    @property
    def image_bytes(self) -> int | None:
        """Memory of a decoded image, in bytes; ``None`` if images differ in size."""
        return 3 * self._fixed_size.size[0] * self._fixed_size.size[1] if self._fixed_size else None

    def cost(self, example: Example) -> float:
        """Return the approximate length of an example's prompt in tokens, without decoding its image.

        Only ratios and order matter. The cost of images of one size is the same for all, and left out. An answer counts
        if it may be long: one of several options is not.
        """
        width, height = (0, 0) if self._fixed_size else images.size(example.image, name=f"example {example.id}")
        texts = [example.prompt, *chain.from_iterable(example.turns), *([] if example.options else [example.answer])]
        return width * height / _PIXELS_PER_TOKEN + sum(map(len, texts)) / _LETTERS_PER_TOKEN

    def images(self, examples: Sequence[Example]) -> list[DecodedImage]:
        """Decode the images of examples, each distinct one once."""
        decoded: dict[ImageSource, DecodedImage] = {}
        for example in examples:
            if example.image not in decoded:
                decoded[example.image] = self.image(example)
        return [decoded[example.image] for example in examples]

    def prompt(self, example: Example) -> str:
        """Return the exact text of an example's prompt, written by its chat template."""
        return str(self.processor.apply_chat_template([user_turn(example.prompt)], add_generation_prompt=True))

    def encode(self, examples: Sequence[Example], decoded: Sequence[DecodedImage]) -> Tensors:
        """Return the tensors of a batch of prompts, padded on the left, ready to generate from.

        The result is that of the processor for the whole batch, but faster: each distinct object in ``decoded`` is
        prepared once.
        """
        if self.splices(examples, decoded):
            return self.join(self.prompts(examples, decoded))
        return self._processed(examples, decoded)

    def join(self, prompts: Sequence[Prompt]) -> Tensors:
        """Return the tensors of a batch of prompts, padded on the left."""
        return join(prompts, self.pad_id, self.family)

    def splices(self, examples: Sequence[Example], decoded: Sequence[DecodedImage]) -> bool:
        """Whether `prompts`, joined, equal the processor's own result for a batch.

        This is checked on the first batch with images of one size, and on the first with several sizes.
        """
        other = next((index for index, image in enumerate(decoded) if _size(image) != _size(decoded[0])), None)
        mixed = other is not None
        if mixed not in self._splices:
            # The first gets a second, longer question: this tests splicing and padding.
            tried = [examples[0], replace(examples[0], prompt=f"{examples[0].prompt} Answer:"), examples[other or 0]]
            shown = [decoded[0], decoded[0], decoded[other or 0]]
            self._splices[mixed] = _same(self.join(self.prompts(tried, shown)), self._processed(tried, shown))
        return self._splices[mixed]

    def can_join(self, examples: Sequence[Example]) -> bool:
        """Whether `prompts` of these examples may be joined to batches (see `splices`)."""
        sizes = {(0, 0): examples[0]}
        if self._fixed_size is None:
            sizes = {images.size(example.image, name=f"example {example.id}"): example for example in examples}
        mixed = len(sizes) > 1
        if mixed not in self._splices:
            tried = list(sizes.values())[: 2 if mixed else 1]
            self.splices(tried, self.images(tried))
        return self._splices[mixed]

    def prompts(self, examples: Sequence[Example], decoded: Sequence[DecodedImage]) -> list[Prompt]:
        """Return separate prompts; those about the same object in ``decoded`` share its tensors."""
        known: dict[int, tuple[ImagePrefix | None, Tensors]] = {}
        found = []
        for example, image in zip(examples, decoded, strict=True):
            ids = self._ids(example)
            if id(image) not in known and self._prefix and self._fixed_size and self._fixed_size.normalizes:
                known[id(image)] = self._prefix, {"pixel_values": self._fixed_size.normalize(np.asarray(image))}
            prefix, tensors = known.get(id(image), (None, {}))
            sequence = prefix and prefix.splice(ids)
            if not sequence:
                sequence, tensors = self._processed_alone(example, image)
                prefix = ImagePrefix.cut(image_token_id(self.processor), ids, sequence)
                known[id(image)] = prefix, tensors
                self._prefix = self._prefix or prefix
            found.append(Prompt(sequence, tensors))
        return found

    def training_batch(self, examples: Sequence[Example], decoded: Sequence[DecodedImage]) -> Tensors:
        """Return the tensors of prompts with their true answers, and ``labels`` on answer tokens only."""
        return self.with_true_answers(self.encode(examples, decoded), examples)

    def encode_answers(
        self, examples: Sequence[Example], decoded: Sequence[DecodedImage], answers: Sequence[str]
    ) -> Tensors:
        """Return the tensors of a batch of prompts with their answers, and ``labels`` on answer tokens only.

        Prompts are padded on the left and answers on the right: every prompt is encoded as for generation, and all
        answers begin at position S.

        Returns:
            The model's inputs and ``labels`` (B, S + A), -100 except at answer tokens and the end token.
        """
        return self.with_answers(self.encode(examples, decoded), answers)

    def with_answers(self, prompts: Tensors, answers: Sequence[str]) -> Tensors:
        """Return a batch of prompts with their answers (see `encode_answers`)."""
        return continued(prompts, [[(self.answer_ids(answer), True)] for answer in answers], self.pad_id)

    def with_true_answers(self, prompts: Tensors, examples: Sequence[Example]) -> Tensors:
        """Return a batch of examples' prompts with their true answers and the further turns of conversations.

        ``labels`` are at the tokens of every answer, with its end token; what a template writes between an answer and
        the next is not learned.
        """
        rows = []
        for example in examples:
            parts = [(self.answer_ids(example.answer), True)]
            for prompt, answer in example.turns:
                parts += [(self._further_ids(example, prompt), False), (self.answer_ids(answer), True)]
            rows.append(parts)
        return continued(prompts, rows, self.pad_id)

    def turn_lengths(self, texts: Sequence[tuple[str, str]]) -> list[int]:
        """Return the number of tokens that each turn, a prompt and its answer, adds to a conversation.

        Texts are counted alone, many at once, and what the template writes around them once.
        """
        around = len(self._answers.encode_prompt("?")) + len(self._answers.encode("?"))
        around -= 2 * len(self.tokenizer("?", add_special_tokens=False)["input_ids"])
        pieces = self.tokenizer(list(chain.from_iterable(texts)), add_special_tokens=False)["input_ids"]
        counts = [len(ids) for ids in pieces]
        return [around + prompt + answer for prompt, answer in zip(counts[::2], counts[1::2], strict=True)]

    def answer_ids(self, answer: str) -> tuple[int, ...]:
        """Return the tokens that the template writes for an answer after the prompt, end token included."""
        ids = self._answers.encode(answer)
        self._check_text(f"the answer {answer[:40]!r}", ids)
        return ids

    def _further_ids(self, example: Example, prompt: str) -> tuple[int, ...]:
        """Return the tokens between an answer and that of a further prompt in the same conversation."""
        ids = self._answers.encode_prompt(prompt)
        self._check_text(f"example {example.id}: its prompt {prompt[:40]!r}", ids)
        return ids

    def decode_answer(self, tokens: Sequence[int]) -> tuple[str, bool]:
        """Return the exact text of generated tokens, and whether it lacks an end token (truncated)."""
        return self._answers.decode(tokens)

    def _ids(self, example: Example) -> list[int]:
        """Return the tokens of a prompt in its chat template, with a single token for the image."""
        with explained(f"example {example.id}: its prompt cannot be written for this model"):
            text = self.prompt(example)
            ids: list[int] = self.tokenizer(text, add_special_tokens=not self._begins(text))["input_ids"]
        self._check_known(f"example {example.id}: its prompt", ids)
        return ids

    def _check_text(self, text: str, ids: Sequence[int]) -> None:
        """Refuse a text after the image that would be taken for a second image, or that the model does not know."""
        if image_token_id(self.processor) in ids:
            written = self.processor.image_token
            raise ModelError(f"{text} holds {written}, which stands for an image; leave out the row, or {written}")
        self._check_known(text, ids)

    def _check_known(self, text: str, ids: Sequence[int]) -> None:
        """Refuse tokens that the model has no embedding for, which a GPU would only report as a crash."""
        largest = largest_embedded(self.processor, ids)
        if self.vocabulary is not None and largest >= self.vocabulary:
            raise ModelError(
                f"{text} has token {largest}, and the model has embeddings for {self.vocabulary:,} tokens only; "
                "tokenizer, config.json and weights must come from one checkpoint"
            )

    def _begins(self, text: str) -> bool:
        """Whether a template wrote the begin token: the tokenizer must not add it again."""
        return self.tokenizer.bos_token is not None and text.startswith(self.tokenizer.bos_token)

    def _processed_alone(self, example: Example, image: DecodedImage) -> tuple[dict[str, np.ndarray], Tensors]:
        """Return the processor's output for one example: the arrays of its sequence, and its image tensors."""
        tensors = self._processed([example], [image])
        shape = tensors.pop("attention_mask").shape
        sequence = {name: tensors.pop(name)[0].numpy() for name in list(tensors) if tensors[name].shape == shape}
        return sequence, tensors

    def _processed(self, examples: Sequence[Example], decoded: Sequence[DecodedImage]) -> Tensors:
        """Return the processor's own output for a batch; an error names the example that causes it.

        Raises:
            ModelError: If the processor refuses an example, e.g. an image that is far longer than wide.
        """
        try:
            with explained(f"example {examples[0].id}: the model's processor refuses it"):
                return self._processed_together(examples, decoded)
        except ModelError:
            if len(examples) > 1:
                for example, image in zip(examples, decoded, strict=True):
                    self._processed([example], [image])
            raise

    def _processed_together(self, examples: Sequence[Example], decoded: Sequence[DecodedImage]) -> Tensors:
        texts = [self.prompt(example) for example in examples]
        return dict(
            self.processor(
                text=texts,
                images=[[image] for image in decoded],
                **({"do_resize": False} if self._fixed_size else {}),
                add_special_tokens=not self._begins(texts[0]),
                padding=True,
                padding_side="left",
                truncation=False,
                return_tensors="pt",
            )
        )


def _size(image: DecodedImage) -> tuple[int, ...]:
    return image.size if isinstance(image, Image.Image) else image.shape


def _same(tensors: Tensors, others: Tensors) -> bool:
    return tensors.keys() == others.keys() and all(torch.equal(tensors[name], others[name]) for name in tensors)
