"""Reading and writing as transformers itself does them: each prompt whole, answers by ``generate``.

It is what the short cuts of `ninefold.models.vlm.decoder` are held to, and the road of models that they do not serve.

Axes: B sequences, S positions, K kept positions of the whole batch in row order, V vocabulary, L layers, D width.
"""

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ninefold.models.vlm.encoder import IGNORED, Encoder
from ninefold.models.vlm.prompt import Prompt, Tensors, join


class ReferenceDecoder:
    """A model that reads and writes; the same methods as `ninefold.models.vlm.decoder.Decoder` has."""

    def __init__(self, model: Any, encoder: Encoder) -> None:
        """Wrap a model of transformers, bare or with an adapter."""
        self.model = model
        self.encoder = encoder

    @torch.inference_mode()
    def answers(self, prompts: Sequence[Prompt], max_new_tokens: int) -> list[list[int]]:
        """Return the tokens of each answer; what follows an end token is padding."""
        inputs = self._joined(prompts)
        written = self.model.generate(**inputs, max_new_tokens=max_new_tokens)
        return written[:, inputs["input_ids"].shape[1] :].tolist()  # type: ignore[no-any-return]

    @torch.inference_mode()
    def scores(self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]) -> list[tuple[float, ...]]:
        """Return the log-probability of answering each prompt with each of its options."""
        return [self._scores(prompt, choices) for prompt, choices in zip(prompts, options, strict=True)]

    def _scores(self, prompt: Prompt, options: Sequence[str]) -> tuple[float, ...]:
        batch = self.encoder.answered(join([prompt] * len(options), self.encoder.pad_id), options)
        inputs = to_device(self.model, batch)
        labels_BS = inputs.pop("labels")
        logits_KV, targets_K, rows_K = answer_logits(self.model, inputs, labels_BS)
        chances_K = logits_KV.float().log_softmax(-1).gather(1, targets_K[:, None])[:, 0]
        return tuple(chances_K.new_zeros(len(options)).index_add_(0, rows_K, chances_K).tolist())

    @torch.inference_mode()
    def states(self, prompts: Sequence[Prompt]) -> np.ndarray:
        """Return the states (B, L, D) of each prompt's last token after every layer, in single precision."""
        last = {"logits_to_keep": 1} if keeps_by_mask(self.model) else {}
        layers = self.model(**self._joined(prompts), output_hidden_states=True, **last).hidden_states[1:]
        return torch.stack([layer_BSD[:, -1].float() for layer_BSD in layers], 1).cpu().numpy()

    def _joined(self, prompts: Sequence[Prompt]) -> Tensors:
        return to_device(self.model, join(prompts, self.encoder.pad_id))


def to_device(model: Any, batch: Tensors) -> Tensors:
    """Return a batch where a model is, and in its precision."""
    return {
        name: tensor.to(model.device, model.dtype if tensor.is_floating_point() else None)
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
