"""Image features computed once for each distinct image: the output of a frozen vision tower never changes.

They are shared over epochs, seeds, option orders and conditions: in memory if they fit, and on disk if they do not or
if a folder is given. Each image is encoded separately: its features depend on nothing else.

Axes: B examples, T positions of an image in a sequence, D width of the language model.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import psutil  # type: ignore[import-untyped]
import torch
import xxhash
from transformers.modeling_outputs import BaseModelOutputWithPooling

from ninefold import images, store
from ninefold.errors import ModelError
from ninefold.models import compat
from ninefold.models.compute.prefetch import batch_per_core, prefetch
from ninefold.models.protocol import Trainable
from ninefold.models.vision_features.store import DISK_BYTES, FeatureStore
from ninefold.models.vlm.prompt import Prompt, Tensors
from ninefold.models.vlm.reference import to_device
from ninefold.types import Example, ImageSource, Scene

MEMORY_SHARE = 0.25
"""Fraction of the free memory that features may take."""

TOLERANCE = 1e-4
"""Largest relative difference between the losses from features and from pixels, in single precision."""

TOLERANCE_HALF = 0.05
"""Largest relative difference in half precision."""

_stores: WeakKeyDictionary[Any, FeatureStore] = WeakKeyDictionary()
"""The feature store of each open network; several trainings of one network share it."""


@dataclass(frozen=True)
class FeatureInput:
    """An example with features instead of pixels, as input of a model."""

    prompt: Prompt | None
    """Its tokens, with the image tensors that determine positions; ``None`` for a dual encoder."""
    features_TD: torch.Tensor
    """The features of its image, (T, D); (D) for a dual encoder."""


class _Group(NamedTuple):
    """Examples about one image."""

    name: str
    """Name of the image's features."""
    examples: list[Example]


