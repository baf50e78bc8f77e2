"""Example -> chat messages -> tensors, for any processor of transformers. The image always comes before the text.

Axes: B examples, S positions of the prompt, A positions of the answer; H and W of a picture. Nothing is ever truncated.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers.image_processing_backends import PilBackend

from ninefold import images
from ninefold.errors import DataError
from ninefold.models.compute import resize
from ninefold.models.vlm.prompt import Head, Prompt, Tensors, join
from ninefold.types import Example, ImageSource

DecodedImage = Image.Image | np.ndarray
"""A decoded picture; where the model sees a fixed size, already of that size, as (H, W, 3) uint8."""

IGNORED = -100
"""The label of a position that no answer stands at."""

_PIXELS_PER_TOKEN = 28 * 28
_LETTERS_PER_TOKEN = 4


class Encoder:
    """What stands between examples and a model: its processor, its chat template and its end token."""

    def __init__(self, processor: Any, end_ids: Sequence[int]) -> None:
        """Wrap a processor; ``end_ids`` are the tokens that end an answer, the tokenizer's own if there are none."""
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.end_ids = tuple(end_ids) or (self.tokenizer.eos_token_id,)
        pad = self.tokenizer.pad_token_id
        self.pad_id: int = self.end_ids[0] if pad is None else pad
        if pad is None:
            self.tokenizer.pad_token_id = self.pad_id
        self._fixed_size = _fixed_size(processor.image_processor)
        self._levels = _levels(processor.image_processor, self._fixed_size)
        self._head: Head | None = None
        self._equal: dict[bool, bool] = {}
        self._answers: dict[str, tuple[int, ...]] = {}

    def image(self, example: Example) -> DecodedImage:
        """Decode an example's picture, and resize it where every picture is resized to the same size.

        Resized here, exactly as the processor would, a picture can be kept at a hundredth of its pixels.

        Raises:
            DataError: If the picture cannot be read.
        """
        try:
            picture = images.open_pil(example.image)
        except DataError as error:
            raise DataError(f"example {example.id}: {error}") from error
        if self._fixed_size is None:
            return picture
        return np.asarray(resize.resize(picture, self._fixed_size, self.processor.image_processor.resample))

    @property
    def image_bytes(self) -> int | None:
        """What `image` returns takes in memory, where pictures have one size; ``None`` where they differ."""
        return None if self._fixed_size is None else 3 * self._fixed_size[0] * self._fixed_size[1]

    def cost(self, example: Example) -> float:
        """Return about how long an example's prompt is, in tokens of its picture and text, without decoding anything.

        Only ratios and order matter. Pictures of one size cost all the same, which is left out.
        """
        width, height = (0, 0) if self._fixed_size else images.size(example.image, name=f"example {example.id}")
        return width * height / _PIXELS_PER_TOKEN + len(example.prompt) / _LETTERS_PER_TOKEN

    def images(self, examples: Sequence[Example]) -> list[DecodedImage]:
        """Decode the pictures of examples, each distinct one once."""
        found: dict[ImageSource, DecodedImage] = {}
        for example in examples:
            if example.image not in found:
                found[example.image] = self.image(example)
        return [found[example.image] for example in examples]

    def prompt(self, example: Example) -> str:
        """Return the exact text of an example's prompt, as its chat template writes it."""
        return str(self.processor.apply_chat_template([_user(example.prompt)], add_generation_prompt=True))

    def encode(self, examples: Sequence[Example], pictures: Sequence[DecodedImage]) -> Tensors:
        """Return the tensors of a batch of prompts, padded on the left, ready to generate from.

        They are what the processor returns for the whole batch, made faster: each distinct object among ``pictures`` is
        prepared once.
        """
        if self.splices(examples, pictures):
            return join(self.prompts(examples, pictures), self.pad_id)
        return self._processed(examples, pictures)

    def splices(self, examples: Sequence[Example], pictures: Sequence[DecodedImage]) -> bool:
        """Whether `prompts`, joined, are what the processor itself returns for a batch.

        That is looked up when pictures of one size, and when pictures of several sizes, are first met in a batch.
        """
        other = next((place for place, picture in enumerate(pictures) if _size(picture) != _size(pictures[0])), None)
        mixed = other is not None
        if mixed not in self._equal:
            # The first is asked something longer as well, so that there is something to splice and to pad.
            tried = [examples[0], replace(examples[0], prompt=f"{examples[0].prompt} Answer:"), examples[other or 0]]
            shown = [pictures[0], pictures[0], pictures[other or 0]]
            self._equal[mixed] = _same(join(self.prompts(tried, shown), self.pad_id), self._processed(tried, shown))
        return self._equal[mixed]

    def joins(self, examples: Sequence[Example]) -> bool:
        """Whether `prompts` of these examples may be joined to batches; see `splices`."""
        sizes = {(0, 0): examples[0]}
        if self._fixed_size is None:
            sizes = {images.size(example.image, name=f"example {example.id}"): example for example in examples}
        mixed = len(sizes) > 1
        if mixed not in self._equal:
            tried = list(sizes.values())[: 2 if mixed else 1]
            self.splices(tried, self.images(tried))
        return self._equal[mixed]

    def prompts(self, examples: Sequence[Example], pictures: Sequence[DecodedImage]) -> list[Prompt]:
        """Return prompts one by one; those about the same object among ``pictures`` share its tensors."""
        seen: dict[int, tuple[Head | None, Tensors]] = {}
        found = []
        for example, picture in zip(examples, pictures, strict=True):
            ids = self._ids(example)
            if id(picture) not in seen and self._levels is not None and self._head:
                seen[id(picture)] = self._head, {"pixel_values": self._normalized(picture)}
            head, tensors = seen.get(id(picture), (None, {}))
            sequence = head and head.before(ids)
            if not sequence:
                sequence, tensors = self._parted(example, picture)
                image_id = self.tokenizer.convert_tokens_to_ids(getattr(self.processor, "image_token", None))
                head = Head.cut(image_id, ids, sequence)
                seen[id(picture)] = head, tensors
                self._head = self._head or head
            found.append(Prompt(sequence, tensors))
        return found

    def _ids(self, example: Example) -> list[int]:
        """Return the tokens of a prompt as its template writes it, with one for the picture."""
        text = self.prompt(example)
        ids: list[int] = self.tokenizer(text, add_special_tokens=not self._begins(text))["input_ids"]
        return ids

    def _begins(self, text: str) -> bool:
        """Whether a template wrote the token that begins every text: the tokenizer must not write it twice."""
        return self.tokenizer.bos_token is not None and text.startswith(self.tokenizer.bos_token)

    def _parted(self, example: Example, picture: DecodedImage) -> tuple[dict[str, np.ndarray], Tensors]:
        """Return what the processor makes of one example: what runs along the sequence, and the picture's tensors."""
        tensors = self._processed([example], [picture])
        shape = tensors.pop("attention_mask").shape
        sequence = {name: tensors.pop(name)[0].numpy() for name in list(tensors) if tensors[name].shape == shape}
        return sequence, tensors

    def _normalized(self, picture: DecodedImage) -> torch.Tensor:
        """Return a picture of the fixed size as the processor would, (1, 3, H, W)."""
        assert self._levels is not None
        pixels_HW3 = np.asarray(picture)
        values_3HW = np.empty((3, *pixels_HW3.shape[:2]), np.float32)
        for channel, levels in enumerate(self._levels):
            np.take(levels, pixels_HW3[..., channel], out=values_3HW[channel], mode="clip")
        return torch.from_numpy(values_3HW)[None]

    def _processed(self, examples: Sequence[Example], pictures: Sequence[DecodedImage]) -> Tensors:
        """Return what the processor itself makes of a batch."""
        texts = [self.prompt(example) for example in examples]
        return dict(
            self.processor(
                text=texts,
                images=[[picture] for picture in pictures],
                **({"do_resize": False} if self._fixed_size else {}),
                add_special_tokens=not self._begins(texts[0]),
                padding=True,
                padding_side="left",
                truncation=False,
                return_tensors="pt",
            )
        )

    def training_batch(self, examples: Sequence[Example], pictures: Sequence[DecodedImage]) -> Tensors:
        """Return the tensors of prompts with their true answers, and ``labels`` on the answers' tokens alone."""
        return self.encode_answers(examples, pictures, [example.answer for example in examples])

    def encode_answers(
        self, examples: Sequence[Example], pictures: Sequence[DecodedImage], answers: Sequence[str]
    ) -> Tensors:
        """Return the tensors of a batch of prompts with their answers, and ``labels`` on answer tokens alone.

        Prompts are padded on the left and answers on the right, so that every prompt is encoded as for generation and
        all answers begin at position S.

        Returns:
            The model's inputs and ``labels`` (B, S + A), `IGNORED` everywhere but at answer tokens and the end token.
        """
        return self.answered(self.encode(examples, pictures), answers)

    def answered(self, prompts: Tensors, answers: Sequence[str]) -> Tensors:
        """Return a batch of prompts with their answers, as `encode_answers` does."""
        batch, length = prompts["input_ids"].shape
        rows = [torch.tensor(self.answer_ids(answer)) for answer in answers]
        answers_BA = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=IGNORED)
        real_BA = answers_BA != IGNORED
        more = {"input_ids": answers_BA.masked_fill(~real_BA, self.pad_id), "attention_mask": real_BA.long()}
        # Whatever else runs along the sequence (token types) is zero at text, hence at answers.
        along = [name for name, tensor in prompts.items() if tensor.shape == (batch, length)]
        tensors = {name: torch.cat([prompts[name], more.get(name, torch.zeros_like(answers_BA))], 1) for name in along}
        labels = torch.cat([torch.full((batch, length), IGNORED), answers_BA], 1)
        return {**prompts, **tensors, "labels": labels}

    def read(self, tokens: Sequence[int]) -> tuple[str, bool]:
        """Return the text of generated tokens, word for word, and whether no end token stopped it."""
        end = next((place for place, token in enumerate(tokens) if token in self.end_ids), None)
        text = self.tokenizer.decode(tokens[:end], skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text, end is None

    def answer_ids(self, answer: str) -> tuple[int, ...]:
        """Return the tokens that the template writes after the prompt for an answer, up to and with the end token."""
        if answer not in self._answers:
            self._answers[answer] = self._answer_ids(answer)
        return self._answers[answer]

    def _answer_ids(self, answer: str) -> tuple[int, ...]:
        turns = [_user("?"), {"role": "assistant", "content": [{"type": "text", "text": answer}]}]
        prompt = str(self.processor.apply_chat_template(turns[:1], add_generation_prompt=True))
        whole = str(self.processor.apply_chat_template(turns))
        written = whole.removeprefix(prompt) if whole.startswith(prompt) else answer
        ends = {self.tokenizer.decode([end]): end for end in self.end_ids}
        places = {written.index(text): text for text in ends if text in written}
        end_id = self.end_ids[0] if not places else ends[places[min(places)]]
        text = written[: min(places, default=None)].rstrip()
        # A tokenizer may treat a first word in its own way: what counts is what follows the prompt.
        before = self.tokenizer(prompt, add_special_tokens=False)["input_ids"]
        after = self.tokenizer(prompt + text, add_special_tokens=False)["input_ids"]
        if after[: len(before)] != before:
            before, after = [], self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return (*after[len(before) :], end_id)


def _user(prompt: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt}]}


