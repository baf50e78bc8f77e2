"""LLaVA: CLIP's vision tower, two linear layers, Llama. The embedded default, trained from scratch."""

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

from ninefold.nano import base
from ninefold.nano.architecture import Architecture, Steps, grid
from ninefold.nano.base import HEADS, PATCH, SIDE


def processor(tokens: PreTrainedTokenizerFast) -> LlavaProcessor:
    """Return the processor: resize to a square without a crop (a crop would move objects), then normalize."""
    images = CLIPImageProcessorPil(
        size={"height": SIDE, "width": SIDE},
        do_center_crop=False,
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )
    return LlavaProcessor(images, tokens, **processor_options())


def processor_options() -> dict[str, Any]:
    """Return the settings of a processor for this tower, which LLaVA-NeXT shares."""
    return {
        "patch_size": PATCH,
        "vision_feature_select_strategy": "default",
        "num_additional_image_tokens": 1,
        "chat_template": base.chat_template(),
    }


def vision_config(image_size: int) -> CLIPVisionConfig:
    """Return the vision tower's configuration."""
    return CLIPVisionConfig(
        hidden_size=base.WIDTH,
        intermediate_size=3 * base.WIDTH,
        num_hidden_layers=base.LAYERS,
        num_attention_heads=HEADS,
        image_size=image_size,
        patch_size=PATCH,
        projection_dim=base.WIDTH,
    )


def decoder(tokens: PreTrainedTokenizerFast) -> dict[str, Any]:
    """Return the settings of the decoder, which other families share."""
    return {
        "vocab_size": len(tokens),
        "hidden_size": base.WIDTH,
        "intermediate_size": 5 * base.WIDTH // 2,
        "num_hidden_layers": base.LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "max_position_embeddings": 2048,
        # A name is matched to an image token by content, hundreds of tokens away. This needs head dimensions whose
        # rotary angle hardly changes over such a distance, and a head has only 32 dimensions.
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e7},
        # At this width the usual 0.02 makes queries and keys so small that attention to names is learned very late.
        "initializer_range": 0.08,
        "tie_word_embeddings": True,
        **base.special_ids(tokens),
    }


def untrained(tokens: PreTrainedTokenizerFast, **options: Any) -> LlavaForConditionalGeneration:
    """Return the model with random weights: about 1.7 million parameters."""
    return LlavaForConditionalGeneration._from_config(LlavaConfig(**model_options(tokens, SIDE)), **options)


def model_options(tokens: PreTrainedTokenizerFast, image_size: int) -> dict[str, Any]:
    """Return the settings of vision tower, projector and decoder, which LLaVA-NeXT shares."""
    return {
        "vision_config": vision_config(image_size),
        "text_config": LlamaConfig(**decoder(tokens)),
        "image_token_index": tokens.convert_tokens_to_ids("<image>"),
        "vision_feature_layer": -1,
        "vision_feature_select_strategy": "default",
        "image_seq_length": (image_size // PATCH) ** 2,
        "tie_word_embeddings": True,
        **base.special_ids(tokens),
    }


def boxes(_: dict[str, Tensor]) -> NDArray[np.float32]:
    """Return the part of the image that each image token shows: a patch."""
    return grid(SIDE // PATCH, SIDE // PATCH)


ARCHITECTURE = Architecture(
    family="llava",
    prompt_start="<user><image>",
    processor=processor,
    untrained=untrained,
    boxes=boxes,
    steps=Steps(vision=1200, position=250, language=2000),
)
