"""Training batches of the language stage: images with several questions and answers each, as tensors.

Axes: B images, T tokens, N image tokens (in the order of the sequence), L name-ending tokens.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ninefold.nano import captioner
from ninefold.nano.architecture import Architecture
from ninefold.nano.targets import shown_by
from ninefold.nano.world import INKS, KINDS, OUTLINES, WorldImage, WorldThing, draw, photo_like
from ninefold.questions.prompt import prompt
from ninefold.seeding import rng
from ninefold.space import LABELS

TEXT = 136
"""Maximum number of text tokens of one image's conversation."""

TASKS = ("where", "point", "what", "is there", "caption")
"""The kinds of question; `Batch.task_BT` holds their indices."""


@dataclass(frozen=True)
class Batch:
    """A batch of images with their conversations."""

    inputs: dict[str, Tensor]
    """The model's inputs, padded on the right."""
    boxes: NDArray[np.float32]
    """The part of the image that each image token shows, (N, 4), as `Architecture.boxes` returns it."""
    labels_BT: Tensor
    """The tokens to be predicted, -100 elsewhere."""
    task_BT: Tensor
    """The task of each label, as an index into `TASKS`."""
    attend_from_L2: Tensor
    """(image, token) of every token that ends the name, or the coordinates, of an object."""
    attend_to_LN: Tensor
    """1 for the image tokens that show that object, 0 elsewhere."""


class Turn(NamedTuple):
    """One question about an image, with its answer."""

    task: str
    """One of `TASKS`."""
    question: str
    """The text of the question."""
    named: str
    """The question up to the end of the object's name or coordinates."""
    item: WorldThing | None
    """The object, if there is one."""
    answer: str
    """The text of the answer."""


class Batcher:
    """The maker of batches, in the format of a family's processor and chat template."""

    def __init__(self, architecture: Architecture, processor: Any) -> None:
        self.architecture = architecture
        self.processor = processor
        self.pad, self.eos, self.user, self.assistant = (
            int(processor.tokenizer.convert_tokens_to_ids(token))
            for token in ("<pad>", "<eos>", "<user>", "<assistant>")
        )

        @lru_cache(maxsize=200_000)
        def encode(text: str) -> tuple[int, ...]:
            return tuple(processor.tokenizer.encode(text, add_special_tokens=False))

        self.encode = encode

    def start(self, images: list[WorldImage], size: tuple[int, int]) -> tuple[dict[str, Tensor], NDArray[np.float32]]:
        """Draw images at a size and start a conversation about each.

        Returns:
            The model's inputs, and the part of the image that each image token shows, (N, 4).
        """
        drawn = [[Image.fromarray(draw(image, *size))] for image in images]
        inputs = dict(
            self.processor(text=[self.architecture.prompt_start] * len(drawn), images=drawn, return_tensors="pt")
        )
        return inputs, self.architecture.boxes(inputs)

    def batch(self, random: np.random.Generator, images: list[WorldImage], size: tuple[int, int]) -> Batch:
        """Return images with as many questions and answers as fit into `TEXT` tokens."""
        inputs, boxes = self.start(images, size)
        opening = inputs["input_ids"].shape[1]
        ids = np.full((len(images), TEXT), self.pad)
        labels = np.full_like(ids, -100)
        tasks = np.zeros_like(ids)
        attend_from: list[tuple[int, int]] = []
        attend_to: list[NDArray[np.float32]] = []
        for b, image in enumerate(images):
            end = 0
            while True:
                task, text, named, item, answer = turn(random, image)
                before = [self.user] if end else []
                asked = [*before, *self.encode(text), self.assistant]
                answered = [*self.encode(answer), self.eos]
                start, stop = end + len(asked), end + len(asked) + len(answered)
                if stop > TEXT:
                    break
                ids[b, end:stop] = asked + answered
                labels[b, start:stop] = answered
                tasks[b, start:stop] = TASKS.index(task)
                if item is not None:
                    attend_from.append((b, opening + end + len(before) + len(self.encode(named)) - 1))
                    attend_to.append(shown_by(boxes, item))
                end = stop
        turns_BT = torch.from_numpy(ids)
        more = {"input_ids": turns_BT, "attention_mask": (turns_BT != self.pad).long()}
        nothing = torch.zeros_like(turns_BT)
        for name, tensor in inputs.items():
            if tensor.shape == (len(images), opening):
                inputs[name] = torch.cat([tensor, more.get(name, nothing)], 1)
        ahead = (opening, 0)
        return Batch(
            inputs,
            boxes,
            torch.nn.functional.pad(torch.from_numpy(labels), ahead, value=-100),
            torch.nn.functional.pad(torch.from_numpy(tasks), ahead),
            torch.tensor(attend_from, dtype=torch.long).reshape(-1, 2),
            torch.from_numpy(np.array(attend_to, np.float32).reshape(-1, len(boxes))),
        )


def turn(rng: np.random.Generator, image: WorldImage) -> Turn:
    """Return a random question about an image, with its answer."""
    unique = image.named_once()
    task = rng.random()
    if not unique or task > 0.97:
        return Turn("caption", "Describe the picture.", "", None, captioner.caption(rng, image, 4))
    item = unique[rng.integers(len(unique))]
    if task < 0.50:
        return _where(rng, item)
    if task < 0.75:
        return Turn("point", f"Point to the {item.name}.", f"Point to the {item.name}", item, captioner.point(item))
    if task < 0.92:
        what = f"What is at {captioner.point(item)}"
        return Turn("what", f"{what}?", what, item, item.name)
    if rng.random() < 0.5:
        return Turn("is there", f"Is there a {item.name}?", f"Is there a {item.name}", item, "yes")
    name = f"{INKS[rng.integers(len(INKS))]} {tuple(OUTLINES)[rng.integers(len(OUTLINES))]}"
    there = any(other.name == name for other in image.items)
    return Turn("is there", f"Is there a {name}?", "", None, "yes" if there else "no")


def _where(rng: np.random.Generator, item: WorldThing) -> Turn:
    question = f"Where is the {item.name}?"
    answer = captioner.position(rng, item.x, item.y)
    if rng.random() < 0.65:
        return Turn("where", question, question[:-1], item, answer)
    text = prompt(question, [LABELS[i] for i in rng.permutation(9)])
    return Turn("where", text, text[: text.index("?")], item, answer)


def corpus(seed: int, textures: list[np.ndarray]) -> list[str]:
    """Return text like that of the conversations, to train the tokenizer on."""
    random = rng(seed, "nano", "corpus")
    lines = []
    for _ in range(2000):
        color, shape = KINDS[random.integers(len(KINDS))]
        options = [LABELS[i] for i in random.permutation(9)]
        lines.append(prompt(f"Where is the {color} {shape}?", options) + f"\n{options[0]}\n{color} {shape}")
        lines.append(f"Point to the {color} {shape}. What is at {random.integers(100):02d} {random.integers(100):02d}?")
        lines.append(f"Is there a {color} {shape}? yes\nno\nDescribe the picture.")
        lines.append(captioner.caption(random, photo_like(random, 4, textures)))
    return lines
