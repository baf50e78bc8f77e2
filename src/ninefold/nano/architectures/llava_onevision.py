"""LLaVA-OneVision-1.5: a vision tower with rotary positions and a class token, and Qwen3."""

from typing import Any

import torch
from transformers import PreTrainedTokenizerFast

from ninefold.models.ports.llava_onevision_1_5.configuration import LlavaOnevision15Config
from ninefold.models.ports.llava_onevision_1_5.modeling import LlavaOnevision15ForConditionalGeneration
from ninefold.models.ports.llava_onevision_1_5.processing import (
    LlavaOnevision15ImageProcessor,
    LlavaOnevision15Processor,
)
from ninefold.nano import base
from ninefold.nano.architecture import Architecture, Steps, copy_matching
from ninefold.nano.architectures import llava, qwen2_vl
from ninefold.nano.architectures.qwen2_vl import IMAGE
from ninefold.nano.base import HEADS, LAYERS, PATCH, WIDTH


def processor(tokens: PreTrainedTokenizerFast) -> LlavaOnevision15Processor:
    """Return the processor."""
    tokens.add_special_tokens({"additional_special_tokens": list(qwen2_vl.SPECIAL)})
    images = LlavaOnevision15ImageProcessor(**qwen2_vl.IMAGE_PROCESSOR)
    return LlavaOnevision15Processor(images, tokens, chat_template=base.chat_template(IMAGE))


def untrained(tokens: PreTrainedTokenizerFast, **options: Any) -> LlavaOnevision15ForConditionalGeneration:
    """Return the model with random weights."""
    text = llava.decoder(tokens) | {"head_dim": WIDTH // HEADS, "rms_norm_eps": 1e-6}
    start, end, video = tokens.convert_tokens_to_ids(list(qwen2_vl.SPECIAL))
    config = LlavaOnevision15Config(
        vision_config={
            "depth": LAYERS,
            "embed_dim": WIDTH,
            "intermediate_size": 3 * WIDTH,
            "num_heads": HEADS,
            "patch_size": PATCH,
            "text_hidden_size": WIDTH,
        },
        text_config=text,
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
        tie_word_embeddings=True,
        **base.special_ids(tokens),
    )
    model: LlavaOnevision15ForConditionalGeneration = LlavaOnevision15ForConditionalGeneration._from_config(
        config, **options
    )
    return model


@torch.no_grad()
def initialize(model: LlavaOnevision15ForConditionalGeneration, first: Any) -> None:
    """Copy the vision tower, projector and decoder of LLaVA's nano base; Qwen3's query and key norms begin at 2."""
    donor, tower = dict(first.named_parameters()), "model.vision_tower."
    tensors = {**qwen2_vl.decoder_tensors(first), **qwen2_vl.vision_tensors(first, LAYERS)}
    tensors["model.visual.patch_embed.proj.weight"] = donor[f"{tower}embeddings.patch_embedding.weight"]
    tensors["model.visual.class_embedding"] = donor[f"{tower}embeddings.class_embedding"]
    for kind in ("weight", "bias"):
        tensors[f"model.visual.pre_layernorm.{kind}"] = donor[f"{tower}pre_layrnorm.{kind}"]
    # A normalized query has the norm sqrt(width); a scale of 2 gives attention about as sharp as in LLaVA's base.
    for layer in range(LAYERS):
        for name in "qk":
            norm = f"model.language_model.layers.{layer}.self_attn.{name}_norm.weight"
            tensors[norm] = torch.full((WIDTH // HEADS,), 2.0)
    copy_matching(model, tensors)


ARCHITECTURE = Architecture(
    family="llava-onevision",
    prompt_start=f"<user>{IMAGE}",
    processor=processor,
    untrained=untrained,
    boxes=qwen2_vl.boxes,
    steps=Steps(vision=200, position=0, language=1400),
    initialize=initialize,
    sizes=qwen2_vl.ARCHITECTURE.sizes,
    position_layer=2,
)
