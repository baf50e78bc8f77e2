"""What follows prompts in a batch for training: answers, which are learned, and further prompts, which are not.

Axes: B sequences, S positions of the prompts, A positions of what follows them.
"""

from collections.abc import Sequence

import torch

from ninefold.models.vlm.prompt import Tensors

IGNORED = -100
"""The label of positions outside answers, which the loss ignores."""

Piece = tuple[Sequence[int], bool]
"""Tokens, and whether they are learned."""


def continued(prompts: Tensors, rows: Sequence[Sequence[Piece]], pad_id: int) -> Tensors:
    """Return a batch of prompts, padded on the left, with what follows each, padded on the right.

    Args:
        prompts: The tensors of the prompts, (B, S) each for those of the sequence.
        rows: The pieces that follow each prompt.
        pad_id: The token of padding.

    Returns:
        The tensors, with (B, S + A) positions, and ``labels`` (B, S + A), `IGNORED` except at learned tokens.
    """
    shape_BS = prompts["input_ids"].shape
    ids_BA, labels_BA = (
        torch.nn.utils.rnn.pad_sequence(list(map(torch.tensor, values)), batch_first=True, padding_value=IGNORED)
        for values in (
            [[token for ids, _ in row for token in ids] for row in rows],
            [[token if learned else IGNORED for ids, learned in row for token in ids] for row in rows],
        )
    )
    real_BA = ids_BA != IGNORED
    more = {"input_ids": ids_BA.masked_fill(~real_BA, pad_id), "attention_mask": real_BA.long()}
    # All other arrays of the sequence, such as token types, are zero for text, and so for answers.
    names = [name for name, tensor in prompts.items() if tensor.shape == shape_BS]
    tensors = {name: torch.cat([prompts[name], more.get(name, torch.zeros_like(ids_BA))], 1) for name in names}
    labels = torch.cat([torch.full(shape_BS, IGNORED), labels_BA], 1)
    return {**prompts, **tensors, "labels": labels}
