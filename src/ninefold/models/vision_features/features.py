"""Image features computed once for each distinct image: the output of a frozen vision tower never changes.

They are shared over epochs, seeds, option orders and conditions: in memory where they fit, and on disk where they do
not or where a folder is given. Each image is encoded by itself, so that its features depend on nothing else.

Axes: B examples, T positions that an image takes in a sequence, D width of the language model.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
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
"""Share of the free memory that features may take."""

TOLERANCE = 1e-4
"""Largest relative difference of a loss from that of the pixels, in single precision."""

TOLERANCE_HALF = 0.05
"""The same in half precision."""

_stores: WeakKeyDictionary[Any, FeatureStore] = WeakKeyDictionary()
"""The feature store of each open network, so that several trainings of one network share its features."""


@dataclass(frozen=True)
class FeatureInput:
    """An example as a model takes it that is given features in place of pixels."""

    prompt: Prompt | None
    """Its tokens, with those of its image's tensors that positions are computed from; ``None`` for a dual encoder."""
    features_TD: torch.Tensor
    """The features of its image; (D) for a dual encoder."""


class FeatureModel(ABC):
    """A model that is given features in place of pixels; training uses it like the model itself."""

    image_bytes = None
    """No memory but the store's."""

    def __init__(self, model: Trainable, examples: Sequence[Example], *, folder: Path | None = None) -> None:
        """Wrap a model whose vision is frozen.

        Args:
            model: The model; its vision tower and projector must stay those of its checkpoint.
            examples: All examples of the training; the first of them is tried with pixels and with features.
            folder: The folder of the feature store; by default memory where all fit, and else the user's cache.

        Raises:
            ModelError: If it cannot be given features, they would have a gradient, or take too much room.
        """
        self.model = model
        self.encoder = self
        self.cost = model.encoder.cost
        self._prompts: dict[tuple[ImageSource, str], Prompt | None] = {}
        self._names: dict[ImageSource, str] = {}
        identity = [{**model.identity, "name": None}, dict(model.image_settings), type(model.model).__name__]
        self._identity = store.content_id(identity, 16)
        self._store = self._opened(examples, self._tried(examples[0]).nbytes, folder)

    def prepare(self, examples: Sequence[Example], watched: Callable[[Iterable[Any]], Iterable[Any]] = iter) -> None:
        """Compute the features of examples that are not stored yet; ``watched`` sees an item a distinct image pass.

        Raises:
            DataError: If an image cannot be read.
        """
        groups: dict[ImageSource, list[Example]] = {}
        for example in examples:
            groups.setdefault(example.image, []).append(example)

        def encoded(group: Sequence[Example]) -> tuple[Sequence[Example], list[Prompt | None], Tensors]:
            self._names[group[0].image] = self._name(group[0].image)
            return group, *self._encoded(group)

        def computed(made: tuple[Sequence[Example], list[Prompt | None], Tensors]) -> None:
            group, prompts, image = made
            self._store.get(self._names[group[0].image], lambda: self._computed(image))
            for example, prompt in zip(group, prompts, strict=True):
                self._prompts[example.image, example.prompt] = prompt

        if batch_per_core(self.model.model):
            steps: Iterable[None] = prefetch(lambda group: computed(encoded(group)), groups.values())
        else:
            steps = map(computed, prefetch(encoded, groups.values()))
        deque(watched(steps), maxlen=0)

    def image(self, example: Example) -> FeatureInput:
        """Return the prompt and the features of an example that was prepared."""
        prompt = self._prompts[example.image, example.prompt]
        name = self._names[example.image]
        return FeatureInput(prompt, self._store.get(name, lambda: self._computed(self._encoded([example])[1])))

    @abstractmethod
    def training_batch(self, examples: Sequence[Example], inputs: Sequence[FeatureInput]) -> Tensors:
        """Return the tensors of a batch, ``features`` in place of pixels."""

    @abstractmethod
    def losses(self, network: Any, batch: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the model's own `losses` returns, from features."""

    @abstractmethod
    def _encoded(self, group: Sequence[Example]) -> tuple[list[Prompt | None], Tensors]:
        """Return the prompts of examples about one image, and that image as the vision tower takes it."""

    def _tried(self, example: Example) -> torch.Tensor:
        """Return the features of an example, after checking that the loss is the same as from its pixels."""
        model, network = self.model, self.model.model
        prompts, image = self._encoded([example])
        features_TD = self._features(image)
        if features_TD.requires_grad:
            raise ModelError(f"{model.name}: its vision is trained, so that its features change with every step")
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
        distinct = list({example.image: example for example in examples}.values())
        needed = int(size * sum(map(self.cost, distinct)) / self.cost(examples[0]))
        held = 0 if kept is None else kept.held
        memory = int(MEMORY_SHARE * (psutil.virtual_memory().available + held))
        if folder is None and needed > memory:
            folder = store.user_cache() / "features"
        if folder is not None and needed > DISK_BYTES:
            raise ModelError(
                f"{self.model.name}: features of {len(distinct):,} pictures take about {needed >> 30} GiB, and at most "
                f"{DISK_BYTES >> 30} are kept"
            )
        if kept is None or kept.folder != folder:
            kept = _stores[network] = FeatureStore(memory=memory, folder=folder)
        return kept

    def _name(self, image: ImageSource) -> str:
        if isinstance(image, Scene):
            image = images.open_pil(image).tobytes()
        content = image.read_bytes() if isinstance(image, Path) else image
        return f"{xxhash.xxh3_128_hexdigest(content)}-{self._identity}"

    def _computed(self, image: Tensors) -> torch.Tensor:
        # Not in inference mode: autograd keeps what these are put among.
        with torch.no_grad():
            return self._features(image).cpu()

    def _features(self, image: Tensors) -> torch.Tensor:
        seen = self.model.model.get_image_features(**to_device(self.model.model, image), return_dict=True).pooler_output
        return torch.cat(list(seen))


class VlmFeatureModel(FeatureModel):
    """A vision-language model; features take the positions of the image tokens."""

    def training_batch(self, examples: Sequence[Example], inputs: Sequence[FeatureInput]) -> Tensors:
        """Return the tensors of a batch, with ``features`` (of all images, D) and their ``lengths`` (B) for pixels."""
        encoder = self.model.encoder
        prompts = encoder.join([shown.prompt for shown in inputs if shown.prompt])
        batch: Tensors = encoder.with_answers(prompts, [example.answer for example in examples])
        features = [shown.features_TD for shown in inputs]
        return {**batch, "features": torch.cat(features), "lengths": torch.tensor([len(part) for part in features])}

    def losses(self, network: Any, batch: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the model's own `losses` returns, from features."""
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
            raise ModelError(f"{name}: its prompts cannot be put together one by one, as features need them")
        return super()._tried(example)


class ClipFeatureModel(FeatureModel):
    """A dual encoder; the features of an image are its vector in the space it shares with texts."""

    def training_batch(self, examples: Sequence[Example], inputs: Sequence[FeatureInput]) -> Tensors:
        """Return the tensors of a batch, with ``features`` (B, D) for pixels."""
        features_BD = torch.stack([shown.features_TD for shown in inputs])
        return {**self.model.encoder.training_texts(examples), "features": features_BD}

    def losses(self, network: Any, batch: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the model's own `losses` returns, which takes features too."""
        found: tuple[torch.Tensor, torch.Tensor] = self.model.losses(network, batch)
        return found

    def _encoded(self, group: Sequence[Example]) -> tuple[list[Prompt | None], Tensors]:
        encoder = self.model.encoder
        return [None] * len(group), {"pixel_values": encoder.pixels([encoder.image(group[0])])}


def feature_model(model: Trainable, examples: Sequence[Example], *, folder: Path | None = None) -> FeatureModel:
    """Wrap a model, of whichever kind, so that it is given features in place of pixels; see `FeatureModel`."""
    return (ClipFeatureModel if model.family.kind == "dual" else VlmFeatureModel)(model, examples, folder=folder)
