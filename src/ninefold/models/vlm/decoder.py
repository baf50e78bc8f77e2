"""DecoderState prompts and writing answers greedily, with what several questions or options share computed once.

Prompts about one picture begin alike. That beginning, which holds the picture, is read once a picture; the keys and
values it leaves are copied for each question, which goes on from there. All positions are given explicitly and all
padding is masked, so that it does not matter where padding stands.

Axes: B prompts (or beginnings), S positions read now, C positions read before, A positions of all options of a prompt
in a row, V vocabulary, L layers, D width. Positions have a leading axis of their own where a family's are more than
one number (text, time, row, column).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ninefold.models import compat
from ninefold.models.shortcuts import Shortcuts
from ninefold.models.vlm.encoder import Encoder
from ninefold.models.vlm.kv_cache import new_cache
from ninefold.models.vlm.prompt import Prompt, Tensors, join, padded
from ninefold.models.vlm.reference import to_device

FINISHING = re.compile(r"(?:.*\.)?(?:layers|blocks)\.(\d+)\.(?:self_attn\.o_proj|mlp|attn_out|ff_proj)")
"""What a decoder layer does with each position alone, once attention has mixed them; the number is the layer's."""

_last_alone: ContextVar[bool] = ContextVar("_last_alone", default=False)
"""Whether, in this thread, only the last position of what the model reads is needed."""


@dataclass(slots=True)
class DecoderState:
    """What a model has read."""

    cache: Any
    """Its keys and values."""
    mask_BC: torch.Tensor
    """1 at what was read, 0 at padding."""
    last_B: torch.Tensor
    """The position of the last token."""
    logits_BV: torch.Tensor
    """What comes next."""
    states_BLD: torch.Tensor | None
    """States of the last token after every layer, where they were asked for."""

    def select(self, rows: torch.Tensor) -> None:
        """Keep these rows, in this order, each perhaps several times."""
        self.cache.batch_select_indices(rows)
        self.mask_BC = self.mask_BC[rows]
        self.last_B = self.last_B[..., rows]


class Decoder:
    """A model that reads and writes."""

    def __init__(self, model: Any, encoder: Encoder, shortcuts: Shortcuts) -> None:
        """Wrap a model of transformers, bare or with an adapter."""
        self.model = model
        self.encoder = encoder
        self.shortcuts = shortcuts
        self._bare = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._ends = torch.tensor(encoder.end_ids, device=model.device)
        if shortcuts.last_position:
            _finish_last_alone(self._bare)

    @torch.inference_mode()
    def answers(self, prompts: Sequence[Prompt], max_new_tokens: int) -> list[list[int]]:
        """Return the tokens of each answer; what follows an end token means nothing."""
        reading = self.read(prompts)
        written: list[list[int]] = [[] for _ in prompts]
        rows = torch.arange(len(prompts), device=self.model.device)
        going_B = torch.ones_like(rows, dtype=torch.bool)
        for left in range(max_new_tokens - 1, -1, -1):
            tokens_B = reading.logits_BV.argmax(-1)
            for row, token in zip(rows.tolist(), tokens_B.tolist(), strict=True):
                written[row].append(token)
            going_B = going_B & torch.isin(tokens_B, self._ends, invert=True)
            if not (left and going_B.any()):
                break
            # To drop a row is to copy all the others.
            if 2 * int(going_B.sum()) <= len(rows):
                kept = going_B.nonzero()[:, 0]
                rows, tokens_B, going_B = rows[kept], tokens_B[kept], going_B[kept]
                reading.select(kept)
            next_B1 = tokens_B[:, None]
            reading = self._read_on(reading, {"input_ids": next_B1}, torch.ones_like(next_B1))
        return written

    @torch.inference_mode()
    def scores(self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]) -> list[tuple[float, ...]]:
        """Return the log-probability of answering each prompt with each of its options.

        The prompt is read once. Its options are read together in one row, each seeing the prompt and itself alone.
        """
        reading = self.read(prompts)
        answers = [[self.encoder.answer_ids(option) for option in choices] for choices in options]
        ids_BA, offsets_BA, owners_BA = (
            tensor.to(self.model.device) for tensor in _packed(answers, self.encoder.pad_id)
        )
        own_BAA = (owners_BA[:, :, None] == owners_BA[:, None]).tril()
        before_BAC = reading.mask_BC[:, None].bool().expand(-1, ids_BA.shape[1], -1)
        seen_BAC = torch.cat([before_BAC, own_BAA], -1)
        mask_BAC = torch.zeros(seen_BAC.shape, dtype=self.model.dtype, device=self.model.device)
        logits_BAV = self.model(
            input_ids=ids_BA,
            attention_mask=mask_BAC.masked_fill_(~seen_BAC, torch.finfo(mask_BAC.dtype).min)[:, None],
            position_ids=reading.last_B[..., None] + 1 + offsets_BA,
            use_cache=True,
            **{compat.CACHE: reading.cache},
        ).logits
        first_BV = reading.logits_BV.float().log_softmax(-1)
        return [_chances(*row) for row in zip(first_BV, logits_BAV, owners_BA, answers, strict=True)]

    @torch.inference_mode()
    def states(self, prompts: Sequence[Prompt]) -> np.ndarray:
        """Return the states (B, L, D) of each prompt's last token after every layer, in single precision."""
        found = self.read(prompts, states=True).states_BLD
        assert found is not None
        return found.float().cpu().numpy()

    def read(self, prompts: Sequence[Prompt], *, states: bool = False) -> DecoderState:
        """Read prompts to their last token."""
        owners, begun, lengths = beginnings(prompts)
        if not self.shortcuts.prefix_reuse or len(begun) == len(prompts):
            return self._read_on(None, *self._joined(prompts), states=states)
        reading = self._read_on(None, *self._joined(begun))
        reading.select(torch.tensor(owners, device=self.model.device))
        rest = [{"input_ids": prompt.ids[lengths[owner] :]} for prompt, owner in zip(prompts, owners, strict=True)]
        tensors = to_device(self.model, padded(rest, self.encoder.pad_id))
        return self._read_on(reading, tensors, tensors.pop("attention_mask"), states=states)

    def _joined(self, prompts: Sequence[Prompt]) -> tuple[Tensors, torch.Tensor]:
        """Return a batch, and its mask apart."""
        tensors = to_device(self.model, join(prompts, self.encoder.pad_id))
        return tensors, tensors.pop("attention_mask")

    def _read_on(
        self, before: DecoderState | None, tensors: Tensors, mask_BS: torch.Tensor, *, states: bool = False
    ) -> DecoderState:
        if before is None:
            cache, whole_BC = new_cache(self._bare.config), mask_BS
            tensors = {**tensors, "attention_mask": mask_BS}
            places_BS = self._bare._prepare_position_ids_for_generation(tensors["input_ids"], dict(tensors))
        else:
            cache, whole_BC = before.cache, torch.cat([before.mask_BC, mask_BS], 1)
            places_BS = before.last_B[..., None] + mask_BS.cumsum(-1)
        # Without padding there is nothing to mask, and attention is faster where it need not look.
        mask = {"attention_mask": None if bool(whole_BC.all()) else whole_BC}
        with _last_only(self.shortcuts.last_position):
            found = self.model(
                **{**tensors, **mask, compat.CACHE: cache},
                position_ids=places_BS,
                use_cache=True,
                logits_to_keep=1,
                **({"output_hidden_states": True} if states else {}),
            )
        layers = torch.stack([layer_BSD[:, -1] for layer_BSD in found.hidden_states[1:]], 1) if states else None
        return DecoderState(found[compat.CACHE], whole_BC, places_BS[..., -1], found.logits[:, -1], layers)


