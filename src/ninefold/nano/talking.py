"""The stages of a base that writes: naming, placing, talking.

Axes: B pictures, T tokens, N image tokens, L looked-at tokens, D width, V vocabulary.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from ninefold.nano import build
from ninefold.nano.architectures.catalog import SHAPES
from ninefold.nano.curriculum import TASKS, Lesson, naming_targets, pictures_at
from ninefold.nano.recipe import Pretraining, Stage, one_cycle
from ninefold.nano.spec import PretrainSpec
from ninefold.nano.world import INKS
from ninefold.scenes.vocabulary import SHAPES as FORMS
from ninefold.seeding import rng

LOOKING_LAYERS = (1, 2)
"""Decoder layers whose first head is shown where to look."""

PATCHES = build.SIDE // build.PATCH
"""Patches along a square picture's side: the unit of a missed place."""

_TEXT = frozenset({"input_ids", "attention_mask", "mm_token_type_ids"})


class Naming(nn.Module):
    """Linear heads on image tokens: which shape and color is centered here, and where."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.Linear(build.WIDTH, len(FORMS) + 1 + len(INKS) + 1 + 2)
        self.placing = nn.Linear(build.WIDTH, 2)

    def loss(self, features_BND: Tensor, targets: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of naming, and how often shape and color are named right where there is a thing."""
        shape_BN, color_BN, offset_BN2 = targets
        shape, color, offset = self.heads(features_BND).float().split((len(FORMS) + 1, len(INKS) + 1, 2), -1)
        # Nearly every patch is empty; a light weight on "nothing" is what lets shapes be learned at all.
        shape_loss = functional.cross_entropy(shape.flatten(0, 1), shape_BN.flatten(), _background(0.004, len(FORMS)))
        color_loss = functional.cross_entropy(color.flatten(0, 1), color_BN.flatten(), _background(0.01, len(INKS)))
        there = shape_BN > 0
        offset_loss = functional.l1_loss(offset[there], offset_BN2[there])
        named = {
            "shape": (shape[there].argmax(-1) == shape_BN[there]).float().mean().item(),
            "color": (color[there].argmax(-1) == color_BN[there]).float().mean().item(),
            "offset": offset_loss.item(),
        }
        return shape_loss + color_loss + offset_loss, named

    def misplaced(self, states_BND: Tensor, targets: tuple[Tensor, Tensor, Tensor], boxes_N4: Tensor) -> Tensor:
        """Return how far off, in patches, the places in the whole picture are that tokens with a thing tell."""
        shape_BN, _, offset_BN2 = targets
        there = shape_BN > 0
        corner_N2, size_N2 = boxes_N4[:, :2], boxes_N4[:, 2:] - boxes_N4[:, :2]
        place_BN2 = corner_N2 + offset_BN2 * size_N2
        # In patches, for a miss within a patch to count at all.
        return PATCHES * functional.l1_loss(self.placing(states_BND[there]).float(), place_BN2[there])


