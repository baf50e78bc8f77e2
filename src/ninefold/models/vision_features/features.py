"""Vision features, computed once for each distinct picture: what a frozen tower sees never changes.

They are shared over epochs, seeds, option orders and conditions, in memory where they fit, and on disk where they do
not or where it is asked for. Each picture is encoded by itself, so that its features depend on nothing else.

Axes: B examples, T positions that a picture takes in a sequence, D width of the language model.
"""

import inspect
import os
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
from ninefold.models.compute.prefetch import batch_per_core, prefetch
from ninefold.models.protocol import Trainable
from ninefold.models.vision_features.store import DISK_BYTES, FeatureStore
from ninefold.models.vlm.prompt import Prompt, Tensors, join
from ninefold.models.vlm.reference import to_device
from ninefold.types import Example, ImageSource, Scene

MEMORY_PART = 0.25
"""The part of the free memory that features may take."""

PLACED = ("image_grid_thw",)
"""What of a picture's tensors positions are computed from."""

TOLERANCE = 1e-4
"""How far a loss may be from that of the pixels, relatively, in single precision; in half precision 0.03."""

_stores: WeakKeyDictionary[Any, FeatureStore] = WeakKeyDictionary()
"""Of each network that is open, so that all that is done with it shares its features."""


@dataclass(frozen=True)
class FeatureInput:
    """An example as a model meets it whose pictures come as features."""

    prompt: Prompt | None
    """Its tokens, and of its picture only what positions are computed from; a dual encoder has no such prompt."""
    features_TD: torch.Tensor
    """What stands for its picture; (D) for a dual encoder."""


