"""Greedy decoding and option scores; parts shared by several questions or options are computed once.

The common prefix of all prompts about one image, which includes the image, is computed once per image. Its KV cache is
copied for each question, which continues from there. All positions are given explicitly and all padding is masked: the
position of padding does not matter.

Axes: B prompts (or prefixes), S new positions, C positions in the KV cache, A positions of all options of a prompt in a
row, V vocabulary, L layers, D width. Position ids have an additional leading axis in families whose positions are
several numbers (text, time, row, column).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ninefold.models import compat
from ninefold.models.shortcuts import Shortcuts
from ninefold.models.vlm import last_position
from ninefold.models.vlm.encoder import Encoder
from ninefold.models.vlm.kv_cache import new_cache
from ninefold.models.vlm.prefix_reuse import shared_prefixes
from ninefold.models.vlm.prompt import Prompt, Tensors, pad_left
from ninefold.models.vlm.reference import to_device


@dataclass(slots=True)
class DecoderState:
    """The state of a batch after its last token so far."""

    cache: Any
    """The KV cache."""
    mask_BC: torch.Tensor
    """1 at tokens in the cache, 0 at padding."""
    last_B: torch.Tensor
    """Position of the last token."""
    logits_BV: torch.Tensor
    """Logits of the next token."""
    hidden_BLD: torch.Tensor | None
    """Hidden states of the last token after every layer, if requested."""

    def select(self, rows: torch.Tensor) -> None:
        """Keep these rows, in this order; a row may be repeated."""
        self.cache.batch_select_indices(rows)
        self.mask_BC = self.mask_BC[rows]
        self.last_B = self.last_B[..., rows]


class Decoder:
    """The fast decoder: answers, option scores and hidden states, with the methods of `ReferenceDecoder`."""

    def __init__(self, network: Any, encoder: Encoder, shortcuts: Shortcuts) -> None:
        """Wrap a network of transformers, bare or with an adapter."""
        self.network = network
        self.encoder = encoder
        self.shortcuts = shortcuts
        self._bare = network.get_base_model() if hasattr(network, "get_base_model") else network
        self._ends = torch.tensor(encoder.end_ids, device=network.device)
        if shortcuts.last_position:
            last_position.install(self._bare, encoder.family)

    @torch.inference_mode()
    def generate(self, prompts: Sequence[Prompt], max_new_tokens: int) -> list[list[int]]:
        """Return the tokens of each answer; those after an end token are meaningless."""
        state = self.read(prompts)
        written: list[list[int]] = [[] for _ in prompts]
        rows = torch.arange(len(prompts), device=self.network.device)
        open_B = torch.ones_like(rows, dtype=torch.bool)
        for left in range(max_new_tokens - 1, -1, -1):
            tokens_B = state.logits_BV.argmax(-1)
            for row, token in zip(rows.tolist(), tokens_B.tolist(), strict=True):
                written[row].append(token)
            open_B = open_B & torch.isin(tokens_B, self._ends, invert=True)
            if not (left and open_B.any()):
                break
            # Dropping a row copies all others: finished rows stay until they are half of the batch.
            if 2 * int(open_B.sum()) <= len(rows):
                kept = open_B.nonzero()[:, 0]
                rows, tokens_B, open_B = rows[kept], tokens_B[kept], open_B[kept]
                state.select(kept)
            next_B1 = tokens_B[:, None]
            state = self._forward(state, {"input_ids": next_B1}, torch.ones_like(next_B1))
        return written

    @torch.inference_mode()
    def option_scores(self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]) -> list[tuple[float, ...]]:
        """Return the log-probability of answering each prompt with each of its options.

        The prompt is computed once. Its options are computed in one row, each attending only to the prompt and itself.
        """
        state = self.read(prompts)
        answers = [[self.encoder.answer_ids(option) for option in choices] for choices in options]
        ids_BA, offsets_BA, owners_BA = (
            tensor.to(self.network.device) for tensor in _rows_of_options(answers, self.encoder.pad_id)
        )
        own_BAA = (owners_BA[:, :, None] == owners_BA[:, None]).tril()
        prompt_BAC = state.mask_BC[:, None].bool().expand(-1, ids_BA.shape[1], -1)
        visible_BAC = torch.cat([prompt_BAC, own_BAA], -1)
        mask_BAC = torch.zeros(visible_BAC.shape, dtype=self.network.dtype, device=self.network.device)
        logits_BAV = self.network(
            input_ids=ids_BA,
            attention_mask=mask_BAC.masked_fill_(~visible_BAC, torch.finfo(mask_BAC.dtype).min)[:, None],
            position_ids=state.last_B[..., None] + 1 + offsets_BA,
            use_cache=True,
            **{compat.CACHE: state.cache},
        ).logits
        first_BV = state.logits_BV.float().log_softmax(-1)
        return [_log_probabilities(*row) for row in zip(first_BV, logits_BAV, owners_BA, answers, strict=True)]

    @torch.inference_mode()
    def hidden_states(self, prompts: Sequence[Prompt]) -> np.ndarray:
        """Return the hidden states (B, L, D) of each prompt's last token after every layer, in single precision."""
        hidden_BLD = self.read(prompts, hidden_states=True).hidden_BLD
        assert hidden_BLD is not None
        return hidden_BLD.float().cpu().numpy()

    def read(self, prompts: Sequence[Prompt], *, hidden_states: bool = False) -> DecoderState:
        """Run the forward pass over prompts up to their last token."""
        prefixes = shared_prefixes(prompts) if self.shortcuts.prefix_reuse else None
        if prefixes is None or not prefixes.any:
            return self._forward(None, *self._joined(prompts), hidden_states=hidden_states)
        state = self._forward(None, *self._joined(prefixes.prompts))
        state.select(torch.tensor(prefixes.owners, device=self.network.device))
        tensors = to_device(self.network, pad_left(prefixes.rest(prompts), self.encoder.pad_id))
        return self._forward(state, tensors, tensors.pop("attention_mask"), hidden_states=hidden_states)

    def _joined(self, prompts: Sequence[Prompt]) -> tuple[Tensors, torch.Tensor]:
        """Return the tensors of a batch without its attention mask, and the mask."""
        tensors = to_device(self.network, self.encoder.join(prompts))
        return tensors, tensors.pop("attention_mask")

    def _forward(
        self, before: DecoderState | None, tensors: Tensors, mask_BS: torch.Tensor, *, hidden_states: bool = False
    ) -> DecoderState:
        """Run the forward pass over S more positions, after a state or from the beginning."""
        if before is None:
            cache, mask_BC = new_cache(self._bare.config), mask_BS
            positions_BS = compat.position_ids(self._bare, {**tensors, "attention_mask": mask_BS})
            tensors = {**tensors, "attention_mask": mask_BS}
        else:
            cache, mask_BC = before.cache, torch.cat([before.mask_BC, mask_BS], 1)
            positions_BS = before.last_B[..., None] + mask_BS.cumsum(-1)
        # Without padding no mask is needed, and attention without a mask is faster.
        mask = {"attention_mask": None if bool(mask_BC.all()) else mask_BC}
        with last_position.last_position_only(self.shortcuts.last_position):
            output = self.network(
                **{**tensors, **mask, compat.CACHE: cache},
                position_ids=positions_BS,
                use_cache=True,
                logits_to_keep=1,
                **({"output_hidden_states": True} if hidden_states else {}),
            )
        layers = torch.stack([layer_BSD[:, -1] for layer_BSD in output.hidden_states[1:]], 1) if hidden_states else None
        return DecoderState(getattr(output, compat.CACHE), mask_BC, positions_BS[..., -1], output.logits[:, -1], layers)


