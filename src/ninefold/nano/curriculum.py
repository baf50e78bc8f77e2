"""What the nano bases are taught: pictures with many turns of question and answer each, as tensors.

Axes: B pictures, T tokens, N image tokens (in the order of the sequence), L looked-at tokens.
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
from ninefold.nano.architecture import Shape
from ninefold.nano.world import INKS, KINDS, WorldImage, WorldThing, draw, photo_like, plain
from ninefold.questions.prompt import prompt
from ninefold.scenes.vocabulary import SHAPES
from ninefold.seeding import rng
from ninefold.space import LABELS

TEXT = 136
"""Text tokens a picture's turns may fill."""

TASKS = ("where", "point", "what", "is there", "caption")
"""The kinds of turn, by their number in `Lesson.task_BT`."""


@dataclass(frozen=True)
class Lesson:
    """A batch of pictures with their turns."""

    inputs: dict[str, Tensor]
    """What the model's forward takes, padded on the right."""
    boxes: NDArray[np.float32]
    """What each image token shows, (N, 4) as `ninefold.nano.architecture.Shape.boxes` says."""
    labels_BT: Tensor
    """The tokens to be predicted, -100 elsewhere."""
    task_BT: Tensor
    """Which of `TASKS` a label belongs to."""
    look_at_L2: Tensor
    """(picture, token) of every token that names or points at a thing."""
    look_for_LN: Tensor
    """Which image tokens show that thing."""


class Turn(NamedTuple):
    """One question about a picture, with its answer."""

    task: str
    """One of `TASKS`."""
    question: str
    """What is asked."""
    named: str
    """The question up to the end of what names, or points at, a thing."""
    item: WorldThing | None
    """That thing, where there is one."""
    answer: str
    """What is to be said."""


class Teacher:
    """Writes turns about pictures, as a shape's processor and chat template do."""

    def __init__(self, shape: Shape, processor: Any) -> None:
        self.shape = shape
        self.processor = processor
        self.pad, self.eos, self.user, self.assistant = (
            int(processor.tokenizer.convert_tokens_to_ids(token))
            for token in ("<pad>", "<eos>", "<user>", "<assistant>")
        )

        @lru_cache(maxsize=200_000)
        def encode(text: str) -> tuple[int, ...]:
            return tuple(processor.tokenizer.encode(text, add_special_tokens=False))

        self.encode = encode

    def show(self, pictures: list[WorldImage], size: tuple[int, int]) -> tuple[dict[str, Tensor], NDArray[np.float32]]:
        """Draw pictures at a size and open a conversation about each.

        Returns:
            What the model's forward takes, and what each image token shows.
        """
        drawn = [[Image.fromarray(draw(picture, *size))] for picture in pictures]
        inputs = dict(self.processor(text=[self.shape.opening] * len(drawn), images=drawn, return_tensors="pt"))
        return inputs, self.shape.boxes(inputs)

    def lesson(self, random: np.random.Generator, pictures: list[WorldImage], size: tuple[int, int]) -> Lesson:
        """Ask about pictures until each one's turns fill `TEXT` tokens."""
        inputs, boxes = self.show(pictures, size)
        opening = inputs["input_ids"].shape[1]
        ids = np.full((len(pictures), TEXT), self.pad)
        labels = np.full_like(ids, -100)
        tasks = np.zeros_like(ids)
        look_at: list[tuple[int, int]] = []
        look_for: list[NDArray[np.float32]] = []
        for b, picture in enumerate(pictures):
            end = 0
            while True:
                task, text, named, item, answer = turn(random, picture)
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
                    look_at.append((b, opening + end + len(before) + len(self.encode(named)) - 1))
                    look_for.append(shows(boxes, item))
                end = stop
        turns_BT = torch.from_numpy(ids)
        more = {"input_ids": turns_BT, "attention_mask": (turns_BT != self.pad).long()}
        nothing = torch.zeros_like(turns_BT)
        for name, tensor in inputs.items():
            if tensor.shape == (len(pictures), opening):
                inputs[name] = torch.cat([tensor, more.get(name, nothing)], 1)
        ahead = (opening, 0)
        return Lesson(
            inputs,
            boxes,
            torch.nn.functional.pad(torch.from_numpy(labels), ahead, value=-100),
            torch.nn.functional.pad(torch.from_numpy(tasks), ahead),
            torch.tensor(look_at, dtype=torch.long).reshape(-1, 2),
            torch.from_numpy(np.array(look_for, np.float32).reshape(-1, len(boxes))),
        )


