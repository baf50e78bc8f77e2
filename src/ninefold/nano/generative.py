"""Pretraining of an image-text-to-text base, in three stages: vision, positions, language.

Axes: B images, T tokens, N image tokens, L name-ending tokens, D width, V vocabulary.
"""

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from ninefold.nano import base
from ninefold.nano.architectures.catalog import ARCHITECTURES
from ninefold.nano.conversations import TASKS, Batch
from ninefold.nano.heads import PATCHES, ImageTokenHeads
from ninefold.nano.loop import Pretraining, Stage, one_cycle
from ninefold.nano.spec import PretrainSpec
from ninefold.nano.targets import token_targets
from ninefold.nano.world import random_images
from ninefold.seeding import rng

ATTENTION_LAYERS = (1, 2)
"""Decoder layers whose first head is supervised to attend to the named object."""

_TEXT = frozenset({"input_ids", "attention_mask", "mm_token_type_ids"})


class GenerativePretraining(Pretraining):
    """The pretraining of a generative base."""

    heads: ImageTokenHeads

    def __init__(self, spec: PretrainSpec) -> None:
        torch.manual_seed(spec.seed + 1)
        super().__init__(spec, ARCHITECTURES[spec.family], ImageTokenHeads())
        self.image_id = int(self.processor.tokenizer.convert_tokens_to_ids(self.architecture.image_token))

    def stages(self) -> tuple[Stage, ...]:
        """Return the stages vision, positions and language, with steps from the specification or the architecture."""
        spec, steps = self.spec, self.architecture.steps
        return (
            (_given(spec.vision_steps, steps.vision), partial(self._vision_step, positions=False)),
            (_given(spec.position_steps, steps.position), partial(self._vision_step, positions=True)),
            (_given(spec.language_steps, steps.language), self._language_step),
        )

    def _vision_step(self, done: float, *, positions: bool) -> dict[str, float]:
        """Train the vision tower for one step on crowded images; ``done`` is the finished fraction of the stage."""
        spec = self.spec
        if positions and done == 0:
            self._reset_positions()
        # The names of random streams must not change: other names would give another base.
        random = rng(spec.seed, "nano", "eyes", self.step)
        # Crowded images, because every object is a target; plain ones first, because shapes are learned several times
        # faster on them than on photo-like ones, and then transfer.
        photos = 0.6 if positions else min(max((done - 0.3) * 1.5, 0.0), 0.6)
        most = 28 if self.architecture.initialize is None else 14
        images = random_images(random, self.textures, spec.vision_batch, (most // 4, most), photos)
        inputs, boxes = self.batcher.start(images, self.image_size(random))
        with torch.autocast("cpu", torch.bfloat16):
            pixels = {name: tensor for name, tensor in inputs.items() if name not in _TEXT}
            found = self.model.model.get_image_features(**pixels, return_dict=True).pooler_output
            features_BND, targets = torch.stack(list(found)), token_targets(images, boxes)
            loss, measured = self.heads.object_loss(features_BND, targets)
            if positions:
                error = self.heads.position_loss(features_BND, targets, torch.from_numpy(boxes))
                measured["position"] = error.item()
                loss = loss + 0.3 * error
        rate = (spec.position_rate if positions else spec.vision_rate) * one_cycle(done)
        self.update(loss, rate, rate)
        return {"loss": loss.item(), **measured}

    @torch.no_grad()
    def _reset_positions(self) -> None:
        """Replace the learned position embeddings by smooth waves across and down the image.

        The random initial ones are thirty times smaller than the patch embeddings, and stage 1 leaves them so.
        """
        angles = (torch.arange(PATCHES) + 0.5)[:, None] / PATCHES * torch.logspace(0, 1.6, base.WIDTH // 4)
        waves = torch.cat([angles.sin(), angles.cos()], 1)
        down, across = waves.repeat_interleave(PATCHES, 0), waves.repeat(PATCHES, 1)
        positions = self.model.model.vision_tower.embeddings.position_embedding.weight
        positions[1:] = 0.5 * torch.cat([down, across], 1)

    def _language_step(self, done: float) -> dict[str, float]:
        """Train the whole model for one step on conversations; ``done`` is the finished fraction of the stage."""
        spec = self.spec
        random = rng(spec.seed, "nano", "talk", self.step)
        # Several objects from the start: a single object could be found without reading its name.
        most = 6 + min(int(done * 12), 6)
        images = random_images(random, self.textures, spec.language_batch, (1, most), photos=min(0.1 + done, 0.5))
        batch = self.batcher.batch(random, images, self.image_size(random))
        image_tokens_N = (batch.inputs["input_ids"][0] == self.image_id).nonzero()[:, 0]
        with torch.autocast("cpu", torch.bfloat16):
            out = self.model(**batch.inputs, output_attentions=True, output_hidden_states=True, use_cache=False)
            loss, measured = _language_loss(out.logits, batch)
            fading = min(1.0, 1.6 - 2 * done)
            if fading > 0:
                attention = _attention_loss(out.attentions, batch, image_tokens_N)
                measured["attention"] = attention.item()
                loss = loss + spec.attention_weight * fading * attention
            targets = token_targets(images, batch.boxes)
            objects, accuracies = self.heads.object_loss(out.hidden_states[0][:, image_tokens_N], targets)
            layer = self.architecture.position_layer
            states_BND = out.hidden_states[layer][:, image_tokens_N]
            error = self.heads.position_loss(states_BND, targets, torch.from_numpy(batch.boxes))
            measured["position"] = error.item()
            # With rotary positions, attention must compute positions: that needs a stronger loss than learned ones.
            loss = loss + spec.heads_weight * (objects + (1.0 if layer else 0.3) * error)
        rate = spec.language_rate * one_cycle(done)
        # The vision tower is already trained and only refined.
        self.update(loss, 0.25 * rate, rate)
        return {"loss": loss.item(), **measured, **accuracies}


def _given(asked: int | None, default: int) -> int:
    return default if asked is None else asked


def _language_loss(logits_BTV: Tensor, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """Return the mean loss over answer tokens, and the token accuracy of each task."""
    labels, tasks = batch.labels_BT[:, 1:], batch.task_BT[:, 1:]
    answered = labels != -100
    logits, wanted, tasks = logits_BTV[:, :-1][answered].float(), labels[answered], tasks[answered]
    right = (logits.argmax(-1) == wanted).float()
    measured = {task: right[tasks == i].mean().item() for i, task in enumerate(TASKS)}
    return functional.cross_entropy(logits, wanted), measured


def _attention_loss(attentions: tuple[Tensor, ...], batch: Batch, image_tokens_N: Tensor) -> Tensor:
    """Return the mean negative log of the attention from the ends of names to their targets, in the first heads.

    In the first layer the target is the previous word (an object's color), in `ATTENTION_LAYERS` the image tokens of
    the named object.
    """
    b, t = batch.attend_from_L2.T
    weights = [attentions[layer][b, 0, t][:, image_tokens_N].float() for layer in ATTENTION_LAYERS]
    found = [(weight * batch.attend_to_LN).sum(-1) for weight in weights]
    before = attentions[0][b, 0, t, t - 1].float()
    return torch.stack([-amount.clamp_min(1e-5).log().mean() for amount in (before, *found)]).mean()