class FeatureModel(ABC):
    """A model that takes features instead of pixels; training uses it like the model itself."""

    image_bytes = None
    """None: prepared images need no memory besides the store's."""

    def __init__(self, model: Trainable, examples: Sequence[Example], *, folder: Path | None = None) -> None:
        """Wrap a model with a frozen vision tower.

        Args:
            model: The model; its vision tower and projector must stay those of its checkpoint.
            examples: All examples of the training; the first is tried with pixels and with features.
            folder: The folder of the feature store; by default memory if all fit, otherwise the user's cache.

        Raises:
            ModelError: If it cannot take features, they would need a gradient, or they take too much space.
        """
        self.model = model
        self.encoder = self
        self.cost = model.encoder.cost
        self._prompts: dict[tuple[str, str], Prompt | None] = {}
        self._names: dict[ImageSource, str] = {}
        identity = [{**model.identity, "name": None}, dict(model.image_settings), type(model.model).__name__]
        self._identity = store.content_id(identity, 16)
        self._store = self._opened(examples, self._tried(examples[0]).nbytes, folder)

    def prepare(
        self, examples: Iterable[Example], watch: Callable[[Iterable[Example]], Iterable[Example]] = iter
    ) -> None:
        """Compute the features of examples that are not stored yet, in one pass that keeps no image in memory.

        Args:
            examples: Examples in any order; consecutive ones about one image share its preprocessing.
            watch: A function that yields the examples of the pass unchanged, such as a progress bar.

        Raises:
            DataError: If an image cannot be read.
        """

        def encoded(group: _Group) -> tuple[_Group, list[Prompt | None], Tensors]:
            return group, *self._encoded(group.examples)

        def computed(made: tuple[_Group, list[Prompt | None], Tensors]) -> None:
            group, prompts, image = made
            self._store.get(group.name, lambda: self._computed(image))
            for example, prompt in zip(group.examples, prompts, strict=True):
                self._prompts[group.name, example.prompt] = prompt

        groups = self._new_groups(watch(examples))
        if batch_per_core(self.model.model):
            steps: Iterable[None] = prefetch(lambda group: computed(encoded(group)), groups)
        else:
            steps = map(computed, prefetch(encoded, groups))
        deque(steps, maxlen=0)

    def image(self, example: Example) -> FeatureInput:
        """Return the prompt and the features of a prepared example."""
        name = self._name(example.image)
        features_TD = self._store.get(name, lambda: self._computed(self._encoded([example])[1]))
        return FeatureInput(self._prompts[name, example.prompt], features_TD)

    @abstractmethod
    def training_batch(self, examples: Sequence[Example], inputs: Sequence[FeatureInput]) -> Tensors:
        """Return the tensors of a batch, with ``features`` instead of pixels."""

    @abstractmethod
    def losses(self, network: Any, batch: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the result of the model's own `losses`, from features."""

    @abstractmethod
    def _encoded(self, group: Sequence[Example]) -> tuple[list[Prompt | None], Tensors]:
        """Return the prompts of examples about one image, and the vision tower's inputs of that image."""

    def _new_groups(self, examples: Iterable[Example]) -> Iterator["_Group"]:
        """Yield the examples not prepared yet, with consecutive ones about one image in one group."""
        seen = set(self._prompts)
        for image, group in groupby(examples, attrgetter("image")):
            name = self._name(image)
            new = {example.prompt: example for example in group if (name, example.prompt) not in seen}
            if new:
                seen.update((name, prompt) for prompt in new)
                yield _Group(name, list(new.values()))

    def _tried(self, example: Example) -> torch.Tensor:
        """Return the features of an example, after checking that they give the same loss as its pixels."""
        model, network = self.model, self.model.model
        prompts, image = self._encoded([example])
        features_TD = self._features(image)
        if features_TD.requires_grad:
            raise ModelError(f"{model.name}: its vision is trained: its features change with every step")
        shown = FeatureInput(prompts[0], features_TD.cpu())
        plain = model.training_batch([example], [model.encoder.image(example)])
        with torch.no_grad():
            loss_K, _ = self.losses(network, to_device(network, self.training_batch([example], [shown])))
            plain_K, _ = model.losses(network, to_device(network, plain))
        if not torch.allclose(loss_K, plain_K, rtol=TOLERANCE if network.dtype == torch.float32 else TOLERANCE_HALF):
            raise ModelError(f"{model.name}: sees more of a picture than its features tell")
        return shown.features_TD

    def _opened(self, examples: Sequence[Example], size: int, folder: Path | None) -> FeatureStore:
        network = self.model.model
        kept = _stores.get(network)
        # An image is as large as it is, however much is asked about it.
        alone = (replace(example, turns=(), answer="") for example in examples)
        costs = {self._name(example.image): self.cost(example) for example in alone}
        needed = int(size * sum(costs.values()) / costs[self._name(examples[0].image)])
        held = 0 if kept is None else kept.held
        memory = int(MEMORY_SHARE * (psutil.virtual_memory().available + held))
        if folder is None and needed > memory:
            folder = store.user_cache() / "features"
        if folder is not None and needed > DISK_BYTES:
            raise ModelError(
                f"{self.model.name}: features of {len(costs):,} pictures take about {needed >> 30} GiB, and at most "
                f"{DISK_BYTES >> 30} are kept"
            )
        if kept is None or kept.folder != folder:
            kept = _stores[network] = FeatureStore(memory=memory, folder=folder)
        return kept

    def _name(self, image: ImageSource) -> str:
        """Return the name of an image's features; names are cached for images that are not in memory."""
        if isinstance(image, bytes):
            return f"{xxhash.xxh3_128_hexdigest(image)}-{self._identity}"
        if image not in self._names:
            content = images.open_pil(image).tobytes() if isinstance(image, Scene) else image.read_bytes()
            self._names[image] = self._name(content)
        return self._names[image]

    def _computed(self, image: Tensors) -> torch.Tensor:
        # Not in inference mode: these tensors become part of an autograd graph.
        with torch.no_grad():
            return self._features(image).cpu()

    def _features(self, image: Tensors) -> torch.Tensor:
        seen = self.model.model.get_image_features(**to_device(self.model.model, image), return_dict=True).pooler_output
        return torch.cat(list(seen))


class VlmFeatureModel(FeatureModel):
    """A vision-language model with features at the positions of the image tokens."""

    def training_batch(self, examples: Sequence[Example], inputs: Sequence[FeatureInput]) -> Tensors:
        """Return the tensors of a batch: ``features`` (of all images, D) and ``lengths`` (B) instead of pixels."""
        encoder = self.model.encoder
        prompts = encoder.join([shown.prompt for shown in inputs if shown.prompt])
        batch: Tensors = encoder.with_true_answers(prompts, examples)
        features = [shown.features_TD for shown in inputs]
        return {**batch, "features": torch.cat(features), "lengths": torch.tensor([len(part) for part in features])}

    def losses(self, network: Any, batch: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the result of the model's own `losses`, from features."""
        others = {name: value for name, value in batch.items() if name not in ("features", "lengths")}
        parts = list(torch.split(batch["features"], batch["lengths"].tolist()))
        seen = {"image": BaseModelOutputWithPooling(pooler_output=parts)}
        found: tuple[torch.Tensor, torch.Tensor] = self.model.losses(network, {**others, "mm_encoder_outputs": seen})
        return found

    def _encoded(self, group: Sequence[Example]) -> tuple[list[Prompt | None], Tensors]:
        encoder, image = self.model.encoder, self.model.encoder.image(group[0])
        prompts = encoder.prompts(group, [image] * len(group))
        kept = {name: value for name, value in prompts[0].image.items() if name in self.model.family.position_inputs}
        return [Prompt(prompt.sequence, kept) for prompt in prompts], prompts[0].image

    def _tried(self, example: Example) -> torch.Tensor:
        name, network = self.model.name, self.model.model
        if not compat.takes_image_features(network):
            raise ModelError(f"{name}: {type(network).__name__} takes no features, only pixels")
        if not self.model.encoder.splices([example], [self.model.encoder.image(example)]):
            raise ModelError(f"{name}: its prompts cannot be spliced, which features need")
        return super()._tried(example)


class ClipFeatureModel(FeatureModel):
    """A dual encoder; the features of an image are its vector in the space shared with texts."""

    def training_batch(self, examples: Sequence[Example], inputs: Sequence[FeatureInput]) -> Tensors:
        """Return the tensors of a batch, with ``features`` (B, D) instead of pixels."""
        features_BD = torch.stack([shown.features_TD for shown in inputs])
        return {**self.model.encoder.training_texts(examples), "features": features_BD}

    def losses(self, network: Any, batch: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the result of the model's own `losses`, which also takes features."""
        found: tuple[torch.Tensor, torch.Tensor] = self.model.losses(network, batch)
        return found

    def _encoded(self, group: Sequence[Example]) -> tuple[list[Prompt | None], Tensors]:
        encoder = self.model.encoder
        return [None] * len(group), {"pixel_values": encoder.pixels([encoder.image(group[0])])}


def feature_model(model: Trainable, examples: Sequence[Example], *, folder: Path | None = None) -> FeatureModel:
    """Return a model of either kind, wrapped to take features instead of pixels (see `FeatureModel`)."""
    return (ClipFeatureModel if model.family.kind == "dual" else VlmFeatureModel)(model, examples, folder=folder)
