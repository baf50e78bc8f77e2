"""Any image-text-to-text model of transformers, asked in batches and answered greedily.

Axes: B sequences, S positions, K kept positions of the whole batch in row order, V vocabulary.
"""

import inspect
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from transformers import GenerationConfig

from ninefold.errors import ModelError
from ninefold.models import loading
from ninefold.models.base import Sight
from ninefold.models.encoding import IGNORED, Encoder, Picture, Tensors
from ninefold.models.families import Family, Source
from ninefold.models.sight import Eyes, settings
from ninefold.models.threads import ahead
from ninefold.types import Example, Prediction

TOKEN_BUDGET = 16_384
"""Prompt tokens in a batch, at most: about five pictures of LLaVA-NeXT, twenty-four of Qwen2-VL."""

CORE_TOKENS = 4096
"""The same where each core of a CPU has batches of its own: more would not stay in its caches."""

SMALL = 100_000_000
"""Parameters up to which each core of a CPU answers batches of its own, instead of all cores sharing each operation."""


class GenerativeModel:
    """A checkpoint with its processor, perhaps with an adapter; implements `ninefold.models.base.Model`."""

    def __init__(
        self, model: Any, processor: Any, *, source: Source, family: Family, identity: dict[str, object]
    ) -> None:
        """Wrap a loaded model; `load` is the usual road."""
        self.model = model
        self.name = source.name
        self.source = source
        self.family = family
        self.identity = identity
        self.encoder = Encoder(processor, _end_ids(model.generation_config))
        self.picture_settings = settings(processor.image_processor)
        self._eyes = Eyes(self.encoder)
        model.generation_config = _greedy(model.generation_config, self.encoder)

    @classmethod
    def load(
        cls,
        source: Source,
        *,
        adapter: Path | None = None,
        dtype: loading.Precision = "auto",
        device: str = "auto",
        trust_remote_code: bool = False,
    ) -> Self:
        """Open a model.

        Args:
            source: What `ninefold.models.families.find` returned.
            adapter: A PEFT adapter's folder, or the training run that made it.
            dtype: What to compute in.
            device: A torch device, or "auto": a GPU where there is one.
            trust_remote_code: Whether code that comes with the checkpoint may run.

        Raises:
            ModelError: If the checkpoint or the adapter cannot be used, with the reason.
        """
        place = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
        config, family = loading.open_config(source, trust_remote_code=trust_remote_code)
        if family.kind == "dual":
            raise ModelError(f"{source.name}: a {family.name} model writes nothing; open it with `open_model`")
        processor = loading.open_processor(source, config, trust_remote_code=trust_remote_code)
        precision = loading.compute_dtype(dtype, source, place)
        model = loading.open_model(source, dtype=precision, trust_remote_code=trust_remote_code).to(place)
        identity: dict[str, object] = {
            "name": source.name,
            "family": family.name,
            "nano": source.nano,
            "checkpoint": loading.checkpoint_id(source, config),
            "adapter": None,
            "dtype": str(model.dtype).removeprefix("torch."),
        }
        if adapter is not None:
            folder = loading.adapter_folder(adapter)
            model = loading.open_adapter(model, folder, identity)
            identity["adapter"] = loading.adapter_hash(folder)
        return cls(model, processor, source=source, family=family, identity=identity)

    def predict(self, examples: Sequence[Example], *, max_new_tokens: int = 15) -> list[Prediction]:
        """Answer in free text by greedy decoding; one prediction an example, in the order given.

        Raises:
            DataError: If a picture cannot be read.
        """

        @torch.inference_mode()
        def answered(prompts: Tensors) -> list[list[int]]:
            written = self.model.generate(**self._placed(prompts), max_new_tokens=max_new_tokens)
            return written[:, prompts["input_ids"].shape[1] :].tolist()  # type: ignore[no-any-return]

        encoded = partial(self._encoded, examples)
        batches = self._batches(examples)
        if self._a_batch_per_core:
            answers = ahead(lambda places: answered(encoded(places)), batches)
        else:
            answers = map(answered, ahead(encoded, batches))
        found: dict[int, Prediction] = {}
        for places, rows in zip(batches, answers, strict=True):
            for place, tokens in zip(places, rows, strict=True):
                text, truncated = self.encoder.read(tokens)
                found[place] = Prediction(examples[place].id, text, truncated)
        return [found[place] for place in range(len(examples))]

    def choice_scores(self, examples: Sequence[Example]) -> list[tuple[float, ...]]:
        """Return, for each example, the log-probability of answering with exactly each option, the end token included.

        With the end token, "center" is not favored over "center left" for being its beginning.

        Raises:
            DataError: If a picture cannot be read.
            ModelError: If an example has no options.
        """
        if open_ended := next((example.id for example in examples if not example.options), None):
            raise ModelError(f"example {open_ended}: has no options to rank; let the model write its answer instead")

        def encoded(example: Example) -> Tensors:
            count = len(example.options)
            return self.encoder.encode_answers(
                [example] * count, [self.encoder.picture(example)] * count, example.options
            )

        @torch.inference_mode()
        def scored(batch: Tensors) -> tuple[float, ...]:
            inputs = self._placed(batch)
            labels = inputs.pop("labels")
            logits_KV, targets_K, rows_K = answer_logits(self.model, inputs, labels)
            chances_K = logits_KV.float().log_softmax(-1).gather(1, targets_K[:, None])[:, 0]
            return tuple(chances_K.new_zeros(len(labels)).index_add_(0, rows_K, chances_K).tolist())

        if self._a_batch_per_core:
            return list(ahead(lambda example: scored(encoded(example)), examples))
        return list(map(scored, ahead(encoded, examples)))

    def hidden_states(self, examples: Sequence[Example]) -> np.ndarray:
        """Return the states of each prompt's last token after every decoder layer, (examples, layers, width).

        The last layer's state is the one after the final norm.

        Raises:
            DataError: If a picture cannot be read.
        """

        @torch.inference_mode()
        def states(prompts: Tensors) -> np.ndarray:
            # Prompts are padded on the left, so that the last token of each stands at the last position.
            found = self.model(**self._placed(prompts), output_hidden_states=True, logits_to_keep=1).hidden_states
            return torch.stack([layer_BSD[:, -1].float() for layer_BSD in found[1:]], 1).cpu().numpy()

        batches = self._batches(examples)
        rows = np.concatenate([states(prompts) for prompts in ahead(partial(self._encoded, examples), batches)])
        order = [place for places in batches for place in places]
        return rows[np.argsort(order)]

    def sees(self, example: Example) -> Sight:
        """Return what becomes of an example's picture.

        Raises:
            DataError: If the picture cannot be read.
        """
        return self._eyes.sees(example)

    def training_batch(self, examples: Sequence[Example], pictures: Sequence[Picture]) -> Tensors:
        """Return the tensors of prompts with their true answers, and ``labels`` on the answers' tokens alone."""
        return self.encoder.encode_answers(examples, pictures, [example.answer for example in examples])

    def losses(self, network: Any, batch: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the cross-entropies (K) of a batch's answer tokens, and the row (K) each stands in."""
        inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
        logits_KV, targets_K, rows_K = answer_logits(network, inputs, batch["labels"])
        return torch.nn.functional.cross_entropy(logits_KV.float(), targets_K, reduction="none"), rows_K

    @property
    def _a_batch_per_core(self) -> bool:
        return bool(self.model.device.type == "cpu" and self.model.num_parameters() <= SMALL)

    def _encoded(self, examples: Sequence[Example], places: Sequence[int]) -> Tensors:
        asked = [examples[place] for place in places]
        return self.encoder.encode(asked, self.encoder.pictures(asked))

    def _batches(self, examples: Sequence[Example]) -> list[list[int]]:
        """Return the places of examples in batches: of nearly equal length, and all that ask of a picture together."""
        if not examples:
            return []
        groups: dict[object, list[int]] = {}
        for place, example in enumerate(examples):
            groups.setdefault(example.image, []).append(place)
        costs = [self.encoder.cost(example) for example in examples]
        ordered = sorted(groups.values(), key=lambda places: max(costs[place] for place in places))
        longest = examples[max(range(len(examples)), key=costs.__getitem__)]
        tokens = self.encoder.encode([longest], [self.encoder.picture(longest)])["input_ids"].shape[1]
        size = max(1, (CORE_TOKENS if self._a_batch_per_core else TOKEN_BUDGET) // tokens)
        batches: list[list[int]] = [[]]
        for group in ordered:
            for start in range(0, len(group), size):
                part = group[start : start + size]
                if len(batches[-1]) + len(part) > size:
                    batches.append([])
                batches[-1] += part
        return batches

    def _placed(self, batch: Tensors) -> Tensors:
        return {
            name: tensor.to(self.model.device, self.model.dtype if tensor.is_floating_point() else None)
            for name, tensor in batch.items()
        }


def answer_logits(
    model: Any, inputs: Tensors, labels_BS: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Compute logits only where an answer's token is to be predicted.

    Args:
        model: A model of transformers, bare or wrapped.
        inputs: What its forward takes, without labels.
        labels_BS: The tokens of the answers at their own positions, `IGNORED` elsewhere.

    Returns:
        Logits (K, V), the tokens they should predict (K), and the row of the batch each belongs to (K).
    """
    next_BS = torch.nn.functional.pad(labels_BS[:, 1:], (0, 1), value=IGNORED)
    keep_BS = next_BS != IGNORED
    if keeps_by_mask(model):
        logits_KV = model(**inputs, logits_to_keep=keep_BS).logits
    else:
        logits_KV = model(**inputs).logits[keep_BS]
    return logits_KV, next_BS[keep_BS], keep_BS.nonzero()[:, 0]


def keeps_by_mask(model: Any) -> bool:
    """Whether a model's class can be told by a mask which positions need logits; nearly all of transformers can."""
    while hasattr(model, "module"):
        model = model.module
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    return "slice_logits_to_keep" in inspect.unwrap(type(bare).forward).__code__.co_names


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
