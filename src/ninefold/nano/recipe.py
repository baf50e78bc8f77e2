"""How a nano base is made: ``python -m ninefold.nano.pretrain --out DIR``; about an hour on 2 cores.

Stage 1 teaches the eyes: a linear head on every image token names the shape and the color of the thing centered there
and says where in its patch the center is. Stage 2 adds where in the whole picture it is, which the first stage has no
use for. Stage 3 teaches the whole model to talk: where things are (in a captioner's words), what is at a point,
pointing at a thing, yes and no, captions. While it learns, one attention head of three decoder layers is shown where to
look when a thing is named; that help and the heads on image tokens are gone at the end.

What is on disk is the state: after ``kill -9`` the same command goes on from the last checkpoint.
"""

import json
import math
import time
from dataclasses import asdict
from functools import partial

import numpy as np
import torch
import tyro
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional
from transformers import LlavaForConditionalGeneration

from ninefold import store
from ninefold.nano import build, captioner
from ninefold.nano.lessons import PATCHES, TASKS, Lesson, Teacher, naming_targets, pictures_at, pixels
from ninefold.nano.spec import PretrainSpec
from ninefold.nano.world import INKS, KINDS, photo_like, texture
from ninefold.questions.prompt import prompt
from ninefold.scenes.vocabulary import SHAPES
from ninefold.seeding import rng
from ninefold.space import LABELS

LOOKING_LAYERS = (1, 2)
"""Decoder layers whose first head is shown where to look."""


class Patches(nn.Conv2d):
    """The patch embedding as one matrix product: the same numbers as the strided convolution, several times faster."""

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """Return embeddings (B, D, rows, columns)."""
        b, c, h, w = pixels_BCHW.shape
        p = self.kernel_size[0]
        patches = pixels_BCHW.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 1, 3, 5).flatten(3)
        return functional.linear(patches, self.weight.flatten(1)).permute(0, 3, 1, 2)


class Naming(nn.Module):
    """Linear heads on image tokens: which shape and color is centered here, and where."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.Linear(build.WIDTH, len(SHAPES) + 1 + len(INKS) + 1 + 2)
        self.placing = nn.Linear(build.WIDTH, 2)

    def loss(
        self, features_BPD: Tensor, targets: tuple[Tensor, Tensor, Tensor], *, placing: bool
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the loss, and how often shape and color are named right where there is a thing.

        ``placing`` asks where in the whole picture the center is, too, not only where in its patch.
        """
        shape_BP, color_BP, offset_BP2 = targets
        shape, color, offset = self.heads(features_BPD).float().split((len(SHAPES) + 1, len(INKS) + 1, 2), -1)
        # Nearly every patch is empty; a light weight on "nothing" is what lets shapes be learned at all.
        shape_loss = functional.cross_entropy(shape.flatten(0, 1), shape_BP.flatten(), _background(0.004, len(SHAPES)))
        color_loss = functional.cross_entropy(color.flatten(0, 1), color_BP.flatten(), _background(0.01, len(INKS)))
        there = shape_BP > 0
        offset_loss = functional.l1_loss(offset[there], offset_BP2[there])
        loss = shape_loss + color_loss + offset_loss
        named = {
            "shape": (shape[there].argmax(-1) == shape_BP[there]).float().mean().item(),
            "color": (color[there].argmax(-1) == color_BP[there]).float().mean().item(),
            "offset": offset_loss.item(),
        }
        if placing:
            row, column = there.nonzero()[:, 1] // PATCHES, there.nonzero()[:, 1] % PATCHES
            place = (torch.stack([column, row], -1) + offset_BP2[there]) / PATCHES
            # In patches, for a miss within a patch to count at all.
            placing_loss = PATCHES * functional.l1_loss(self.placing(features_BPD[there]).float(), place)
            loss = loss + 0.3 * placing_loss
            named["place"] = placing_loss.item()
        return loss, named


