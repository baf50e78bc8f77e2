"""Any image-text-to-text model of transformers, asked in batches and answered greedily.

Axes: K positions of a batch at which an answer's token is to be predicted, in row order; V vocabulary.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import torch
from transformers import GenerationConfig

from ninefold.console import warn
from ninefold.errors import ModelError
from ninefold.models.checkpoint.network import open_config, open_network
from ninefold.models.checkpoint.processor import open_processor
from ninefold.models.compute.memory import MemoryLimit
from ninefold.models.compute.prefetch import batch_per_core, prefetch
from ninefold.models.families import GENERIC, Checkpoint, Family, Precision
from ninefold.models.protocol import ImageInput
from ninefold.models.shortcuts import ALL_SHORTCUTS, Shortcuts
from ninefold.models.vlm.batching import Batch, packed
from ninefold.models.vlm.decoder import Decoder
from ninefold.models.vlm.encoder import DecodedImage, Encoder
from ninefold.models.vlm.image_input import ImageInputs, settings
from ninefold.models.vlm.prompt import Prompt, Tensors
from ninefold.models.vlm.reference import ReferenceDecoder, answer_logits
from ninefold.types import Example, Prediction

Result = TypeVar("Result")

TOKEN_BUDGET = 16_384
"""Prompt tokens in a batch, at most: about five pictures of LLaVA-NeXT, twenty-four of Qwen2-VL."""

CORE_TOKENS = 4096
"""The same where each core of a CPU has batches of its own: more would not stay in its caches."""


class VisionLanguageModel:
    """A checkpoint with its processor, perhaps with an adapter; implements `ninefold.models.protocol.Model`."""

    def __init__(
        self,
        model: Any,
        processor: Any,
        *,
        checkpoint: Checkpoint,
        family: Family,
        identity: dict[str, object],
        shortcuts: Shortcuts = ALL_SHORTCUTS,
    ) -> None:
        """Wrap a loaded model; `load` is the usual way."""
        self.model = model
        self.name = checkpoint.name
        self.checkpoint = checkpoint
        self.family = family
        self.identity = identity
        self.shortcuts = shortcuts
        self.encoder = Encoder(processor, _end_ids(model.generation_config))
        self.image_settings = settings(processor.image_processor)
        self._image_inputs = ImageInputs(self.encoder)
        self._memory: MemoryLimit[tuple[int, Prompt]] = MemoryLimit(
            checkpoint.name, "prompts", lambda row: f"prompt of {len(row[1].ids):,} tokens"
        )
        self._decoder: Decoder | ReferenceDecoder | None = None
        model.generation_config = _greedy(model.generation_config, self.encoder)

    @classmethod
    def load(
        cls,
        checkpoint: Checkpoint,
        *,
        adapter: Path | None = None,
        dtype: Precision = "auto",
        device: str = "auto",
        trust_remote_code: bool = False,
        shortcuts: Shortcuts = ALL_SHORTCUTS,
    ) -> Self:
        """Open a model.

        Args:
            checkpoint: What `ninefold.models.families.find` returned.
            adapter: A PEFT adapter's folder, or the training run that made it.
            dtype: What to compute in.
            device: A torch device, or "auto": a GPU where there is one.
            trust_remote_code: Whether code that comes with the checkpoint may run.
            shortcuts: Which short cuts are taken.

        Raises:
            ModelError: If the checkpoint or the adapter cannot be used, with the reason.
        """
        config, family = open_config(checkpoint, trust_remote_code=trust_remote_code)
        if family.kind == "dual":
            raise ModelError(f"{checkpoint.name}: a {family.name} model writes nothing; open it with `open_model`")
        checkpoint = replace(checkpoint, family=family)
        processor = open_processor(checkpoint, config, trust_remote_code=trust_remote_code)
        model, identity = open_network(
            checkpoint, config, adapter=adapter, dtype=dtype, device=device, trust_remote_code=trust_remote_code
        )
        return cls(model, processor, checkpoint=checkpoint, family=family, identity=identity, shortcuts=shortcuts)

    def predict(self, examples: Sequence[Example], *, max_new_tokens: int = 15) -> list[Prediction]:
        """Answer in free text by greedy decoding; one prediction an example, in the order given.

        Raises:
            DataError: If a picture cannot be read.
        """

        def answered(road: Decoder | ReferenceDecoder, batch: Batch) -> list[list[int]]:
            return road.answers(_prompts(batch), max_new_tokens)

        found = map(self.encoder.read, self._each(examples, answered))
        return [Prediction(example.id, *read) for example, read in zip(examples, found, strict=True)]

    def choice_scores(self, examples: Sequence[Example]) -> list[tuple[float, ...]]:
        """Return, for each example, the log-probability of answering with exactly each option, the end token included.

        With the end token, "center" is not favored over "center left" for being its beginning.

        Raises:
            DataError: If a picture cannot be read.
            ModelError: If an example has no options.
        """
        if open_ended := next((example.id for example in examples if not example.options), None):
            raise ModelError(f"example {open_ended}: has no options to rank; let the model write its answer instead")

        def scored(road: Decoder | ReferenceDecoder, batch: Batch) -> list[tuple[float, ...]]:
            return road.scores(_prompts(batch), [examples[place].options for place, _ in batch])

        return self._each(examples, scored)

    def hidden_states(self, examples: Sequence[Example]) -> np.ndarray:
        """Return the states of each prompt's last token after every decoder layer, (examples, layers, width).

        The last layer's state is the one after the final norm.

        Raises:
            DataError: If a picture cannot be read.
        """

        def states(road: Decoder | ReferenceDecoder, batch: Batch) -> list[np.ndarray]:
            return list(road.states(_prompts(batch)))

        return np.stack(self._each(examples, states))

    def image_input(self, example: Example) -> ImageInput:
        """Return what becomes of an example's picture.

        Raises:
            DataError: If the picture cannot be read.
        """
        return self._image_inputs.image_input(example)

    def training_batch(self, examples: Sequence[Example], pictures: Sequence[DecodedImage]) -> Tensors:
        """Return the tensors of a batch, as its encoder makes them."""
        return self.encoder.training_batch(examples, pictures)

    def losses(self, network: Any, batch: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the cross-entropies (K) of a batch's answer tokens, and the row (K) each stands in."""
        inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
        logits_KV, targets_K, rows_K = answer_logits(network, inputs, batch["labels"])
        return torch.nn.functional.cross_entropy(logits_KV.float(), targets_K, reduction="none"), rows_K

    def _each(
        self, examples: Sequence[Example], work: Callable[[Decoder | ReferenceDecoder, Batch], Sequence[Result]]
    ) -> list[Result]:
        """Return what ``work`` makes of each example, in the order given, batch by batch, the longest first."""
        if not examples:
            return []
        road = self._decoder = self._decoder or self._chosen(examples[0])
        own = isinstance(road, Decoder)
        # Some families keep positions in the model while `generate` runs: only one batch may.
        each_core = own and batch_per_core(self.model)
        batches = packed(
            prefetch(partial(self._encoded, examples), self._groups(examples)),
            CORE_TOKENS if each_core else TOKEN_BUDGET,
            apart=own and self.shortcuts.prefix_reuse,
            alone=not self.encoder.joins(examples),
        )

        def step(batch: Batch) -> list[tuple[int, Result]]:
            found = self._memory.run(partial(work, road), batch)
            return list(zip([place for place, _ in batch], found, strict=True))

        done = prefetch(step, batches) if each_core else map(step, batches)
        results = dict(pair for pairs in done for pair in pairs)
        return [results[place] for place in range(len(examples))]

    def _chosen(self, example: Example) -> Decoder | ReferenceDecoder:
        """Choose how to read and write. A family without a row of its own is tried both ways first."""
        plain = ReferenceDecoder(self.model, self.encoder)
        if not self.shortcuts.own_decoding:
            return plain
        own = Decoder(self.model, self.encoder, self.shortcuts)
        if self.family is not GENERIC or self._agree(own, plain, example):
            return own
        warn(f"{self.name}: short cuts change what it answers, so they are left off; it is evaluated more slowly")
        return plain

    def _agree(self, own: Decoder, plain: ReferenceDecoder, example: Example) -> bool:
        """Whether two questions about one picture are answered and scored alike in both ways."""
        longer = replace(example, prompt=f"{example.prompt} Answer:")
        prompts = self.encoder.prompts([example, longer], [self.encoder.image(example)] * 2)
        options = [example.options or ("left", "top right")] * 2
        if not self.encoder.joins([example]):
            return False
        try:
            texts = [self.encoder.read(tokens) for tokens in own.answers(prompts, 4)]
            scores = torch.tensor(own.scores(prompts, options))
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):
            return False
        rounding = 1e-3 if self.model.dtype == torch.float32 else 0.3
        return texts == [self.encoder.read(tokens) for tokens in plain.answers(prompts, 4)] and torch.allclose(
            scores, torch.tensor(plain.scores(prompts, options)), rtol=0, atol=rounding
        )

    def _groups(self, examples: Sequence[Example]) -> list[list[int]]:
        """Return the places of the examples about each picture: shared pictures first, and then the longest."""
        groups: dict[object, list[int]] = {}
        for place, example in enumerate(examples):
            groups.setdefault(example.image, []).append(place)
        costs = [self.encoder.cost(example) for example in examples]
        return sorted(
            groups.values(), key=lambda places: (len(places) > 1, max(costs[place] for place in places)), reverse=True
        )

    def _encoded(self, examples: Sequence[Example], places: Sequence[int]) -> Batch:
        asked = [examples[place] for place in places]
        return list(zip(places, self.encoder.prompts(asked, self.encoder.images(asked)), strict=True))


def _prompts(batch: Batch) -> list[Prompt]:
    return [prompt for _, prompt in batch]


def _end_ids(config: GenerationConfig) -> list[int]:
    ends = config.eos_token_id
    return ends if isinstance(ends, list) else [] if ends is None else [ends]


def _greedy(config: GenerationConfig, encoder: Encoder) -> GenerationConfig:
    """Return a purely greedy config: nothing of the checkpoint's sampling or penalties is kept."""
    return GenerationConfig(
        do_sample=False,
        num_beams=1,
        use_cache=True,
        bos_token_id=config.bos_token_id,
        decoder_start_token_id=config.decoder_start_token_id,
        eos_token_id=list(encoder.end_ids),
        pad_token_id=encoder.pad_id,
    )
