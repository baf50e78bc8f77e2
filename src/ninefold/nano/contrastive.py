"""Pretraining of a dual encoder: the nearest text names an object's position, one of nine, or an object of the image.

Axes: B images, Q questions, T texts, N patches, D width.
"""

import torch
from torch.nn import functional

from ninefold.nano import captioner
from ninefold.nano.architectures.catalog import ARCHITECTURES
from ninefold.nano.heads import ImageTokenHeads
from ninefold.nano.loop import Pretraining, Stage, one_cycle
from ninefold.nano.spec import PretrainSpec
from ninefold.nano.targets import token_targets
from ninefold.nano.world import KINDS, random_images
from ninefold.seeding import rng
from ninefold.space import LABELS

NAMES = tuple(f"{color} {shape}" for color, shape in KINDS)
"""The names of all objects."""

POSITION_TEXTS = tuple(f"Where is the {name}? {label}" for name in NAMES for label in LABELS)
"""Every answer to every question about a position, the nine of one object in a row."""

OBJECT_TEXTS = tuple(f"a {name}" for name in NAMES)
"""Every object that an image may show."""


class ContrastivePretraining(Pretraining):
    """The pretraining of a dual encoder."""

    heads: ImageTokenHeads

    def __init__(self, spec: PretrainSpec) -> None:
        torch.manual_seed(spec.seed + 1)
        super().__init__(spec, ARCHITECTURES[spec.family], ImageTokenHeads())
        texts = [*POSITION_TEXTS, *OBJECT_TEXTS]
        self.texts = dict(self.processor.tokenizer(texts, padding=True, padding_side="right", return_tensors="pt"))

    def stages(self) -> tuple[Stage, ...]:
        """Return the only stage there is."""
        asked = self.spec.language_steps
        return ((self.architecture.steps.language if asked is None else asked, self._matching_step),)

    def _matching_step(self, done: float) -> dict[str, float]:
        """Train for one step to choose texts for images; ``done`` is the finished fraction of the stage."""
        spec = self.spec
        random = rng(spec.seed, "nano", "match", self.step)
        # One vector has to encode all positions: single objects first, because several teach nothing at the start.
        most = 1 + max(0, int((done - 0.3) * 6))
        images = random_images(random, self.textures, spec.vision_batch, (1, most), photos=min(0.1 + done, 0.5))
        inputs, boxes = self.batcher.start(images, self.architecture.sizes[0])
        asked = [(b, item) for b, image in enumerate(images) for item in image.named_once()]
        image_Q = torch.tensor([b for b, _ in asked])
        name_Q = torch.tensor([NAMES.index(item.name) for _, item in asked])
        position_Q = torch.tensor([LABELS.index(captioner.position(random, item.x, item.y)) for _, item in asked])
        there_BT = torch.zeros(len(images), len(NAMES))
        for b, image in enumerate(images):
            there_BT[b, [NAMES.index(item.name) for item in image.items]] = 1
        with torch.autocast("cpu", torch.bfloat16):
            seen = self.model.vision_model(pixel_values=inputs["pixel_values"])
            image_BD = functional.normalize(self.model.visual_projection(seen.pooler_output).float(), dim=-1)
            text = self.model.get_text_features(**self.texts).pooler_output
            text_TD = functional.normalize(text.float(), dim=-1)
            logits_BT = self.model.logit_scale.exp() * image_BD @ text_TD.T
            positions_BT9 = logits_BT[:, : len(POSITION_TEXTS)].unflatten(1, (len(NAMES), len(LABELS)))
            where_Q9 = positions_BT9[image_Q, name_Q].float()
            where = functional.cross_entropy(where_Q9, position_Q)
            # All objects of an image share the probability, because each of their texts is right.
            objects_BT = logits_BT[:, len(POSITION_TEXTS) :].float()
            what = -(objects_BT.log_softmax(1) * there_BT).sum(1).div(there_BT.sum(1)).mean()
            objects, measured = self.heads.object_loss(seen.last_hidden_state[:, 1:], token_targets(images, boxes))
        loss = where + 0.3 * what + 0.3 * objects
        rate = spec.language_rate * one_cycle(done)
        self.update(loss, 0.5 * rate, rate)
        with torch.no_grad():
            self.model.logit_scale.clamp_(max=4.6052)
        right = (where_Q9.argmax(1) == position_Q).float().mean().item()
        return {"loss": loss.item(), "where": right, "what": what.item(), **measured}
