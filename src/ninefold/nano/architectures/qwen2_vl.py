"""Qwen2-VL: any resolution, rotary positions, four patches per image token."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessorPil,
    Qwen2VLProcessor,
)

from ninefold.models.compat import without_video
from ninefold.nano import base
from ninefold.nano.architecture import Architecture, Steps, copy_matching, grid
from ninefold.nano.architectures import llava
from ninefold.nano.base import HEADS, PATCH, SIDE, WIDTH

DEPTH = 3
"""Blocks of the vision tower; with a fourth the base would exceed four megabytes."""

IMAGE = "<|vision_start|><image><|vision_end|>"
SPECIAL = ("<|vision_start|>", "<|vision_end|>", "<|video_pad|>")


IMAGE_PROCESSOR = {
    "patch_size": PATCH,
    "min_pixels": SIDE * SIDE // 4,
    "max_pixels": SIDE * SIDE,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
"""Settings of the image processor: an image keeps its aspect ratio and has at most as many pixels as the square."""


def processor(tokens: PreTrainedTokenizerFast) -> Any:
    """Return the processor."""
    tokens.add_special_tokens({"additional_special_tokens": list(SPECIAL)})
    return without_video(Qwen2VLProcessor)(
        Qwen2VLImageProcessorPil(**IMAGE_PROCESSOR), tokens, chat_template=base.chat_template(IMAGE)
    )


def untrained(tokens: PreTrainedTokenizerFast, **options: Any) -> Qwen2VLForConditionalGeneration:
    """Return the model with random weights."""
    text = llava.decoder(tokens) | {
        # Of a head's 16 rotary frequencies, two are for text order and seven each for rows and columns; theta is small
        # enough for the slowest of them to distinguish columns.
        "rope_parameters": {"rope_type": "default", "rope_theta": 300.0, "mrope_section": [2, 7, 7]}
    }
    start, end, video = tokens.convert_tokens_to_ids(list(SPECIAL))
    config = Qwen2VLConfig(
        vision_config={
            "depth": DEPTH,
            "embed_dim": WIDTH,
            "hidden_size": WIDTH,
            "num_heads": HEADS,
            "mlp_ratio": 3,
            "patch_size": PATCH,
        },
        text_config=text,
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
        tie_word_embeddings=True,
        **base.special_ids(tokens),
    )
    return Qwen2VLForConditionalGeneration._from_config(config, **options)


def boxes(inputs: dict[str, Tensor]) -> NDArray[np.float32]:
    """Return the part of the image that each image token shows: 2 x 2 patches."""
    _, rows, columns = inputs["image_grid_thw"][0].tolist()
    return grid(rows // 2, columns // 2)


def vision_tensors(first: Any, depth: int) -> dict[str, Tensor]:
    """Return the weights of LLaVA's vision tower and projector under the names of a tower with fused attention.

    A merged token begins as the sum of the projections of its four patches.
    """
    donor = dict(first.named_parameters())
    tower, hand = "model.vision_tower.", "model.multi_modal_projector."
    found: dict[str, Tensor] = {}
    for block in range(depth):
        # The first blocks detect shapes and the last one classifies them: blocks between are left out.
        old = f"{tower}encoder.layers.{block if block < depth - 1 else base.LAYERS - 1}."
        new = f"model.visual.blocks.{block}."
        for kind in ("weight", "bias"):
            fused = [donor[f"{old}self_attn.{name}_proj.{kind}"] for name in "qkv"]
            found[f"{new}attn.qkv.{kind}"] = torch.cat(fused)
            for ours, theirs in (
                ("attn.proj", "self_attn.out_proj"),
                ("norm1", "layer_norm1"),
                ("norm2", "layer_norm2"),
                ("mlp.fc1", "mlp.fc1"),
                ("mlp.fc2", "mlp.fc2"),
            ):
                found[f"{new}{ours}.{kind}"] = donor[f"{old}{theirs}.{kind}"]
    found["model.visual.merger.mlp.0.weight"] = torch.kron(torch.eye(4), donor[f"{hand}linear_1.weight"])
    found["model.visual.merger.mlp.0.bias"] = donor[f"{hand}linear_1.bias"].repeat(4)
    found["model.visual.merger.mlp.2.weight"] = donor[f"{hand}linear_2.weight"].repeat(1, 4)
    found["model.visual.merger.mlp.2.bias"] = donor[f"{hand}linear_2.bias"]
    return found


def decoder_tensors(first: Any) -> dict[str, Tensor]:
    """Return the decoder weights of LLaVA's nano base, for classes whose decoder is named ``language_model``."""
    return {name: tensor for name, tensor in first.named_parameters() if ".language_model." in name}


@torch.no_grad()
def initialize(model: Qwen2VLForConditionalGeneration, first: Any) -> None:
    """Copy the blocks, projector and decoder of LLaVA's nano base; biases that Qwen2 adds begin at zero."""
    patches = dict(first.named_parameters())["model.vision_tower.embeddings.patch_embedding.weight"]
    tensors = {**decoder_tensors(first), **vision_tensors(first, DEPTH)}
    # The two frames of a still image are the same.
    tensors["model.visual.patch_embed.proj.weight"] = patches[:, :, None].repeat(1, 1, 2, 1, 1) / 2
    copy_matching(model, tensors)


ARCHITECTURE = Architecture(
    family="qwen2-vl",
    prompt_start=f"<user>{IMAGE}",
    processor=processor,
    untrained=untrained,
    boxes=boxes,
    steps=Steps(vision=200, position=0, language=1400),
    position_layer=2,
    initialize=initialize,
    sizes=((SIDE, SIDE), (8 * 2 * PATCH, 6 * 2 * PATCH), (6 * 2 * PATCH, 8 * 2 * PATCH)),
)
