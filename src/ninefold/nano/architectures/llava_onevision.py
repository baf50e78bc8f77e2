"""LLaVA-OneVision-1.5: a tower with rotated positions and a class token to measure them from, and Qwen3."""

from typing import Any

import torch
from transformers import PreTrainedTokenizerFast

from ninefold.models.ports.llava_onevision_1_5.configuration import LlavaOnevision15Config
from ninefold.models.ports.llava_onevision_1_5.modeling import LlavaOnevision15ForConditionalGeneration
from ninefold.models.ports.llava_onevision_1_5.processing import (
    LlavaOnevision15ImageProcessor,
    LlavaOnevision15Processor,
)
from ninefold.nano import build
from ninefold.nano.architecture import Lengths, Shape, copy_matching
from ninefold.nano.architectures import llava, qwen2_vl
from ninefold.nano.architectures.qwen2_vl import PICTURE
from ninefold.nano.build import HEADS, LAYERS, PATCH, WIDTH


def processor(tokens: PreTrainedTokenizerFast) -> LlavaOnevision15Processor:
    """Return the processor."""
    tokens.add_special_tokens({"additional_special_tokens": list(qwen2_vl.SPECIAL)})
    pictures = LlavaOnevision15ImageProcessor(**qwen2_vl.PIXELS)
    return LlavaOnevision15Processor(pictures, tokens, chat_template=build.chat_template(PICTURE))


def untrained(tokens: PreTrainedTokenizerFast, **options: Any) -> LlavaOnevision15ForConditionalGeneration:
    """Return the model with fresh weights."""
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
        **build.special_ids(tokens),
    )
    model: LlavaOnevision15ForConditionalGeneration = LlavaOnevision15ForConditionalGeneration._from_config(
        config, **options
    )
    return model


@torch.no_grad()
def graft(model: LlavaOnevision15ForConditionalGeneration, first: Any) -> None:
    """Take the first base's tower, projector and decoder; Qwen3's norms of queries and keys begin as large as those."""
    donor, tower = dict(first.named_parameters()), "model.vision_tower."
    tensors = {**qwen2_vl.decoder_tensors(first), **qwen2_vl.eye_tensors(first, LAYERS)}
    tensors["model.visual.patch_embed.proj.weight"] = donor[f"{tower}embeddings.patch_embedding.weight"]
    tensors["model.visual.class_embedding"] = donor[f"{tower}embeddings.class_embedding"]
    for kind in ("weight", "bias"):
        tensors[f"model.visual.pre_layernorm.{kind}"] = donor[f"{tower}pre_layrnorm.{kind}"]
    # A normed query is as long as the root of its width; what the first base's were decides how sharply it looks.
    for layer in range(LAYERS):
        for name in "qk":
            norm = f"model.language_model.layers.{layer}.self_attn.{name}_norm.weight"
            tensors[norm] = torch.full((WIDTH // HEADS,), 2.0)
    copy_matching(model, tensors)


SHAPE = Shape(
    family="llava-onevision",
    opening=f"<user>{PICTURE}",
    processor=processor,
    untrained=untrained,
    boxes=qwen2_vl.boxes,
    lengths=Lengths(eye=200, place=0, talk=1400),
    graft=graft,
    sizes=qwen2_vl.SHAPE.sizes,
    places_after=2,
)