class Talking(Pretraining):
    """The recipe of a base that writes."""

    helpers: Naming

    def __init__(self, spec: PretrainSpec) -> None:
        torch.manual_seed(spec.seed + 1)
        super().__init__(spec, SHAPES[spec.family], Naming())
        self.image_id = int(self.processor.tokenizer.convert_tokens_to_ids(self.shape.image_token))

    def stages(self) -> tuple[Stage, ...]:
        """Return naming, placing and talking, each as long as the specification or the shape says."""
        spec, lengths = self.spec, self.shape.lengths
        return (
            (lengths.eye if spec.eye_steps is None else spec.eye_steps, partial(self._see, placing=False)),
            (lengths.place if spec.place_steps is None else spec.place_steps, partial(self._see, placing=True)),
            (lengths.talk if spec.steps is None else spec.steps, self._talk),
        )

    def _see(self, done: float, *, placing: bool) -> dict[str, float]:
        """Learn one step of naming what is in crowded pictures; ``done`` is the fraction of the stage behind us."""
        spec = self.spec
        if placing and done == 0:
            self._give_places()
        random = rng(spec.seed, "nano", "eyes", self.step)
        # Crowded pictures, as every thing is a lesson for the eyes; plain ones first, since shapes are found on them
        # several times sooner than in photo-like ones, and are known there from then on.
        photos = 0.6 if placing else min(max((done - 0.3) * 1.5, 0.0), 0.6)
        most = 28 if self.shape.graft is None else 14
        pictures = pictures_at(random, self.textures, spec.eye_batch, (most // 4, most), photos)
        inputs, boxes = self.teacher.show(pictures, self.size(random))
        with torch.autocast("cpu", torch.bfloat16):
            seen = {name: tensor for name, tensor in inputs.items() if name not in _TEXT}
            found = self.model.model.get_image_features(**seen, return_dict=True).pooler_output
            features_BND, targets = torch.stack(list(found)), naming_targets(pictures, boxes)
            loss, named = self.helpers.loss(features_BND, targets)
            if placing:
                missed = self.helpers.misplaced(features_BND, targets, torch.from_numpy(boxes))
                named["place"] = missed.item()
                loss = loss + 0.3 * missed
        rate = (spec.place_rate if placing else spec.eye_rate) * one_cycle(done)
        self.descend(loss, rate, rate)
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
        lesson = self.teacher.lesson(random, pictures, self.size(random))
        places_N = (lesson.inputs["input_ids"][0] == self.image_id).nonzero()[:, 0]
        with torch.autocast("cpu", torch.bfloat16):
            out = self.model(**lesson.inputs, output_attentions=True, output_hidden_states=True, use_cache=False)
            loss, measured = _talk_loss(out.logits, lesson)
            helping = min(1.0, 1.6 - 2 * done)
            if helping > 0:
                looked = _looking_loss(out.attentions, lesson, places_N)
                measured["looking"] = looked.item()
                loss = loss + spec.looking * helping * looked
            targets = naming_targets(pictures, lesson.boxes)
            naming, named = self.helpers.loss(out.hidden_states[0][:, places_N], targets)
            states_BND = out.hidden_states[self.shape.places_after][:, places_N]
            missed = self.helpers.misplaced(states_BND, targets, torch.from_numpy(lesson.boxes))
            named["place"] = missed.item()
            # Rotated positions have to be worked out from attention, which takes more persuasion than reading them.
            loss = loss + spec.naming * (naming + (1.0 if self.shape.places_after else 0.3) * missed)
        rate = spec.rate * one_cycle(done)
        # What the eyes know they keep, and refine slowly.
        self.descend(loss, 0.25 * rate, rate)
        return {"loss": loss.item(), **measured, **named}


def _talk_loss(logits_BTV: Tensor, lesson: Lesson) -> tuple[Tensor, dict[str, float]]:
    """Return the mean loss over answer tokens, and how often the tokens of each task are predicted right."""
    labels, tasks = lesson.labels_BT[:, 1:], lesson.task_BT[:, 1:]
    answered = labels != -100
    logits, wanted, tasks = logits_BTV[:, :-1][answered].float(), labels[answered], tasks[answered]
    right = (logits.argmax(-1) == wanted).float()
    measured = {task: right[tasks == i].mean().item() for i, task in enumerate(TASKS)}
    return functional.cross_entropy(logits, wanted), measured


def _looking_loss(attentions: tuple[Tensor, ...], lesson: Lesson, places_N: Tensor) -> Tensor:
    """Return how little the first heads look where they should when a name ends.

    In the first layer that is the word before (a shape's color), in `LOOKING_LAYERS` the patches of the thing named.
    """
    b, t = lesson.look_at_L2.T
    looks = [attentions[layer][b, 0, t][:, places_N].float() for layer in LOOKING_LAYERS]
    found = [(look * lesson.look_for_LN).sum(-1) for look in looks]
    before = attentions[0][b, 0, t, t - 1].float()
    return torch.stack([-amount.clamp_min(1e-5).log().mean() for amount in (before, *found)]).mean()


def _background(weight: float, classes: int) -> Tensor:
    return torch.tensor([weight, *[1.0] * classes])
