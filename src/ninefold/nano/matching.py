"""The stages of a base that chooses the nearest text: which of nine places is said of a thing, and what there is.

Axes: B pictures, Q questions, T texts, N patches, D width.
"""

import torch
from torch.nn import functional

from ninefold.nano import captioner
from ninefold.nano.architectures import clip
from ninefold.nano.curriculum import naming_targets, pictures_at
from ninefold.nano.recipe import Pretraining, Stage, one_cycle
from ninefold.nano.spec import PretrainSpec
from ninefold.nano.talking import Naming
from ninefold.nano.world import KINDS
from ninefold.seeding import rng
from ninefold.space import LABELS

NAMES = tuple(f"{color} {shape}" for color, shape in KINDS)
"""Everything there is, by name."""

PLACES = tuple(f"Where is the {name}? {label}" for name in NAMES for label in LABELS)
"""Every answer to every question after a place, nine of a thing in a row."""

THINGS = tuple(f"a {name}" for name in NAMES)
"""What a picture may show."""


class Matching(Pretraining):
    """The recipe of a dual encoder."""

    helpers: Naming

    def __init__(self, spec: PretrainSpec) -> None:
        torch.manual_seed(spec.seed + 1)
        super().__init__(spec, clip.SHAPE, Naming())
        tokenizer = self.processor.tokenizer
        self.texts = dict(tokenizer([*PLACES, *THINGS], padding=True, padding_side="right", return_tensors="pt"))

    def stages(self) -> tuple[Stage, ...]:
        """Return the only stage there is."""
        return ((self.shape.lengths.talk if self.spec.steps is None else self.spec.steps, self._match),)

    def _match(self, done: float) -> dict[str, float]:
        """Learn one step of choosing texts for pictures; ``done`` is the fraction of the stage behind us."""
        spec = self.spec
        random = rng(spec.seed, "nano", "match", self.step)
        # A single vector has to say where everything is: one thing first, as several teach nothing at the start.
        most = 1 + max(0, int((done - 0.3) * 6))
        pictures = pictures_at(random, self.textures, spec.eye_batch, (1, most), photos=min(0.1 + done, 0.5))
        inputs, boxes = self.teacher.show(pictures, self.shape.sizes[0])
        asked = [(b, item) for b, picture in enumerate(pictures) for item in picture.named_once()]
        picture_Q = torch.tensor([b for b, _ in asked])
        name_Q = torch.tensor([NAMES.index(item.name) for _, item in asked])
        place_Q = torch.tensor([LABELS.index(captioner.place(random, item.x, item.y)) for _, item in asked])
        there_BT = torch.zeros(len(pictures), len(NAMES))
        for b, picture in enumerate(pictures):
            there_BT[b, [NAMES.index(item.name) for item in picture.items]] = 1
        with torch.autocast("cpu", torch.bfloat16):
            seen = self.model.vision_model(pixel_values=inputs["pixel_values"])
            looks_BD = functional.normalize(self.model.visual_projection(seen.pooler_output).float(), dim=-1)
            said = self.model.get_text_features(**self.texts).pooler_output
            says_TD = functional.normalize(said.float(), dim=-1)
            logits_BT = self.model.logit_scale.exp() * looks_BD @ says_TD.T
            places_BT9 = logits_BT[:, : len(PLACES)].unflatten(1, (len(NAMES), len(LABELS)))
            where_Q9 = places_BT9[picture_Q, name_Q].float()
            where = functional.cross_entropy(where_Q9, place_Q)
            # What is there should be nearer than what is not, by as much as the picture's own things differ.
            things_BT = logits_BT[:, len(PLACES) :].float()
            what = -(things_BT.log_softmax(1) * there_BT).sum(1).div(there_BT.sum(1)).mean()
            targets = naming_targets(pictures, boxes)
            naming, named = self.helpers.loss(seen.last_hidden_state[:, 1:], targets)
        loss = where + 0.3 * what + 0.3 * naming
        rate = spec.rate * one_cycle(done)
        self.descend(loss, 0.5 * rate, rate)
        with torch.no_grad():
            self.model.logit_scale.clamp_(max=4.6052)
        right = (where_Q9.argmax(1) == place_Q).float().mean().item()
        return {"loss": loss.item(), "where": right, "what": what.item(), **named}