def _packed(answers: Sequence[Sequence[Sequence[int]]], pad_id: int) -> tuple[torch.Tensor, ...]:
    """Put the options of each prompt in a row, each without its last token, which nothing follows.

    Returns:
        Their tokens (B, A), the place of each in its option, and the option it belongs to (-1 at padding).
    """
    rows = [[option[:-1] for option in options] for options in answers]
    ids = [[token for option in row for token in option] for row in rows]
    offsets = [[place for option in row for place in range(len(option))] for row in rows]
    owners = [[owner for owner, option in enumerate(row) for _ in option] for row in rows]
    fillers = (pad_id, 0, -1)
    return tuple(
        torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in found], batch_first=True, padding_value=filler)
        for found, filler in zip((ids, offsets, owners), fillers, strict=True)
    )


def _chances(
    first_V: torch.Tensor, logits_AV: torch.Tensor, owners_A: torch.Tensor, answers: Sequence[Sequence[int]]
) -> tuple[float, ...]:
    """Return the log-probability of each option: of its first token, and of each further one after those before it."""
    further = torch.tensor([token for option in answers for token in option[1:]], device=first_V.device)
    owners = owners_A[: len(further)]
    chances = logits_AV[: len(further)].float().log_softmax(-1).gather(1, further[:, None])[:, 0]
    begun = first_V[torch.tensor([option[0] for option in answers], device=first_V.device)]
    return tuple(begun.index_add(0, owners, chances).tolist())


def beginnings(prompts: Sequence[Prompt]) -> tuple[list[int], list[Prompt], list[int]]:
    """Return which beginning each prompt has, the beginnings, one a picture, and how long they are."""
    groups: dict[int, list[int]] = {}
    for place, prompt in enumerate(prompts):
        groups.setdefault(id(prompt.image), []).append(place)
    owners, begun, lengths = [0] * len(prompts), [], []
    for owner, places in enumerate(groups.values()):
        first = prompts[places[0]]
        length = min(_common(first.ids, prompts[place].ids) for place in places)
        begun.append(Prompt({name: values[:length] for name, values in first.sequence.items()}, first.image))
        lengths.append(length)
        for place in places:
            owners[place] = owner
    return owners, begun, lengths


def _common(one_S: np.ndarray, other_S: np.ndarray) -> int:
    """Return how many tokens two prompts begin with alike, less their last one, which must be read to answer."""
    size = min(len(one_S), len(other_S)) - 1
    differs = np.flatnonzero(one_S[:size] != other_S[:size])
    return int(differs[0]) if len(differs) else size


@contextmanager
def _last_only(wanted: bool) -> Iterator[None]:
    token = _last_alone.set(wanted)
    try:
        yield
    finally:
        _last_alone.reset(token)


def _finish_last_alone(model: Any) -> None:
    """Let the last decoder layer finish the last position alone, whenever no other is needed.

    What it adds to that one position is spread over all of them, which is wrong for the others and right for the last.
    """
    named = [
        (found, module) for name, module in model.get_decoder().named_modules() if (found := FINISHING.fullmatch(name))
    ]
    last = max((int(found[1]) for found, _ in named), default=None)
    for found, module in named:
        if int(found[1]) == last and _last_position not in module._forward_pre_hooks.values():
            module.register_forward_pre_hook(_last_position)


def _last_position(_: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
    return (arguments[0][:, -1:], *arguments[1:]) if arguments and _last_alone.get() else None