def _fixed_size(processor: Any) -> tuple[int, int] | None:
    """Return the (width, height) that a plain image processor first resizes every picture to, if there is one."""
    plain = isinstance(processor, PilBackend) and type(processor)._preprocess is PilBackend._preprocess
    if not (plain and processor.do_resize and processor.size.height and processor.size.width):
        return None
    return processor.size.width, processor.size.height


def _levels(processor: Any, fixed_size: tuple[int, int] | None) -> np.ndarray | None:
    """Return the value (3, 256) that an image processor gives each level of each channel.

    ``None`` where more than a pixel's own level decides its value, or pictures have no fixed size.
    """
    if fixed_size is None or math.prod(fixed_size) < 256:
        return None
    width, height = fixed_size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels.reshape(-1, 3)[:256] = np.arange(256)[:, None]
    found = processor([pixels], do_resize=False, return_tensors="np")
    if list(found) != ["pixel_values"] or found["pixel_values"].shape != (1, 3, height, width):
        return None
    values: np.ndarray = found["pixel_values"].reshape(3, -1)[:, :256]
    return np.ascontiguousarray(values, np.float32)


def _size(picture: DecodedImage) -> tuple[int, ...]:
    return picture.size if isinstance(picture, Image.Image) else picture.shape


def _same(tensors: Tensors, others: Tensors) -> bool:
    return tensors.keys() == others.keys() and all(torch.equal(tensors[name], others[name]) for name in tensors)