class Pretraining:
    """A base in the making: model, helpers, optimizer and step, saved and restored as one."""

    def __init__(self, spec: PretrainSpec) -> None:
        self.spec = spec
        torch.manual_seed(spec.seed)
        textures_rng = rng(spec.seed, "nano", "textures")
        self.textures = [texture(textures_rng) for _ in range(spec.textures)]
        self.tokenizer = build.tokenizer(corpus(spec.seed, self.textures))
        self.teacher = Teacher(self.tokenizer)
        # Attention is supervised in the decoder, so it has to be computed where it can be seen; and the fused kernels'
        # backward pass is the slower one on CPU at this size.
        self.model: LlavaForConditionalGeneration = build.untrained(self.tokenizer, attn_implementation="eager")
        self.model.model.vision_tower.embeddings.patch_embedding.__class__ = Patches
        self.naming = Naming()
        self.eyes = [*self.model.model.vision_tower.parameters(), *self.naming.parameters()]
        seeing = {id(parameter) for parameter in self.eyes}
        self.mouth = [parameter for parameter in self.model.parameters() if id(parameter) not in seeing]
        self.step = 0
        self.optimizer = self._fresh_optimizer()

    def run(self) -> None:
        """Go from the last checkpoint to the finished base; a finished one stays as it is."""
        spec = self.spec
        decisive = {key: value for key, value in asdict(spec).items() if key not in {"out", "checkpoint_every"}}
        if store.open_run(spec.out, decisive):
            return
        self._restore()
        stages = (
            (spec.eye_steps, partial(self._see, placing=False)),
            (spec.place_steps, partial(self._see, placing=True)),
            (spec.steps, self._talk),
        )
        seen: list[dict[str, float]] = []
        begun, start = time.perf_counter(), 0
        for steps, learn in stages:
            while start <= self.step < start + steps:
                if self.step == start:
                    self.optimizer = self._fresh_optimizer()
                seen.append(learn((self.step - start) / steps))
                self.step += 1
                if self.step % 25 == 0:
                    self._log(seen, time.perf_counter() - begun)
                    seen = []
                if self.step % spec.checkpoint_every == 0:
                    self._checkpoint()
            start += steps
        with store.atomic_folder(spec.out / "base") as folder:
            build.save(folder, self.model, self.tokenizer)
        store.write_json(spec.out / "done.json", {"steps": self.step})

    def _log(self, seen: list[dict[str, float]], seconds: float) -> None:
        keys = sorted({key for row in seen for key in row})
        means = {key: round(float(np.nanmean([row.get(key, np.nan) for row in seen])), 4) for key in keys}
        line = json.dumps({"step": self.step, "seconds": round(seconds, 1), **means})
        with (self.spec.out / "log.jsonl").open("a") as log:
            log.write(line + "\n")
        print(line, flush=True)

    def _see(self, done: float, *, placing: bool) -> dict[str, float]:
        """Learn one step of naming what is in crowded pictures; ``done`` is the fraction of the stage behind us."""
        spec = self.spec
        if placing and done == 0:
            self._give_places()
        random = rng(spec.seed, "nano", "eyes", self.step)
        # Crowded pictures, as every thing is a lesson for the eyes; plain ones first, since shapes are found on them
        # several times sooner than in photo-like ones, and are known there from then on.
        photos = 0.6 if placing else min(max((done - 0.3) * 1.5, 0.0), 0.6)
        pictures = pictures_at(random, self.textures, spec.eye_batch, (6, 28), photos)
        with torch.autocast("cpu", torch.bfloat16):
            seen = self.model.model.get_image_features(pixel_values=pixels(pictures), return_dict=True).pooler_output
            loss, named = self.naming.loss(torch.stack(list(seen)), naming_targets(pictures), placing=placing)
        rate = (spec.place_rate if placing else spec.eye_rate) * one_cycle(done)
        self._descend(loss, rate, rate)
        return {"loss": loss.item(), **named}

    @torch.no_grad()
    def _give_places(self) -> None:
        """Begin the learned positions anew, as smooth waves across and down the picture.

        The random ones of the start are thirty times fainter than what is seen, and stage 1 leaves them so.
        """
        angles = (torch.arange(PATCHES) + 0.5)[:, None] / PATCHES * torch.logspace(0, 1.6, build.WIDTH // 4)
        waves = torch.cat([angles.sin(), angles.cos()], 1)
        down, across = waves.repeat_interleave(PATCHES, 0), waves.repeat(PATCHES, 1)
        positions = self.model.model.vision_tower.embeddings.position_embedding.weight
        positions[1:] = 0.5 * torch.cat([down, across], 1)

    def _talk(self, done: float) -> dict[str, float]:
        """Learn one step of talking about pictures; ``done`` is the fraction of the stage behind us."""
        spec = self.spec
        random = rng(spec.seed, "nano", "talk", self.step)
        # Several things from the start: alone in its picture, a thing is found without its name.
        most = 6 + min(int(done * 12), 6)
        pictures = pictures_at(random, self.textures, spec.batch, (1, most), photos=min(0.1 + done, 0.5))
        lesson = self.teacher.lesson(random, pictures)
        with torch.autocast("cpu", torch.bfloat16):
            out = self.model(
                input_ids=lesson.ids_BT,
                attention_mask=(lesson.ids_BT != self.teacher.pad).long(),
                pixel_values=lesson.pixels_BCHW,
                output_attentions=True,
            )
            loss, measured = _talk_loss(out.logits, lesson)
            helping = min(1.0, 1.6 - 2 * done)
            if helping > 0:
                looked = _looking_loss(out.attentions, lesson)
                measured["looking"] = looked.item()
                loss = loss + spec.looking * helping * looked
            features_BPD = out.image_hidden_states.reshape(len(pictures), -1, build.WIDTH)
            named_loss, named = self.naming.loss(features_BPD, naming_targets(pictures), placing=True)
            loss = loss + spec.naming * named_loss
        rate = spec.rate * one_cycle(done)
        # What the eyes know they keep, and refine slowly.
        self._descend(loss, 0.25 * rate, rate)
        return {"loss": loss.item(), **measured, **named}

    def _descend(self, loss: Tensor, eye_rate: float, mouth_rate: float) -> None:
        for group, rate in zip(self.optimizer.param_groups, (eye_rate, mouth_rate), strict=True):
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_([*self.eyes, *self.mouth], 1.0)
        self.optimizer.step()

    def _fresh_optimizer(self) -> torch.optim.AdamW:
        groups = [{"params": self.eyes}, {"params": self.mouth}]
        return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), weight_decay=0.01)

    def _checkpoint(self) -> None:
        tensors = {f"model.{k}": v for k, v in self.model.named_parameters()}
        tensors |= {f"naming.{k}": v for k, v in self.naming.named_parameters()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in state.items()}
        content = save({k: v.detach().contiguous().clone() for k, v in tensors.items()}, {"step": str(self.step)})
        store.write_bytes(self.spec.out / "checkpoint.safetensors", content)

    def _restore(self) -> None:
        path = self.spec.out / "checkpoint.safetensors"
        if not path.exists():
            return
        with safe_open(path, "pt") as file:
            self.step = int(file.metadata()["step"])
        tensors = load_file(path)
        with torch.no_grad():
            for prefix, module in (("model", self.model), ("naming", self.naming)):
                for name, parameter in module.named_parameters():
                    parameter.copy_(tensors[f"{prefix}.{name}"])
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            kind, _, rest = name.partition(".")
            if kind == "optimizer":
                index, _, key = rest.partition(".")
                state.setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})


