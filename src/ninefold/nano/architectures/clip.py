"""CLIP: LLaVA's vision tower and a text tower with comparable outputs."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers.processors import TemplateProcessing
from torch import Tensor
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, PreTrainedTokenizerFast

from ninefold.nano.architecture import Architecture, Steps, copy_matching, grid
from ninefold.nano.architectures import llava
from ninefold.nano.base import HEADS, LAYERS, PATCH, SIDE, WIDTH

BEGIN, END = "<|startoftext|>", "<|endoftext|>"


class PairProcessor:
    """CLIP's tokenizer and image processor, saved side by side as in CLIP's releases."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, image_processor: CLIPImageProcessorPil) -> None:
        self.tokenizer = tokenizer
        self.image_processor = image_processor

    def __call__(self, *, text: list[str], images: list[Any], return_tensors: str) -> dict[str, Tensor]:
        """Return the tensors of images and texts."""
        read = self.tokenizer(text, padding=True, return_tensors=return_tensors) if text else {}
        pixels = self.image_processor([image for row in images for image in row], return_tensors=return_tensors)
        return {**read, **pixels}

    def save_pretrained(self, folder: Any) -> None:
        """Write both."""
        self.tokenizer.save_pretrained(folder)
        self.image_processor.save_pretrained(folder)


def processor(tokens: PreTrainedTokenizerFast) -> PairProcessor:
    """Return the processor; every text begins and ends with a special token, as CLIP's do."""
    tokens.add_special_tokens({"bos_token": BEGIN, "eos_token": END})
    begin, end = tokens.convert_tokens_to_ids([BEGIN, END])
    tokens.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{BEGIN} $A {END}", special_tokens=[(BEGIN, begin), (END, end)]
    )
    tokens.chat_template = None
    tokens.model_max_length = 77
    return PairProcessor(tokens, llava.processor(tokens).image_processor)


def untrained(tokens: PreTrainedTokenizerFast, **options: Any) -> CLIPModel:
    """Return the model with random weights."""
    size = {
        "hidden_size": WIDTH,
        "intermediate_size": 3 * WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
    }
    special = {
        "bos_token_id": tokens.bos_token_id,
        "eos_token_id": tokens.eos_token_id,
        "pad_token_id": tokens.pad_token_id,
    }
    config = CLIPConfig(
        vision_config={**size, "image_size": SIDE, "patch_size": PATCH},
        text_config={
            **size,
            **special,
            "num_hidden_layers": 2,
            "vocab_size": len(tokens),
            "max_position_embeddings": 77,
        },
        projection_dim=WIDTH,
        **special,
    )
    # Attention is not supervised: its weights are not needed, and fused kernels can be used.
    return CLIPModel._from_config(config, **{**options, "attn_implementation": "sdpa"})


def boxes(_: dict[str, Tensor]) -> NDArray[np.float32]:
    """Return the part of the image that each patch shows."""
    return grid(SIDE // PATCH, SIDE // PATCH)


@torch.no_grad()
def initialize(model: CLIPModel, first: Any) -> None:
    """Copy the vision tower and the word embeddings of LLaVA's nano base."""
    donor, tower = dict(first.named_parameters()), "model.vision_tower."
    tensors = {f"vision_model.{name.removeprefix(tower)}": p for name, p in donor.items() if name.startswith(tower)}
    words = donor["model.language_model.embed_tokens.weight"]
    copy_matching(model, {**tensors, "text_model.embeddings.token_embedding.weight": 0.1 * words})


ARCHITECTURE = Architecture(
    family="clip",
    prompt_start="",
    processor=processor,
    untrained=untrained,
    boxes=boxes,
    steps=Steps(vision=0, position=0, language=900),
    initialize=initialize,
)
