"""Qwen2-VL: any resolution, positions by rotation alone, four patches to an image token."""

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
from ninefold.nano import build
from ninefold.nano.architecture import Lengths, Shape, copy_matching, grid
from ninefold.nano.architectures import llava
from ninefold.nano.build import HEADS, PATCH, SIDE, WIDTH

DEPTH = 3
"""Blocks of the vision tower: with the merger, a fourth would not fit in four megabytes."""

PICTURE = "<|vision_start|><image><|vision_end|>"
SPECIAL = ("<|vision_start|>", "<|vision_end|>", "<|video_pad|>")


PIXELS = {
    "patch_size": PATCH,
    "min_pixels": SIDE * SIDE // 4,
    "max_pixels": SIDE * SIDE,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
"""Settings of the image processor: a picture keeps its aspect ratio and takes at most as many pixels as a square."""


def processor(tokens: PreTrainedTokenizerFast) -> Any:
    """Return the processor."""
    tokens.add_special_tokens({"additional_special_tokens": list(SPECIAL)})
    return without_video(Qwen2VLProcessor)(
        Qwen2VLImageProcessorPil(**PIXELS), tokens, chat_template=build.chat_template(PICTURE)
    )


def untrained(tokens: PreTrainedTokenizerFast, **options: Any) -> Qwen2VLForConditionalGeneration:
    """Return the model with fresh weights."""
    text = llava.decoder(tokens) | {
        # Of a head's 16 rotations two are for the order of the text, and seven each for rows and columns; the base is
        # low enough for the last of them to tell columns apart at all.
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
        **build.special_ids(tokens),
    )
    return Qwen2VLForConditionalGeneration._from_config(config, **options)


def boxes(inputs: dict[str, Tensor]) -> NDArray[np.float32]:
    """Return what each image token shows: two by two patches."""
    _, rows, columns = inputs["image_grid_thw"][0].tolist()
    return grid(rows // 2, columns // 2)


def eye_tensors(first: Any, depth: int) -> dict[str, Tensor]:
    """Return what a vision tower with fused attention can take of the first base's, by its own names.

    A merged token begins as the sum of what the first base's projector makes of its four patches.
    """
    donor = dict(first.named_parameters())
    tower, hand = "model.vision_tower.", "model.multi_modal_projector."
    found: dict[str, Tensor] = {}
    for block in range(depth):
        # The first blocks find shapes and the last one names them: what is left out lies between.
        old = f"{tower}encoder.layers.{block if block < depth - 1 else build.LAYERS - 1}."
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
    """Return the first base's decoder, by its names in classes whose decoder is called ``language_model``, too."""
    return {name: tensor for name, tensor in first.named_parameters() if ".language_model." in name}


@torch.no_grad()
def graft(model: Qwen2VLForConditionalGeneration, first: Any) -> None:
    """Take the first base's blocks, projector and decoder; what Qwen2 adds to them, biases, begins at nothing."""
    patches = dict(first.named_parameters())["model.vision_tower.embeddings.patch_embedding.weight"]
    tensors = {**decoder_tensors(first), **eye_tensors(first, DEPTH)}
    # The two frames of a still picture are the same.
    tensors["model.visual.patch_embed.proj.weight"] = patches[:, :, None].repeat(1, 1, 2, 1, 1) / 2
    copy_matching(model, tensors)


SHAPE = Shape(
    family="qwen2-vl",
    opening=f"<user>{PICTURE}",
    processor=processor,
    untrained=untrained,
    boxes=boxes,
    lengths=Lengths(eye=200, place=0, talk=1400),
    places_after=2,
    graft=graft,
    sizes=((SIDE, SIDE), (8 * 2 * PATCH, 6 * 2 * PATCH), (6 * 2 * PATCH, 8 * 2 * PATCH)),
)