def one_cycle(done: float, warm: float = 0.06) -> float:
    """Return the learning rate as a fraction of the highest: a linear rise, then a cosine to nothing."""
    return done / warm if done < warm else 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))


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


def _talk_loss(logits_BTV: Tensor, lesson: Lesson) -> tuple[Tensor, dict[str, float]]:
    """Return the mean loss over answer tokens, and how often the tokens of each task are predicted right."""
    labels, tasks = lesson.labels_BT[:, 1:], lesson.task_BT[:, 1:]
    answered = labels != -100
    logits, wanted, tasks = logits_BTV[:, :-1][answered].float(), labels[answered], tasks[answered]
    right = (logits.argmax(-1) == wanted).float()
    measured = {task: right[tasks == i].mean().item() for i, task in enumerate(TASKS)}
    return functional.cross_entropy(logits, wanted), measured


def _looking_loss(attentions: tuple[Tensor, ...], lesson: Lesson) -> Tensor:
    """Return how little the first heads look where they should when a name ends.

    In the first layer that is the word before (a shape's color), in `LOOKING_LAYERS` the patches of the thing named.
    """
    b, t = lesson.look_at_L2.T
    patches = lesson.look_for_LP.shape[1]
    looks = [attentions[layer][b, 0, t, 1 : 1 + patches].float() for layer in LOOKING_LAYERS]
    found = [(look * lesson.look_for_LP).sum(-1) for look in looks]
    before = attentions[0][b, 0, t, t - 1].float()
    return torch.stack([-amount.clamp_min(1e-5).log().mean() for amount in (before, *found)]).mean()


def _background(weight: float, classes: int) -> Tensor:
    return torch.tensor([weight, *[1.0] * classes])


if __name__ == "__main__":
    Pretraining(tyro.cli(PretrainSpec, description=__doc__)).run()