class FeatureModel(ABC):
    """A model that is given features in place of pixels: to training it is what the model itself is."""

    image_bytes = None
    """What `image` returns is kept already."""

    def __init__(self, model: Trainable, examples: Sequence[Example], *, folder: Path | None = None) -> None:
        """Wrap a model whose vision is frozen.

        Args:
            model: Its vision tower and projector are those of its checkpoint for as long as this is used.
            examples: All that it will be asked; the first of them is tried both ways.
            folder: Where features are kept; by default in memory where they fit, and else in the user's cache.

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
        """Compute what examples need and is not kept yet; ``watched`` sees one item a distinct picture go by.

        Raises:
            DataError: If a picture cannot be read.
        """
        groups: dict[ImageSource, list[Example]] = {}
        for example in examples:
            groups.setdefault(example.image, []).append(example)

        def encoded(group: Sequence[Example]) -> tuple[Sequence[Example], list[Prompt | None], Tensors]:
            self._names[group[0].image] = self._name(group[0].image)
            return group, *self._encoded(group)

        def computed(made: tuple[Sequence[Example], list[Prompt | None], Tensors]) -> None:
            group, prompts, picture = made
            self._store.get(self._names[group[0].image], lambda: self._computed(picture))
            for example, prompt in zip(group, prompts, strict=True):
                self._prompts[example.image, example.prompt] = prompt

        if batch_per_core(self.model.model):
            steps: Iterable[None] = prefetch(lambda group: computed(encoded(group)), groups.values())
        else:
            steps = map(computed, prefetch(encoded, groups.values()))
        deque(watched(steps), maxlen=0)

    def image(self, example: Example) -> FeatureInput:
        """Return a prepared example's prompt and features."""
        prompt = self._prompts[example.image, example.prompt]
        name = self._names[example.image]
        return FeatureInput(prompt, self._store.get(name, lambda: self._computed(self._encoded([example])[1])))

    @abstractmethod
    def training_batch(self, examples: Sequence[Example], pictures: Sequence[FeatureInput]) -> Tensors:
        """Return the tensors of a batch, ``features`` in place of pixels."""

    @abstractmethod
    def losses(self, network: Any, batch: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the model's own `losses` returns, from features."""

    @abstractmethod
    def _encoded(self, group: Sequence[Example]) -> tuple[list[Prompt | None], Tensors]:
        """Return the prompts of examples with one picture, and what the vision tower takes of that."""

    def _tried(self, example: Example) -> torch.Tensor:
        """Return the features of an example, once they have turned out to be all that the model sees of it."""
        model, network = self.model, self.model.model
        prompts, picture = self._encoded([example])
        features_TD = self._features(picture)
        if features_TD.requires_grad:
            raise ModelError(f"{model.name}: its vision is trained, so that its features change with every step")
        shown = FeatureInput(prompts[0], features_TD.cpu())
        plain = model.training_batch([example], [model.encoder.image(example)])
        with torch.no_grad():
            loss_K, _ = self.losses(network, to_device(network, self.training_batch([example], [shown])))
            plain_K, _ = model.losses(network, to_device(network, plain))
        if not torch.allclose(loss_K, plain_K, rtol=TOLERANCE if network.dtype == torch.float32 else 0.05):
            raise ModelError(f"{model.name}: sees more of a picture than its features tell")
        return shown.features_TD

    def _opened(self, examples: Sequence[Example], size: int, folder: Path | None) -> FeatureStore:
        network = self.model.model
        kept = _stores.get(network)
        distinct = list({example.image: example for example in examples}.values())
        needed = int(size * sum(map(self.cost, distinct)) / self.cost(examples[0]))
        held = 0 if kept is None else kept.held
        memory = int(MEMORY_PART * (psutil.virtual_memory().available + held))
        if folder is None and needed > memory:
            folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ninefold" / "features"
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

    def _computed(self, picture: Tensors) -> torch.Tensor:
        # Not in inference mode: autograd keeps what these are put among.
        with torch.no_grad():
            return self._features(picture).cpu()

    def _features(self, picture: Tensors) -> torch.Tensor:
        seen = self.model.model.get_image_features(
            **to_device(self.model.model, picture), return_dict=True
        ).pooler_output
        return torch.cat(list(seen))


class VlmFeatureModel(FeatureModel):
    """A model that writes; its features stand in the sequence."""

    def training_batch(self, examples: Sequence[Example], pictures: Sequence[FeatureInput]) -> Tensors:
        """Return the tensors of a batch: for pixels ``features`` (of all pictures, D) and their ``lengths`` (B)."""
        encoder = self.model.encoder
        prompts = join([shown.prompt for shown in pictures if shown.prompt], encoder.pad_id)
        batch: Tensors = encoder.answered(prompts, [example.answer for example in examples])
        features = [shown.features_TD for shown in pictures]
        return {**batch, "features": torch.cat(features), "lengths": torch.tensor([len(part) for part in features])}

    def losses(self, network: Any, batch: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the model's own `losses` returns, from features."""
        others = {name: value for name, value in batch.items() if name not in ("features", "lengths")}
        parts = list(torch.split(batch["features"], batch["lengths"].tolist()))
        seen = {"image": BaseModelOutputWithPooling(pooler_output=parts)}
        found: tuple[torch.Tensor, torch.Tensor] = self.model.losses(network, {**others, "mm_encoder_outputs": seen})
        return found

    def _encoded(self, group: Sequence[Example]) -> tuple[list[Prompt | None], Tensors]:
        encoder, picture = self.model.encoder, self.model.encoder.image(group[0])
        prompts = encoder.prompts(group, [picture] * len(group))
        kept = {name: value for name, value in prompts[0].image.items() if name in PLACED}
        return [Prompt(prompt.sequence, kept) for prompt in prompts], prompts[0].image

    def _tried(self, example: Example) -> torch.Tensor:
        name, network = self.model.name, self.model.model
        if "mm_encoder_outputs" not in inspect.signature(inspect.unwrap(type(network).forward)).parameters:
            raise ModelError(f"{name}: {type(network).__name__} takes no features, only pixels")
        if not self.model.encoder.splices([example], [self.model.encoder.image(example)]):
            raise ModelError(f"{name}: its prompts cannot be put together one by one, as features need them")
        return super()._tried(example)


class ClipFeatureModel(FeatureModel):
    """A dual encoder; the features of a picture are its place among the texts."""

    def training_batch(self, examples: Sequence[Example], pictures: Sequence[FeatureInput]) -> Tensors:
        """Return the tensors of a batch: for pixels ``features`` (B, D)."""
        features_BD = torch.stack([shown.features_TD for shown in pictures])
        return {**self.model.encoder.training_texts(examples), "features": features_BD}

    def losses(self, network: Any, batch: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the model's own `losses` returns, which takes features too."""
        found: tuple[torch.Tensor, torch.Tensor] = self.model.losses(network, batch)
        return found

    def _encoded(self, group: Sequence[Example]) -> tuple[list[Prompt | None], Tensors]:
        encoder = self.model.encoder
        return [None] * len(group), {"pixel_values": encoder.pixels([encoder.image(group[0])])}


def feature_model(model: Trainable, examples: Sequence[Example], *, folder: Path | None = None) -> FeatureModel:
    """Wrap a model as `FeatureModel` says, whichever kind it is."""
    return (ClipFeatureModel if model.family.kind == "dual" else VlmFeatureModel)(model, examples, folder=folder)