def _rows_of_options(answers: Sequence[Sequence[Sequence[int]]], pad_id: int) -> tuple[torch.Tensor, ...]:
    """Concatenate the options of each prompt in a row, each without its last token, after which nothing is predicted.

    Returns:
        Their tokens (B, A), the index of each in its option, and the option it belongs to (-1 at padding).
    """
    rows = [[option[:-1] for option in options] for options in answers]
    ids = [[token for option in row for token in option] for row in rows]
    offsets = [[index for option in row for index in range(len(option))] for row in rows]
    owners = [[owner for owner, option in enumerate(row) for _ in option] for row in rows]
    return tuple(
        torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in values], batch_first=True, padding_value=padding)
        for values, padding in zip((ids, offsets, owners), (pad_id, 0, -1), strict=True)
    )


def _log_probabilities(
    first_V: torch.Tensor, logits_AV: torch.Tensor, owners_A: torch.Tensor, answers: Sequence[Sequence[int]]
) -> tuple[float, ...]:
    """Return the log-probability of each option: the sum over its tokens, each given the tokens before it."""
    further = torch.tensor([token for option in answers for token in option[1:]], device=first_V.device)
    owners = owners_A[: len(further)]
    tokens = logits_AV[: len(further)].float().log_softmax(-1).gather(1, further[:, None])[:, 0]
    firsts = first_V[torch.tensor([option[0] for option in answers], device=first_V.device)]
    return tuple(firsts.index_add(0, owners, tokens).tolist())
