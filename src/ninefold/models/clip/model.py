"""Dual encoders such as CLIP: they generate no text, but choose the text nearest to the image.

Axes: B examples, O options of an example, T distinct texts, S tokens of a text, D width of the shared space.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn, Self, TypeVar

import numpy as np
import torch
from torch.nn.functional import cross_entropy, normalize

from ninefold import images
from ninefold.errors import ModelError
from ninefold.models.checkpoint.messages import explained
from ninefold.models.checkpoint.network import open_checkpoint, open_network
from ninefold.models.clip.encoder import ClipEncoder, Text, open_encoder
from ninefold.models.compute.memory import MemoryLimit
from ninefold.models.compute.prefetch import batch_per_core, prefetch
from ninefold.models.families import Checkpoint
from ninefold.models.family import Family
from ninefold.models.protocol import ImageInput
from ninefold.models.spec import ModelSpec
from ninefold.models.vlm.image_input import image_settings
from ninefold.models.vlm.prompt import Tensors
from ninefold.models.vlm.reference import to_device
from ninefold.types import Example, ImageSource, Prediction

PICTURES = 32
"""Number of images in a batch."""

REMEMBERED = 4096
"""Number of questions whose text features are cached across calls: about 100 MB for the paper's CLIP."""

Item = TypeVar("Item")
Given = TypeVar("Given")
Made = TypeVar("Made")


