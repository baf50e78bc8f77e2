"""Configurations and processors of the paper's families, at their true size and tiny."""

from dataclasses import dataclass
from typing import Any

from tokenizers import processors
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    LlavaNextConfig,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
    Qwen2VLConfig,
    Qwen2VLImageProcessorPil,
    Qwen2VLProcessor,
)

from ninefold.models.clip.encoder import ClipEncoder
from ninefold.models.compat import without_video
from ninefold.models.ports.llava_onevision_1_5 import (
    LlavaOnevision15Config,
    LlavaOnevision15ImageProcessor,
    LlavaOnevision15Processor,
)
from ninefold.models.ports.llava_onevision_1_5.processing import CHAT_TEMPLATE as CHATML
from ninefold.models.ports.molmo import MolmoConfig, MolmoImageProcessor, MolmoProcessor

QWEN = {
    "image": "<|image_pad|>",
    "video": "<|video_pad|>",
    "vision_start": "<|vision_start|>",
    "vision_end": "<|vision_end|>",
}
VICUNA = (
    "{% for message in messages %}{{ 'USER: ' if message['role'] == 'user' else ' ASSISTANT: ' }}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{{ '<image>\\n' if part['type'] == 'image' else part['text'] }}{% endfor %}{% endif %}"
    "{% if message['role'] == 'assistant' %}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %} ASSISTANT: {% endif %}"
)


@dataclass(frozen=True)
class Scale:
    """Whether models have their true sizes."""

    true: bool
    """Else they are small enough for a CPU, and so are images."""

    @property
    def canvas(self) -> int:
        """Side of the images, in pixels."""
        return 672 if self.true else 112

    def pick(self, released: dict[str, Any], tiny: dict[str, Any]) -> dict[str, Any]:
        """Return the released settings, with the tiny ones in their places where models are not to be true."""
        return released if self.true else {**released, **tiny}


TRUE = Scale(true=True)
TINY = Scale(true=False)

_VIT = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
_SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
_SMALL_TEXT = {**_SMALL, "num_key_value_heads": 2, "vocab_size": 512}


def clip(words: Any, scale: Scale) -> tuple[Any, Any]:
    """Return the configuration and the encoder of CLIP."""
    side, ends = (336 if scale.true else 56), {"bos_token_id": None, "eos_token_id": words.eos_token_id}
    text = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    config = CLIPConfig(
        vision_config={**scale.pick(_VIT, _SMALL), "image_size": side, "patch_size": 14},
        text_config={**scale.pick({**text, "vocab_size": 49408}, {**_SMALL, "vocab_size": 512}), **ends},
        projection_dim=768 if scale.true else 16,
    )
    size = {"height": side, "width": side}
    images = CLIPImageProcessorPil(size=size, crop_size=size, do_center_crop=False)
    words.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <|end|>", special_tokens=[("<|end|>", words.eos_token_id)]
    )
    return config, ClipEncoder(words, images, side=side, patch=14, longest=77, name="clip")


def llava_next(words: Any, scale: Scale) -> tuple[Any, Any]:
    """Return the configuration and the processor of LLaVA-NeXT."""
    side = 336 if scale.true else 56
    text = {
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "max_position_embeddings": 4096,
    }
    config = LlavaNextConfig(
        vision_config={
            "model_type": "clip_vision_model",
            **scale.pick(_VIT, _SMALL),
            "image_size": side,
            "patch_size": 14,
        },
        text_config={"model_type": "llama", **scale.pick({**text, "vocab_size": 32064}, _SMALL_TEXT), **_ends(words)},
        image_token_index=words.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=[
            [side * rows, side * columns] for rows, columns in ((1, 2), (2, 1), (2, 2), (3, 1), (1, 3))
        ],
        tie_word_embeddings=False,
    )
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": side},
        crop_size={"height": side, "width": side},
        image_grid_pinpoints=config.image_grid_pinpoints,
    )
    return config, LlavaNextProcessor(
        images,
        words,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=VICUNA,
    )


def llava_onevision(words: Any, scale: Scale) -> tuple[Any, Any]:
    """Return the configuration and the processor of LLaVA-OneVision-1.5."""
    vision = {"embed_dim": 32, "depth": 2, "num_heads": 2, "intermediate_size": 64, "text_hidden_size": 32}
    config = LlavaOnevision15Config(
        vision_config=scale.pick({}, vision),
        text_config={
            "model_type": "LLaVAOneVision1_5_text",
            **scale.pick({}, {**_SMALL_TEXT, "head_dim": 16}),
        },
        **_ends(words),
        **_qwen_tokens(words),
    )
    return config, LlavaOnevision15Processor(LlavaOnevision15ImageProcessor(), words, chat_template=CHATML)


def molmo(words: Any, scale: Scale, *, olmo: bool) -> tuple[Any, Any]:
    """Return the configuration and the processor of Molmo."""
    kind: dict[str, Any] = {"num_key_value_heads": 4}
    if olmo:
        kind = {
            "vocab_size": 100278,
            "embedding_size": 100352,
            "hidden_size": 4096,
            "intermediate_size": 22016,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "rope_theta": 5e5,
            "qkv_bias": False,
            "attention_layer_norm": True,
            "norm_after": True,
        }
    small = {
        **{**_SMALL_TEXT, "intermediate_size": 128, "embedding_size": 512},
        "image_default_input_size": (48, 48),
        "image_patch_size": 8,
        "image_emb_dim": 32,
        "image_num_heads": 2,
        "image_num_key_value_heads": 2,
        "image_num_layers": 3,
        "image_head_dim": 16,
        "image_mlp_dim": 64,
        "image_num_pos": 37,
        "vit_layers": (-2, -3),
    }
    crops = {
        "base_image_input_size": (48, 48),
        "image_patch_size": 8,
        "overlap_margins": (2, 2),
        "image_token_length_h": 3,
        "image_token_length_w": 3,
    }
    config = MolmoConfig(
        **scale.pick(kind, small), **_ends(words), image_token_id=words.convert_tokens_to_ids("<im_patch>")
    )
    return config, MolmoProcessor(MolmoImageProcessor(**scale.pick({}, crops)), words)


def qwen2_vl(words: Any, scale: Scale, *, small: bool = False) -> tuple[Any, Any]:
    """Return the configuration and the processor of Qwen2-VL, the 7B or the small 2B."""
    width = 1536 if small else 3584
    vision = {"depth": 32, "embed_dim": 1280, "hidden_size": width, "num_heads": 16, "mlp_ratio": 4}
    text = {
        "hidden_size": width,
        "intermediate_size": 8960 if small else 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 12 if small else 28,
        "num_key_value_heads": 2 if small else 4,
        "vocab_size": 151936 if small else 152064,
        "max_position_embeddings": 32768,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
    }
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]}
    config = Qwen2VLConfig(
        vision_config=scale.pick(vision, {"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2}),
        text_config={**scale.pick(text, {**_SMALL_TEXT, "rope_parameters": rope}), **_ends(words)},
        **_qwen_tokens(words),
        tie_word_embeddings=small,
    )
    # The released settings: between 56 x 56 and about 3,584 x 3,584 pixels.
    images = Qwen2VLImageProcessorPil(size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 16384})
    return config, without_video(Qwen2VLProcessor)(images, words, chat_template=CHATML)


def _ends(words: Any) -> dict[str, int | None]:
    return {"bos_token_id": None, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}


def _qwen_tokens(words: Any) -> dict[str, int]:
    return {f"{name}_token_id": words.convert_tokens_to_ids(token) for name, token in QWEN.items()}
