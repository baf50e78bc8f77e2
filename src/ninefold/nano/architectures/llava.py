"""LLaVA: CLIP's tower, two linear layers, Llama. The first base, and the embedded default."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from ninefold.nano import build
from ninefold.nano.architecture import Lengths, Shape, grid
from ninefold.nano.build import HEADS, PATCH, SIDE


def processor(tokens: PreTrainedTokenizerFast) -> LlavaProcessor:
    """Return the processor: squeeze to the square, no crop (a crop would move things), then a plain normalization."""
    images = CLIPImageProcessorPil(
        size={"height": SIDE, "width": SIDE},
        do_center_crop=False,
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )
    return LlavaProcessor(images, tokens, **reading())


def reading() -> dict[str, Any]:
    """Return the settings of a processor for this tower, which LLaVA-NeXT shares."""
    return {
        "patch_size": PATCH,
        "vision_feature_select_strategy": "default",
        "num_additional_image_tokens": 1,
        "chat_template": build.chat_template(),
    }


def eye(image_size: int) -> CLIPVisionConfig:
    """Return the vision tower's configuration."""
    return CLIPVisionConfig(
        hidden_size=build.WIDTH,
        intermediate_size=3 * build.WIDTH,
        num_hidden_layers=build.LAYERS,
        num_attention_heads=HEADS,
        image_size=image_size,
        patch_size=PATCH,
        projection_dim=build.WIDTH,
    )


def decoder(tokens: PreTrainedTokenizerFast) -> dict[str, Any]:
    """Return the settings of the decoder, which other families share."""
    return {
        "vocab_size": len(tokens),
        "hidden_size": build.WIDTH,
        "intermediate_size": 5 * build.WIDTH // 2,
        "num_hidden_layers": build.LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "max_position_embeddings": 2048,
        # A name is matched to an image token by content, hundreds of tokens away: that takes dimensions of a head
        # that hardly turn over such a distance, and a head has only 32 in all.
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e7},
        # At this width the usual 0.02 keeps queries and keys so small that matching a name takes ages to begin.
        "initializer_range": 0.08,
        "tie_word_embeddings": True,
        **build.special_ids(tokens),
    }


def untrained(tokens: PreTrainedTokenizerFast, **options: Any) -> LlavaForConditionalGeneration:
    """Return the model with fresh weights: about 1.7 million parameters."""
    return LlavaForConditionalGeneration._from_config(LlavaConfig(**halves(tokens, SIDE)), **options)


def halves(tokens: PreTrainedTokenizerFast, image_size: int) -> dict[str, Any]:
    """Return the settings of the tower, the decoder and what joins them, which LLaVA-NeXT shares."""
    return {
        "vision_config": eye(image_size),
        "text_config": LlamaConfig(**decoder(tokens)),
        "image_token_index": tokens.convert_tokens_to_ids("<image>"),
        "vision_feature_layer": -1,
        "vision_feature_select_strategy": "default",
        "image_seq_length": (image_size // PATCH) ** 2,
        "tie_word_embeddings": True,
        **build.special_ids(tokens),
    }


def boxes(_: dict[str, Tensor]) -> NDArray[np.float32]:
    """Return what each image token shows: a patch."""
    return grid(SIDE // PATCH, SIDE // PATCH)


SHAPE = Shape(
    family="llava",
    opening="<user><image>",
    processor=processor,
    untrained=untrained,
    boxes=boxes,
    lengths=Lengths(eye=1200, place=250, talk=2000),
)