class DualEncoder:
    """A CLIP with its encoder, perhaps with an adapter; implements `ninefold.models.protocol.Trainable`.

    As in the paper (section 5), each option gives a text, and the text most similar to the image is chosen.
    """

    def __init__(
        self, model: Any, encoder: ClipEncoder, *, checkpoint: Checkpoint, family: Family, identity: dict[str, object]
    ) -> None:
        """Wrap a loaded model; `load` is the usual way."""
        self.model = model
        self.encoder = encoder
        self.name = checkpoint.name
        self.checkpoint = checkpoint
        self.family = family
        self.identity = identity
        self.image_settings = image_settings(encoder.image_processor)
        self._remembered: dict[tuple[Text, ...], torch.Tensor] = {}
        self._memory: MemoryLimit[torch.Tensor] = MemoryLimit(checkpoint.name, "pictures", lambda _: "picture")

    @classmethod
    def load(cls, spec: ModelSpec | str) -> Self:
        """Open a model.

        Args:
            spec: The model and its options, or its name alone.

        Raises:
            ModelError: If the checkpoint or the adapter cannot be used; the message gives the reason.
        """
        spec = ModelSpec.of(spec)
        with explained(f"{spec.name}: cannot be opened as a dual encoder"):
            checkpoint, config = open_checkpoint(spec)
            family = checkpoint.family
            if family.kind != "dual":
                raise ModelError(
                    f"{checkpoint.name}: is no dual encoder, but a model that writes ({config.model_type})"
                )
            encoder = open_encoder(checkpoint, config, spec.texts)
            model, identity = open_network(checkpoint, config, spec, probe=partial(_trial_logits, encoder))
            assert identity["pictures"] == f"squeezed to {encoder.side} x {encoder.side}", identity
            return cls(model, encoder, checkpoint=checkpoint, family=family, identity=identity)

    def trial_logits(self, network: Any) -> torch.Tensor:
        """Return a network's logits for one short text and a blank image."""
        return _trial_logits(self.encoder, network)

    def with_network(self, network: Any, identity: Mapping[str, object]) -> Self:
        """Return this model with another network in place of its own, such as its own with an adapter."""
        return type(self)(
            network, self.encoder, checkpoint=self.checkpoint, family=self.family, identity=dict(identity)
        )

    def predict(self, examples: Sequence[Example], *, max_new_tokens: int = 15) -> list[Prediction]:
        """Answer with the option whose text is nearest to the image, in the given order; answers are never cut.

        Raises:
            DataError: If an image cannot be read.
            ModelError: If an example has no options, or a text is too long for the model.
        """
        return [
            Prediction(example.id, example.options[scores.index(max(scores))], scores=scores)
            for example, scores in zip(examples, self.choice_scores(examples), strict=True)
        ]

    def choice_scores(self, examples: Sequence[Example]) -> list[tuple[float, ...]]:
        """Return, for each example, the log-probability of each option: the log-softmax of the scaled similarities.

        Raises:
            DataError: If an image cannot be read.
            ModelError: If an example has no options, or a text is too long for the model.
        """
        texts = [self.encoder.texts(example) for example in examples]
        text_features = self._text_features([_distinct(ids) for ids in texts])
        image_features = self._image_features(examples)
        scale = self.model.logit_scale.detach().float().exp().cpu()
        scores = []
        for example, ids in zip(examples, texts, strict=True):
            together = _distinct(ids)
            features_OD = text_features[together][[together.index(text) for text in ids]]
            logits_O = scale * features_OD @ image_features[example.image]
            scores.append(tuple(logits_O.log_softmax(0).tolist()))
        return scores

    def hidden_states(self, examples: Sequence[Example]) -> NoReturn:
        """Raise an error: no layer of a dual encoder sees image and question together.

        Raises:
            ModelError: Always.
        """
        raise ModelError(
            f"{self.name}: has no layer that sees picture and question together; probe a model that writes"
        )

    def image_input(self, example: Example) -> ImageInput:
        """Return the image input of an example, and the length of its longest text."""
        return ImageInput(
            image=images.size(example.image, name=f"example {example.id}"),
            pixels=(self.encoder.side, self.encoder.side),
            tiles=1,
            image_tokens=0,
            prompt_tokens=max(map(len, self.encoder.texts(example))),
        )

    def training_batch(self, examples: Sequence[Example], decoded: Sequence[np.ndarray]) -> Tensors:
        """Return the tensors of a batch, made by the encoder."""
        return self.encoder.training_batch(examples, decoded)

    def logits(
        self, network: Any, batch: Mapping[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the logits (B, O) of each image's options, its true option (B), and the rows 0 to B - 1.

        Options that an image does not have, because others have more, are minus infinity. Instead of ``pixel_values``
        the batch may hold ``features`` (B, D), the result of `get_image_features`.
        """
        texts, options_BO = {name: batch[name] for name in ("input_ids", "attention_mask")}, batch["options"]
        if "features" in batch:
            texts_TD = normalize(network.get_text_features(**texts).pooler_output, dim=-1)
            logits_BT = normalize(batch["features"], dim=-1) @ texts_TD.T * network.logit_scale.exp()
        else:
            logits_BT = network(**texts, pixel_values=batch["pixel_values"]).logits_per_image
        logits_BT = logits_BT.float()
        logits_BO = logits_BT.gather(1, options_BO.clamp(min=0)).masked_fill(options_BO < 0, -torch.inf)
        return logits_BO, batch["labels"], torch.arange(len(options_BO), device=options_BO.device)

    def losses(self, network: Any, batch: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the cross-entropies (B) of choosing each image's true text among its options, and the rows (B).

        CLIP's loss has two halves; this is the one that chooses a text for an image (the paper's section 5).
        """
        logits_BO, labels_B, rows_B = self.logits(network, batch)
        return cross_entropy(logits_BO, labels_B, reduction="none"), rows_B

    def _text_features(self, asked: Sequence[tuple[Text, ...]]) -> dict[tuple[Text, ...], torch.Tensor]:
        """Return the features (T, D) of sets of texts, of norm 1; results of earlier calls are reused.

        Each set is a separate batch: other questions cannot change its last bits, and predictions are the same wherever
        a run was interrupted.
        """
        first = list(self._remembered)[:1]
        new = [texts for texts in dict.fromkeys(asked) if texts not in self._remembered]
        features = dict(
            zip([*first, *new], self._each(self.encoder.padded, self.encoded_texts, [*first, *new]), strict=True)
        )
        # Features are valid until training or another adapter changes the weights; recomputing one set shows that.
        if first and not torch.equal(features[first[0]], self._remembered[first[0]]):
            self._remembered = {}
            return self._text_features(asked)
        known = {**self._remembered, **features}
        self._remembered = known if len(known) <= REMEMBERED else features
        return known

    def _image_features(self, examples: Sequence[Example]) -> dict[ImageSource, torch.Tensor]:
        """Return the features (D) of all images, of norm 1; each distinct image is encoded once."""
        distinct, batches = distinct_images(examples)
        features = [row for rows in self._each(self.pixels, self.encoded_images, batches) for row in rows]
        return dict(zip(distinct, features, strict=True))

    def pixels(self, examples: Sequence[Example]) -> torch.Tensor:
        """Return the pixels (B, 3, height, width) of the examples' images."""
        return self.encoder.pixels([self.encoder.image(example) for example in examples])

    @torch.inference_mode()
    def encoded_texts(self, inputs: Tensors) -> torch.Tensor:
        """Return the features (T, D) of padded texts, of norm 1."""
        on_device = {name: tensor.to(self.model.device) for name, tensor in inputs.items()}
        return normalize(self.model.get_text_features(**on_device).pooler_output.float(), dim=-1).cpu()

    def encoded_images(self, pixels_BCHW: torch.Tensor) -> list[torch.Tensor]:
        """Return the features (D) of each image, of norm 1, encoded together as far as memory allows."""
        return self._memory.run(self._encoded, pixels_BCHW)

    @torch.inference_mode()
    def _encoded(self, pixels_BCHW: torch.Tensor) -> list[torch.Tensor]:
        pixels = pixels_BCHW.to(self.model.device, self.model.dtype)
        return list(normalize(self.model.get_image_features(pixel_values=pixels).pooler_output.float(), dim=-1).cpu())

    def _each(
        self, prepare: Callable[[Item], Given], compute: Callable[[Given], Made], items: Sequence[Item]
    ) -> Iterator[Made]:
        """Compute on all items in order; preparation, and small models' computation on single cores, is prefetched."""
        if batch_per_core(self.model):
            return prefetch(lambda item: compute(prepare(item)), items)
        return map(compute, prefetch(prepare, items))


def _trial_logits(encoder: ClipEncoder, network: Any) -> torch.Tensor:
    logits: torch.Tensor = network(**to_device(network, encoder.trial_inputs())).logits_per_image
    return logits


def _distinct(texts: Sequence[Text]) -> tuple[Text, ...]:
    """Return texts in canonical order: every order of the same options is the same set."""
    return tuple(sorted(set(texts)))


def distinct_images(examples: Sequence[Example]) -> tuple[list[ImageSource], list[list[Example]]]:
    """Return the distinct images of examples in order of occurrence, and one example for each of them in batches."""
    distinct: dict[ImageSource, Example] = {}
    for example in examples:
        distinct.setdefault(example.image, example)
    shown = list(distinct.values())
    return list(distinct), [shown[start : start + PICTURES] for start in range(0, len(shown), PICTURES)]
