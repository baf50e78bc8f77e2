"""Mid-size models of random parameters: real classes, large enough that Python's share of the time is small."""

from pathlib import Path

import torch
from transformers import (
    AutoProcessor,
    AutoTokenizer,
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessorPil,
)

from ninefold.models.checkpoint.messages import quiet
from ninefold.models.families import find
from ninefold.nano.architectures import qwen2_vl

VOCABULARY = 8192
"""Entries that make the head a twentieth of all work, as it is at 7 billion parameters."""


def save_qwen2_vl(folder: Path) -> Path:
    """Write a Qwen2-VL of 131 million parameters to a folder, which is returned; its tokenizer is that of the nano."""
    tokens = AutoTokenizer.from_pretrained(find("nano").path)
    processor = qwen2_vl.processor(tokens)
    # Pictures keep their size, in patches of 14 as with the released model.
    processor.image_processor = Qwen2VLImageProcessorPil()
    start, end, video = tokens.convert_tokens_to_ids(list(qwen2_vl.SPECIAL))
    ids = {f"{name}_token_id": getattr(tokens, f"{name}_token_id") for name in ("pad", "bos", "eos")}
    config = Qwen2VLConfig(
        vision_config={"depth": 8, "embed_dim": 512, "hidden_size": 768, "num_heads": 8, "mlp_ratio": 4},
        text_config={
            "hidden_size": 768,
            "intermediate_size": 2048,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "num_key_value_heads": 12,
            "max_position_embeddings": 4096,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [8, 12, 12]},
            "vocab_size": VOCABULARY,
            **ids,
        },
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
        **ids,
    )
    with torch.random.fork_rng(), quiet():
        torch.manual_seed(0)
        model = Qwen2VLForConditionalGeneration(config)
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
    return folder


def save_llava(folder: Path) -> Path:
    """Write a LLaVA of 126 million parameters to a folder, which is returned; its tokenizer is that of the nano.

    An image takes 576 tokens; vision tower and language model have 12 layers each.
    """
    known = AutoProcessor.from_pretrained(find("nano").path)
    tokenizer, size = known.tokenizer, {"height": 336, "width": 336}
    processor = LlavaProcessor(
        CLIPImageProcessorPil(size=size, crop_size=size, do_center_crop=False),
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=known.chat_template,
    )
    sizes = {"num_hidden_layers": 12, "num_attention_heads": 12, "hidden_size": 768}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            num_hidden_layers=12,
            num_attention_heads=8,
            hidden_size=512,
            intermediate_size=2048,
            image_size=336,
            patch_size=14,
        ),
        text_config=LlamaConfig(
            **sizes,
            intermediate_size=2048,
            vocab_size=len(tokenizer),
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=0,
        ),
        image_token_index=known.image_token_id,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )
    torch.manual_seed(0)
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