def turn(rng: np.random.Generator, picture: WorldImage) -> Turn:
    """Ask something about a picture, and answer it."""
    unique = picture.named_once()
    task = rng.random()
    if not unique or task > 0.97:
        return Turn("caption", "Describe the picture.", "", None, captioner.caption(rng, picture, 4))
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
    name = f"{INKS[rng.integers(len(INKS))]} {tuple(SHAPES)[rng.integers(len(SHAPES))]}"
    there = any(other.name == name for other in picture.items)
    return Turn("is there", f"Is there a {name}?", "", None, "yes" if there else "no")


def _where(rng: np.random.Generator, item: WorldThing) -> Turn:
    question = f"Where is the {item.name}?"
    answer = captioner.place(rng, item.x, item.y)
    if rng.random() < 0.65:
        return Turn("where", question, question[:-1], item, answer)
    text = prompt(question, [LABELS[i] for i in rng.permutation(9)])
    return Turn("where", text, text[: text.index("?")], item, answer)


def pictures_at(
    rng: np.random.Generator, textures: list[np.ndarray], batch: int, counts: tuple[int, int], photos: float
) -> list[WorldImage]:
    """Return a batch of pictures with ``counts`` (fewest, most) things, a fraction ``photos`` of them photo-like."""
    made = []
    for _ in range(batch):
        count = int(rng.integers(counts[0], counts[1] + 1))
        made.append(photo_like(rng, count, textures) if rng.random() < photos else plain(rng, count))
    return made


def naming_targets(pictures: list[WorldImage], boxes: NDArray[np.float32]) -> tuple[Tensor, Tensor, Tensor]:
    """Return what is centered in every image token's part of the picture; of several things, the foremost.

    Returns:
        shape_BN and color_BN, class numbers with 0 for nothing and -100 for tokens that show nothing, and offset_BN2,
        the center within that part in [0, 1].
    """
    left, top, right, bottom = boxes.T
    empty = right <= left
    shape = np.zeros((len(pictures), len(boxes)), np.int64)
    shape[:, empty] = -100
    color = shape.copy()
    offset = np.zeros((*shape.shape, 2), np.float32)
    names = list(SHAPES)
    for b, picture in enumerate(pictures):
        for item in picture.items:
            there = (left <= item.x) & (item.x < right) & (top <= item.y) & (item.y < bottom)
            shape[b, there], color[b, there] = 1 + names.index(item.shape), 1 + INKS.index(item.color)
            offset[b, there, 0] = ((item.x - left) / np.maximum(right - left, 1e-6))[there]
            offset[b, there, 1] = ((item.y - top) / np.maximum(bottom - top, 1e-6))[there]
    return torch.from_numpy(shape), torch.from_numpy(color), torch.from_numpy(offset)


def shows(boxes: NDArray[np.float32], item: WorldThing) -> NDArray[np.float32]:
    """Return 1 for the image tokens whose center lies on a thing, or which are nearest to it, 0 elsewhere."""
    left, top, right, bottom = boxes.T
    width, height = right - left, bottom - top
    across = np.abs((left + right) / 2 - item.x) <= np.maximum(item.w, width) / 2
    down = np.abs((top + bottom) / 2 - item.y) <= np.maximum(item.h, height) / 2
    found: NDArray[np.float32] = (across & down & (width > 0)).astype(np.float32)
    return found


def corpus(seed: int, textures: list[np.ndarray]) -> list[str]:
    """Return text like that of the lessons, from which the tokenizer learns its words."""
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
