"""What the nano bases are taught: pictures with many turns of question and answer each, as tensors.

Axes: B pictures, T tokens, P patches (row-major), L looked-at tokens.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from ninefold.nano import captioner
from ninefold.nano.build import PATCH, SIDE
from ninefold.nano.world import INKS, Item, Picture, draw, photo_like, plain
from ninefold.questions.prompt import prompt
from ninefold.scenes.vocabulary import SHAPES
from ninefold.space import LABELS

PATCHES = SIDE // PATCH
"""Patches along a side."""

TEXT = 136
"""Text tokens a picture's turns may fill."""

TASKS = ("where", "point", "what", "is there", "caption")
"""The kinds of turn, by their number in `Lesson.task_BT`."""


@dataclass(frozen=True)
class Lesson:
    """A batch of pictures with their turns."""

    pixels_BCHW: Tensor
    """Pictures, normalized as the processor does."""
    ids_BT: Tensor
    """Tokens, padded on the right."""
    labels_BT: Tensor
    """The tokens to be predicted, -100 elsewhere."""
    task_BT: Tensor
    """Which of `TASKS` a label belongs to."""
    look_at_L2: Tensor
    """(picture, token) of every token that names or points at a thing."""
    look_for_LP: Tensor
    """Which patches that thing covers."""


class Turn(NamedTuple):
    """One question about a picture, with its answer."""

    task: str
    """One of `TASKS`."""
    question: str
    """What is asked."""
    named: str
    """The question up to the end of what names, or points at, a thing."""
    item: Item | None
    """That thing, where there is one."""
    answer: str
    """What is to be said."""


class Teacher:
    """Writes turns about pictures with a tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.pad, self.eos, self.image, self.user, self.assistant = (
            int(tokenizer.convert_tokens_to_ids(token))
            for token in ("<pad>", "<eos>", "<image>", "<user>", "<assistant>")
        )

        @lru_cache(maxsize=200_000)
        def encode(text: str) -> tuple[int, ...]:
            return tuple(tokenizer.encode(text, add_special_tokens=False))

        self.encode = encode

    def lesson(self, rng: np.random.Generator, pictures: list[Picture]) -> Lesson:
        """Ask about pictures until each one's turns fill `TEXT` tokens."""
        images = PATCHES * PATCHES
        ids = np.full((len(pictures), images + TEXT), self.pad)
        labels = np.full_like(ids, -100)
        tasks = np.zeros_like(ids)
        look_at: list[tuple[int, int]] = []
        look_for: list[np.ndarray] = []
        for b, picture in enumerate(pictures):
            end = 0
            while True:
                task, text, named, item, answer = turn(rng, picture)
                before = [self.user] + ([self.image] * images if end == 0 else [])
                asked = [*before, *self.encode(text), self.assistant]
                answered = [*self.encode(answer), self.eos]
                start, stop = end + len(asked), end + len(asked) + len(answered)
                if stop > ids.shape[1]:
                    break
                ids[b, end:stop] = asked + answered
                labels[b, start:stop] = answered
                tasks[b, start:stop] = TASKS.index(task)
                if item is not None:
                    look_at.append((b, end + len(before) + len(self.encode(named)) - 1))
                    look_for.append(_patches_of(item))
                end = stop
        return Lesson(
            pixels(pictures),
            torch.from_numpy(ids),
            torch.from_numpy(labels),
            torch.from_numpy(tasks),
            torch.tensor(look_at, dtype=torch.long).reshape(-1, 2),
            torch.from_numpy(np.array(look_for, np.float32).reshape(-1, images)),
        )


def turn(rng: np.random.Generator, picture: Picture) -> Turn:
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


def _where(rng: np.random.Generator, item: Item) -> Turn:
    question = f"Where is the {item.name}?"
    answer = captioner.place(rng, item.x, item.y)
    if rng.random() < 0.65:
        return Turn("where", question, question[:-1], item, answer)
    text = prompt(question, [LABELS[i] for i in rng.permutation(9)])
    return Turn("where", text, text[: text.index("?")], item, answer)


def pictures_at(
    rng: np.random.Generator, textures: list[np.ndarray], batch: int, counts: tuple[int, int], photos: float
) -> list[Picture]:
    """Return a batch of pictures with ``counts`` (fewest, most) things, a fraction ``photos`` of them photo-like."""
    made = []
    for _ in range(batch):
        count = int(rng.integers(counts[0], counts[1] + 1))
        made.append(photo_like(rng, count, textures) if rng.random() < photos else plain(rng, count))
    return made


def pixels(pictures: list[Picture]) -> Tensor:
    """Draw pictures as the processor would hand them to the model, (B, 3, SIDE, SIDE)."""
    images = torch.from_numpy(np.stack([draw(picture, SIDE, SIDE) for picture in pictures]))
    return images.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def naming_targets(pictures: list[Picture]) -> tuple[Tensor, Tensor, Tensor]:
    """Return what is centered in every patch.

    Returns:
        shape_BP and color_BP, class numbers with 0 for nothing, and offset_BP2, the center within its patch in [0, 1].
    """
    shape = np.zeros((len(pictures), PATCHES * PATCHES), np.int64)
    color = np.zeros_like(shape)
    offset = np.zeros((*shape.shape, 2), np.float32)
    names = list(SHAPES)
    for b, picture in enumerate(pictures):
        for item in picture.items:
            across, down = item.x * PATCHES, item.y * PATCHES
            p = min(int(down), PATCHES - 1) * PATCHES + min(int(across), PATCHES - 1)
            shape[b, p], color[b, p] = 1 + names.index(item.shape), 1 + INKS.index(item.color)
            offset[b, p] = across % 1, down % 1
    return torch.from_numpy(shape), torch.from_numpy(color), torch.from_numpy(offset)


def _patches_of(item: Item) -> np.ndarray:
    centers = (np.arange(PATCHES) + 0.5) / PATCHES
    across = np.abs(centers - item.x) <= max(item.w / 2, 0.5 / PATCHES)
    down = np.abs(centers - item.y) <= max(item.h / 2, 0.5 / PATCHES)
    return np.outer(down, across).ravel()
