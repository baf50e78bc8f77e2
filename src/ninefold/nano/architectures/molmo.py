"""Molmo: overlapping crops, pooled two by two into image tokens; the decoder is that of 7B-D."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedTokenizerFast

from ninefold.models.ports.molmo.configuration import MolmoConfig
from ninefold.models.ports.molmo.image_processing import LAYOUT_TOKENS, MolmoImageProcessor
from ninefold.models.ports.molmo.modeling import MolmoForConditionalGeneration
from ninefold.models.ports.molmo.processing import IMAGE_TOKEN, MolmoProcessor
from ninefold.nano import base
from ninefold.nano.architecture import Architecture, Steps, copy_matching, grid
from ninefold.nano.base import HEADS, LAYERS, PATCH, SIDE, WIDTH

ROWS = 8
"""Patches along a crop; it shares two at each side with its neighbor: a square image has 12 x 12."""

TAPS = (-1, -2)
INNER = 5 * WIDTH // 2


def processor(tokens: PreTrainedTokenizerFast) -> MolmoProcessor:
    """Return the processor; an image has at most two tiles by two."""
    tokens.add_special_tokens({"additional_special_tokens": [*LAYOUT_TOKENS, IMAGE_TOKEN]})
    images = MolmoImageProcessor(
        base_image_input_size=(ROWS * PATCH, ROWS * PATCH),
        image_patch_size=PATCH,
        max_crops=4,
        overlap_margins=(2, 2),
        image_token_length_h=ROWS // 2,
        image_token_length_w=ROWS // 2,
        image_mean=(0.5, 0.5, 0.5),
        image_std=(0.5, 0.5, 0.5),
    )
    return MolmoProcessor(images, tokens, chat_template=base.chat_template(IMAGE_TOKEN, first=True))


def untrained(tokens: PreTrainedTokenizerFast, **options: Any) -> MolmoForConditionalGeneration:
    """Return the model with random weights."""
    layout = len(LAYOUT_TOKENS) + 1
    config = MolmoConfig(
        vocab_size=len(tokens) - layout,
        embedding_size=len(tokens) - layout,
        additional_vocab_size=layout,
        hidden_size=WIDTH,
        intermediate_size=2 * INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=2048,
        rope_parameters={"rope_type": "default", "rope_theta": 1e7},
        initializer_range=0.08,
        image_default_input_size=(ROWS * PATCH, ROWS * PATCH),
        image_patch_size=PATCH,
        image_pos_patch_size=PATCH,
        image_emb_dim=WIDTH,
        image_num_heads=HEADS,
        image_num_key_value_heads=HEADS,
        image_num_layers=LAYERS,
        image_head_dim=WIDTH // HEADS,
        image_mlp_dim=3 * WIDTH,
        image_num_pos=ROWS * ROWS + 1,
        vit_layers=TAPS,
        **base.special_ids(tokens),
    )
    model: MolmoForConditionalGeneration = MolmoForConditionalGeneration._from_config(config, **options)
    return model


def boxes(_: dict[str, Tensor]) -> NDArray[np.float32]:
    """Return the part of a square image that each token shows: 4 x 4 of the thumbnail, then 6 x 6 of the tiles."""
    tiles = 2 * (ROWS - 4) + 4
    return np.concatenate([grid(ROWS // 2, ROWS // 2), grid(tiles // 2, tiles // 2)])


@torch.no_grad()
def initialize(model: MolmoForConditionalGeneration, first: Any) -> None:
    """Copy the vision tower and decoder of LLaVA's nano base; pooling begins as the mean of the last block's output."""
    donor = dict(first.named_parameters())
    tensors = _vision(donor) | _decoder(donor)
    pooling = "model.vision_backbone.image_pooling_2d."
    tensors[f"{pooling}wv.weight"] = torch.eye(WIDTH)
    tensors[f"{pooling}wo.weight"] = torch.eye(WIDTH)
    copy_matching(model, tensors)


def _vision(donor: dict[str, Tensor]) -> dict[str, Tensor]:
    old, new = "model.vision_tower.", "model.vision_backbone.image_vit."
    patches = donor[f"{old}embeddings.patch_embedding.weight"]
    positions, whole = donor[f"{old}embeddings.position_embedding.weight"], SIDE // PATCH
    table = positions[1:].T.reshape(1, -1, whole, whole)
    fewer = functional.interpolate(table, (ROWS, ROWS), mode="bilinear", antialias=True).flatten(2)[0].T
    found = {
        f"{new}patch_embedding.weight": patches.permute(0, 2, 3, 1).flatten(1),
        f"{new}class_embedding": donor[f"{old}embeddings.class_embedding"],
        f"{new}positional_embedding": torch.cat([positions[:1], fewer]),
    }
    names = {"pre_ln": "pre_layrnorm"}
    for block in range(LAYERS):
        ours, theirs = f"transformer.resblocks.{block}.", f"encoder.layers.{block}."
        names |= {f"{ours}attention.w{name}": f"{theirs}self_attn.{name}_proj" for name in "qkv"}
        names[f"{ours}attention.wo"] = f"{theirs}self_attn.out_proj"
        names |= {f"{ours}feed_forward.w{i}": f"{theirs}mlp.fc{i}" for i in (1, 2)}
        names |= {f"{ours}attention_norm": f"{theirs}layer_norm1", f"{ours}ffn_norm": f"{theirs}layer_norm2"}
    for kind in ("weight", "bias"):
        found |= {f"{new}{ours}.{kind}": donor[f"{old}{theirs}.{kind}"] for ours, theirs in names.items()}
    return found


def _decoder(donor: dict[str, Tensor]) -> dict[str, Tensor]:
    old, new = "model.language_model.", "model.transformer."
    # Embeddings of image tokens are a separate table, which is not copied.
    words = donor[f"{old}embed_tokens.weight"]
    found = {
        f"{new}wte.embedding": words,
        f"{new}ff_out.weight": words,
        f"{new}ln_f.weight": donor[f"{old}norm.weight"],
    }
    for layer in range(LAYERS):
        ours, theirs = f"{new}blocks.{layer}.", f"{old}layers.{layer}."
        fused = [donor[f"{theirs}self_attn.{name}_proj.weight"] for name in "qkv"]
        found[f"{ours}att_proj.weight"] = torch.cat(fused)
        found[f"{ours}ff_proj.weight"] = torch.cat(
            [donor[f"{theirs}mlp.{name}_proj.weight"] for name in ("up", "gate")]
        )
        for name, other in (
            ("attn_out", "self_attn.o_proj"),
            ("ff_out", "mlp.down_proj"),
            ("attn_norm", "input_layernorm"),
            ("ff_norm", "post_attention_layernorm"),
        ):
            found[f"{ours}{name}.weight"] = donor[f"{theirs}{other}.weight"]
    return found


ARCHITECTURE = Architecture(
    family="molmo",
    prompt_start=f"{IMAGE_TOKEN}<user>",
    processor=processor,
    untrained=untrained,
    boxes=boxes,
    steps=Steps(vision=0, position=0, language=700),
    initialize=initialize,
    image_token=LAYOUT_TOKENS[2],
)
