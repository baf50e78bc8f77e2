"""Image-text-to-text models of transformers: batches of prompts, greedy answers, option scores.

Axes: K positions of a batch that predict an answer token, in row order; V vocabulary.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Self, TypeVar

import numpy as np
import torch
from transformers import GenerationConfig

from ninefold.console import warn
from ninefold.errors import ModelError
from ninefold.models.checkpoint.messages import explained
from ninefold.models.checkpoint.network import open_checkpoint, open_network
from ninefold.models.checkpoint.processor import open_processor, trial_inputs, vocabulary
from ninefold.models.compute.memory import MemoryLimit
from ninefold.models.compute.prefetch import batch_per_core, prefetch
from ninefold.models.families import GENERIC, Checkpoint
from ninefold.models.family import Family
from ninefold.models.protocol import ImageInput
from ninefold.models.shortcuts import ALL_SHORTCUTS, Shortcuts
from ninefold.models.spec import ModelSpec
from ninefold.models.vlm.batching import Batch, pack
from ninefold.models.vlm.decoder import Decoder
from ninefold.models.vlm.encoder import DecodedImage, Encoder
from ninefold.models.vlm.image_input import ImageInputs, image_settings
from ninefold.models.vlm.prompt import Prompt, Tensors
from ninefold.models.vlm.reference import ReferenceDecoder, answer_logits, to_device
from ninefold.types import Example, Prediction

Result = TypeVar("Result")

AnyDecoder = Decoder | ReferenceDecoder

TOKEN_BUDGET = 16_384
"""Maximum number of prompt tokens in a batch: about five images of LLaVA-NeXT, twenty-four of Qwen2-VL."""

CORE_TOKENS = 4096
"""Maximum number of prompt tokens for one CPU core: larger batches would not fit its caches."""


class VisionLanguageModel:
    """A vision-language model with its processor and perhaps an adapter; see `ninefold.models.protocol.Trainable`."""

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
        self.encoder = Encoder(processor, _end_ids(model.generation_config), family, vocabulary(model.config))
        self.image_settings = image_settings(processor.image_processor)
        self._image_inputs = ImageInputs(self.encoder)
        self._memory: MemoryLimit[tuple[int, Prompt]] = MemoryLimit(
            checkpoint.name, "prompts", lambda row: f"prompt of {len(row[1].ids):,} tokens"
        )
        self._decoder: AnyDecoder | None = None
        # With an adapter beside its weights, `generate` reads the configuration of the network inside.
        bare = model.get_base_model() if hasattr(model, "get_base_model") else model
        bare.generation_config = _greedy(bare.generation_config, self.encoder)

    @classmethod
    def load(cls, spec: ModelSpec | str) -> Self:
        """Open a model.

        Args:
            spec: The model and its options, or its name alone.

        Raises:
            ModelError: If the checkpoint or the adapter cannot be used; the message gives the reason.
        """
        spec = ModelSpec.of(spec)
        with explained(f"{spec.name}: cannot be opened as an image-text-to-text model"):
            checkpoint, config = open_checkpoint(spec)
            family = checkpoint.family
            if family.kind == "dual":
                raise ModelError(f"{checkpoint.name}: a {family.name} model writes nothing; open it with `open_model`")
            processor = open_processor(checkpoint, config, trust_remote_code=spec.trust_remote_code)
            model, identity = open_network(checkpoint, config, spec, probe=partial(_trial_logits, processor))
            opened = cls(
                model, processor, checkpoint=checkpoint, family=family, identity=identity, shortcuts=spec.shortcuts
            )
            opened.encoder.answer_ids("center")
            return opened

    def trial_logits(self, network: Any) -> torch.Tensor:
        """Return a network's logits for one short question about a blank image."""
        return _trial_logits(self.encoder.processor, network)

    def with_network(self, network: Any, identity: Mapping[str, object]) -> Self:
        """Return this model with another network in place of its own, such as its own with an adapter."""
        return type(self)(
            network,
            self.encoder.processor,
            checkpoint=self.checkpoint,
            family=self.family,
            identity=dict(identity),
            shortcuts=self.shortcuts,
        )

    def predict(self, examples: Sequence[Example], *, max_new_tokens: int = 15) -> list[Prediction]:
        """Answer in free text by greedy decoding; one prediction per example, in the given order.

        Raises:
            DataError: If an image cannot be read.
        """

        def generate(decoder: AnyDecoder, batch: Batch) -> list[list[int]]:
            return decoder.generate(_prompts(batch), max_new_tokens)

        answers = map(self.encoder.decode_answer, self._each(examples, generate))
        return [Prediction(example.id, *answer) for example, answer in zip(examples, answers, strict=True)]

    def choice_scores(self, examples: Sequence[Example]) -> list[tuple[float, ...]]:
        """Return, for each example, the log-probability of answering with exactly each option, the end token included.

        The end token matters: without it, "center" would be favored over "center left", which begins with it.

        Raises:
            DataError: If an image cannot be read.
            ModelError: If an example has no options.
        """
        if open_ended := next((example.id for example in examples if not example.options), None):
            raise ModelError(f"example {open_ended}: has no options to rank; let the model write its answer instead")

        def score(decoder: AnyDecoder, batch: Batch) -> list[tuple[float, ...]]:
            return decoder.option_scores(_prompts(batch), [examples[index].options for index, _ in batch])

        return self._each(examples, score)

    def hidden_states(self, examples: Sequence[Example]) -> np.ndarray:
        """Return the hidden states of each prompt's last token after every decoder layer, (examples, layers, width).

        The last layer's states are those after the final norm.

        Raises:
            DataError: If an image cannot be read.
        """

        def states(decoder: AnyDecoder, batch: Batch) -> list[np.ndarray]:
            return list(decoder.hidden_states(_prompts(batch)))

        return np.stack(self._each(examples, states))

    def image_input(self, example: Example) -> ImageInput:
        """Return the image input of an example.

        Raises:
            DataError: If the image cannot be read.
        """
        return self._image_inputs.image_input(example)

    def training_batch(self, examples: Sequence[Example], decoded: Sequence[DecodedImage]) -> Tensors:
        """Return the tensors of a batch, made by the encoder."""
        return self.encoder.training_batch(examples, decoded)

    def logits(
        self, network: Any, batch: Mapping[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the logits (K, V) at a batch's answer tokens, these tokens (K), and the row (K) of each."""
        inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
        return answer_logits(network, inputs, batch["labels"])

    def losses(self, network: Any, batch: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the cross-entropies (K) of a batch's answer tokens, and the row (K) of each."""
        logits_KV, targets_K, rows_K = self.logits(network, batch)
        return torch.nn.functional.cross_entropy(logits_KV.float(), targets_K, reduction="none"), rows_K

    def _each(self, examples: Sequence[Example], work: Callable[[AnyDecoder, Batch], Sequence[Result]]) -> list[Result]:
        """Return the result of ``work`` for each example, in the given order; batches are computed longest first."""
        if not examples:
            return []
        decoder = self._decoder = self._decoder or self._choose_decoder(examples[0])
        fast = isinstance(decoder, Decoder)
        # Some families store positions in the model while `generate` runs: only one batch at a time is safe.
        each_core = fast and batch_per_core(self.model)
        batches = pack(
            prefetch(partial(self._encoded, examples), self._groups(examples)),
            CORE_TOKENS if each_core else TOKEN_BUDGET,
            apart=fast and self.shortcuts.prefix_reuse,
            alone=not self.encoder.can_join(examples),
        )

        def step(batch: Batch) -> list[tuple[int, Result]]:
            found = self._memory.run(partial(work, decoder), batch)
            return list(zip([index for index, _ in batch], found, strict=True))

        done = prefetch(step, batches) if each_core else map(step, batches)
        results = dict(pair for pairs in done for pair in pairs)
        return [results[index] for index in range(len(examples))]

    def _choose_decoder(self, example: Example) -> AnyDecoder:
        """Return the decoder to use; for a family without a row, both are first compared on an example."""
        reference = ReferenceDecoder(self.model, self.encoder)
        if not self.shortcuts.own_decoding:
            return reference
        fast = Decoder(self.model, self.encoder, self.shortcuts)
        if self.family is not GENERIC or self._agree(fast, reference, example):
            return fast
        warn(f"{self.name}: short cuts change what it answers, so they are left off; it is evaluated more slowly")
        return reference

    def _agree(self, fast: Decoder, reference: ReferenceDecoder, example: Example) -> bool:
        """Whether both decoders give the same answers and scores to two questions about one image."""
        longer = replace(example, prompt=f"{example.prompt} Answer:")
        prompts = self.encoder.prompts([example, longer], [self.encoder.image(example)] * 2)
        options = [example.options or ("left", "top right")] * 2
        if not self.encoder.can_join([example]):
            return False
        try:
            texts = [self.encoder.decode_answer(tokens) for tokens in fast.generate(prompts, 4)]
            scores = torch.tensor(fast.option_scores(prompts, options))
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):
            return False
        expected = [self.encoder.decode_answer(tokens) for tokens in reference.generate(prompts, 4)]
        rounding = 1e-3 if self.model.dtype == torch.float32 else 0.3
        return texts == expected and torch.allclose(
            scores, torch.tensor(reference.option_scores(prompts, options)), rtol=0, atol=rounding
        )

    def _groups(self, examples: Sequence[Example]) -> list[list[int]]:
        """Return the indices of the examples about each image: shared images first, then the longest prompts."""
        groups: dict[object, list[int]] = {}
        for index, example in enumerate(examples):
            groups.setdefault(example.image, []).append(index)
        costs = [self.encoder.cost(example) for example in examples]

        def order(group: list[int]) -> tuple[bool, float]:
            return len(group) > 1, max(costs[index] for index in group)

        return sorted(groups.values(), key=order, reverse=True)

    def _encoded(self, examples: Sequence[Example], indices: Sequence[int]) -> Batch:
        asked = [examples[index] for index in indices]
        return list(zip(indices, self.encoder.prompts(asked, self.encoder.images(asked)), strict=True))


def _trial_logits(processor: Any, network: Any) -> torch.Tensor:
    logits: torch.Tensor = network(**to_device(network, trial_inputs(processor))).logits
    return logits


def _prompts(batch: Batch) -> list[Prompt]:
    return [prompt for _, prompt in batch]


def _end_ids(config: GenerationConfig) -> list[int]:
    ends = config.eos_token_id
    return [int(end) for end in (ends if isinstance(ends, list) else [] if ends is None else [ends])]


def _greedy(config: GenerationConfig, encoder: Encoder) -> GenerationConfig:
    """Return a greedy configuration, without the checkpoint's sampling and penalties."""
    return GenerationConfig(
        do_sample=False,
        num_beams=1,
        use_cache=True,
        bos_token_id=config.bos_token_id,
        decoder_start_token_id=config.decoder_start_token_id,
        eos_token_id=list(encoder.end_ids),
        pad_token_id=encoder.pad_id,
    )
