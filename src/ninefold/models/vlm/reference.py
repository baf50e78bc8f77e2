"""The reference implementation of decoding: whole prompts, answers by `generate` of transformers.

The shortcuts of `ninefold.models.vlm.decoder` are tested against it; models that do not support them are run by it.

Axes: B sequences, S positions, K kept positions of the whole batch in row order, V vocabulary, L layers, D width.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ninefold.models import compat
from ninefold.models.vlm.continuation import IGNORED
from ninefold.models.vlm.encoder import Encoder
from ninefold.models.vlm.prompt import Prompt, Tensors


class ReferenceDecoder:
    """The plain decoder: answers, option scores and hidden states; `Decoder` has the same methods."""

    def __init__(self, network: Any, encoder: Encoder) -> None:
        """Wrap a network of transformers, bare or with an adapter."""
        self.network = network
        self.encoder = encoder

    @torch.inference_mode()
    def generate(self, prompts: Sequence[Prompt], max_new_tokens: int) -> list[list[int]]:
        """Return the tokens of each answer; those after an end token are padding."""
        inputs = self._joined(prompts)
        written = self.network.generate(**inputs, max_new_tokens=max_new_tokens)
        return written[:, inputs["input_ids"].shape[1] :].tolist()  # type: ignore[no-any-return]

    @torch.inference_mode()
    def option_scores(self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]) -> list[tuple[float, ...]]:
        """Return the log-probability of answering each prompt with each of its options."""
        return [self._scores(prompt, choices) for prompt, choices in zip(prompts, options, strict=True)]

    def _scores(self, prompt: Prompt, options: Sequence[str]) -> tuple[float, ...]:
        batch = self.encoder.with_answers(self.encoder.join([prompt] * len(options)), options)
        inputs = to_device(self.network, batch)
        labels_BS = inputs.pop("labels")
        logits_KV, targets_K, rows_K = answer_logits(self.network, inputs, labels_BS)
        scores_K = logits_KV.float().log_softmax(-1).gather(1, targets_K[:, None])[:, 0]
        return tuple(scores_K.new_zeros(len(options)).index_add_(0, rows_K, scores_K).tolist())

    @torch.inference_mode()
    def hidden_states(self, prompts: Sequence[Prompt]) -> np.ndarray:
        """Return the hidden states (B, L, D) of each prompt's last token after every layer, in single precision."""
        last = {"logits_to_keep": 1} if compat.keeps_logits_by_mask(self.network) else {}
        layers = self.network(**self._joined(prompts), output_hidden_states=True, **last).hidden_states[1:]
        return torch.stack([layer_BSD[:, -1].float() for layer_BSD in layers], 1).cpu().numpy()

    def _joined(self, prompts: Sequence[Prompt]) -> Tensors:
        return to_device(self.network, self.encoder.join(prompts))


def to_device(network: Any, batch: Tensors) -> Tensors:
    """Return a batch on a network's device and in its precision."""
    return {
        name: tensor.to(network.device, network.dtype if tensor.is_floating_point() else None)
        for name, tensor in batch.items()
    }


def answer_logits(
    network: Any, inputs: Tensors, labels_BS: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the logits at the positions that predict answer tokens, and only there.

    Args:
        network: A network of transformers, bare or wrapped.
        inputs: The arguments of its forward pass, without labels.
        labels_BS: The tokens of the answers at their own positions, `IGNORED` elsewhere.

    Returns:
        Logits (K, V), the tokens to predict (K), and the batch row of each (K).
    """
    next_BS = torch.nn.functional.pad(labels_BS[:, 1:], (0, 1), value=IGNORED)
    keep_BS = next_BS != IGNORED
    if compat.keeps_logits_by_mask(network):
        logits_KV = network(**inputs, logits_to_keep=keep_BS).logits
    else:
        logits_KV = network(**inputs).logits[keep_BS]
    return logits_KV, next_BS[keep_BS], keep_BS.nonzero()[:, 0]
