"""The paper's families at their true size, with random weights: the real classes, configurations and picture settings.

Nothing is downloaded. Only tokenizers are not the released ones: a small one makes prompts of a real length, and the
vocabulary of each model is as large as the released one. `TINY` gives the same classes in sizes for a CPU.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoModel,
    AutoModelForImageTextToText,
    CLIPConfig,
    CLIPImageProcessorPil,
    LlavaNextConfig,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLImageProcessorPil,
    Qwen2VLProcessor,
)

from ninefold.data.sources.synthetic import SyntheticSpec, examples
from ninefold.models.checkpoint.messages import quiet
from ninefold.models.clip.encoder import ClipEncoder
from ninefold.models.clip.model import DualEncoder
from ninefold.models.compat import without_video
from ninefold.models.families import FAMILIES, Checkpoint
from ninefold.models.ports.llava_onevision_1_5 import (
    LlavaOnevision15Config,
    LlavaOnevision15ImageProcessor,
    LlavaOnevision15Processor,
)
from ninefold.models.ports.llava_onevision_1_5.processing import CHAT_TEMPLATE as CHATML
from ninefold.models.ports.molmo import MolmoConfig, MolmoImageProcessor, MolmoProcessor
from ninefold.models.ports.molmo.image_processing import LAYOUT_TOKENS
from ninefold.models.protocol import Trainable
from ninefold.models.vlm.model import VisionLanguageModel
from ninefold.scenes.render import encode_png
from ninefold.types import Example, Scene

SPECIAL = ("<pad>", "<|end|>", "<image>", "<|im_start|>", "<|im_end|>", "<|image|>", *LAYOUT_TOKENS)
QWEN = {
    "image": "<|image_pad|>",
    "video": "<|video_pad|>",
    "vision_start": "<|vision_start|>",
    "vision_end": "<|vision_end|>",
}
WORDS = 330
"""Entries of the small tokenizer: so few that a prompt has about 90 tokens, as with LLaVA-NeXT's own."""

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
    """Else they are small enough for a CPU, and so are pictures."""

    @property
    def canvas(self) -> int:
        """Side of the pictures, in pixels."""
        return 672 if self.true else 112

    def pick(self, released: dict[str, Any], tiny: dict[str, Any]) -> dict[str, Any]:
        """Return the released settings, with the tiny ones in their places where models are not to be true."""
        return released if self.true else {**released, **tiny}


TRUE = Scale(true=True)
TINY = Scale(true=False)

_VIT = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
_SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
_SMALL_TEXT = {**_SMALL, "num_key_value_heads": 2, "vocab_size": 512}


def _clip(words: Any, scale: Scale) -> tuple[Any, Any]:
    side, ends = (336 if scale.true else 56), {"bos_token_id": None, "eos_token_id": words.eos_token_id}
    text = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    config = CLIPConfig(
        vision_config={**scale.pick(_VIT, _SMALL), "image_size": side, "patch_size": 14},
        text_config={**scale.pick({**text, "vocab_size": 49408}, {**_SMALL, "vocab_size": 512}), **ends},
        projection_dim=768 if scale.true else 16,
    )
    size = {"height": side, "width": side}
    pictures = CLIPImageProcessorPil(size=size, crop_size=size, do_center_crop=False)
    words.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <|end|>", special_tokens=[("<|end|>", words.eos_token_id)]
    )
    return config, ClipEncoder(words, pictures, side=side, patch=14, longest=77, name="clip")


def _llava_next(words: Any, scale: Scale) -> tuple[Any, Any]:
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
    pictures = LlavaNextImageProcessorPil(
        size={"shortest_edge": side},
        crop_size={"height": side, "width": side},
        image_grid_pinpoints=config.image_grid_pinpoints,
    )
    return config, LlavaNextProcessor(
        pictures,
        words,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=VICUNA,
    )


def _llava_onevision(words: Any, scale: Scale) -> tuple[Any, Any]:
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


def _molmo(words: Any, scale: Scale, *, olmo: bool) -> tuple[Any, Any]:
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


def _qwen2_vl(words: Any, scale: Scale) -> tuple[Any, Any]:
    vision = {"depth": 32, "embed_dim": 1280, "hidden_size": 3584, "num_heads": 16, "mlp_ratio": 4}
    text = {
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152064,
        "max_position_embeddings": 32768,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
    }
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]}
    config = Qwen2VLConfig(
        vision_config=scale.pick(vision, {"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2}),
        text_config={**scale.pick(text, {**_SMALL_TEXT, "rope_parameters": rope}), **_ends(words)},
        **_qwen_tokens(words),
        tie_word_embeddings=False,
    )
    # The released settings: between 56 x 56 and about 3,584 x 3,584 pixels.
    pictures = Qwen2VLImageProcessorPil(size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 16384})
    return config, without_video(Qwen2VLProcessor)(pictures, words, chat_template=CHATML)


@dataclass(frozen=True)
class Row:
    """A model of the table."""

    family: str
    """Its row in `ninefold.models.families`."""
    checkpoint: str
    """What its sizes are those of."""
    parameters: int
    """How many it has at its true size."""
    make: Callable[[Any, Scale], tuple[Any, Any]]
    """Makes its configuration and its processor."""


MODELS = {
    "clip": Row("clip", "openai/clip-vit-large-patch14-336", 427_944_193, _clip),
    "llava-next": Row("llava-next", "llava-hf/llava-v1.6-vicuna-7b-hf", 7_063_431_168, _llava_next),
    "llava-onevision": Row(
        "llava-onevision", "lmms-lab/LLaVA-OneVision-1.5-8B-Instruct", 8_527_214_624, _llava_onevision
    ),
    "molmo-d": Row(
        "molmo", "allenai/Molmo-7B-D-0924", 8_021_025_280, lambda words, scale: _molmo(words, scale, olmo=False)
    ),
    "molmo-o": Row(
        "molmo", "allenai/Molmo-7B-O-0924", 7_665_032_192, lambda words, scale: _molmo(words, scale, olmo=True)
    ),
    "qwen2-vl": Row("qwen2-vl", "Qwen/Qwen2-VL-7B-Instruct", 8_291_375_616, _qwen2_vl),
}
"""The paper's models, by the names that ``--families`` takes."""


def network(config: Any, *, device: str, dtype: torch.dtype) -> Any:
    """Return a model of random weights, made where it stays; on the meta device it takes no memory."""
    auto = AutoModel if isinstance(config, CLIPConfig) else AutoModelForImageTextToText
    with quiet(), torch.device(device):
        return auto.from_config(config, dtype=dtype).eval()


def opened(name: str, scale: Scale, *, device: str, dtype: torch.dtype) -> Trainable:
    """Return a model as ninefold opens it from a checkpoint."""
    row, words = MODELS[name], tokenizer()
    config, processor = row.make(words, scale)
    model = network(config, device=device, dtype=dtype)
    family = FAMILIES[row.family]
    identity = {
        "name": name,
        "family": row.family,
        "nano": False,
        "checkpoint": None,
        "adapter": None,
        "dtype": str(dtype).removeprefix("torch."),
    }
    parts = {"checkpoint": Checkpoint(family, row.checkpoint, name), "family": family, "identity": identity}
    if family.kind == "dual":
        return DualEncoder(model, processor, **parts)
    model.generation_config.eos_token_id = words.eos_token_id
    model.generation_config.pad_token_id = words.pad_token_id
    return VisionLanguageModel(model, processor, **parts)


def rows(count: int, scale: Scale) -> list[Example]:
    """Return examples of the synthetic test set, no two about the same picture, as PNG."""
    every = islice(examples(SyntheticSpec("test", canvas=scale.canvas))["test"], 0, None, max(1, 3888 // count))
    distinct = {example.image: example for example in every}
    return [
        replace(example, image=encode_png(scene))
        for scene, example in islice(distinct.items(), count)
        if isinstance(scene, Scene)
    ]


def tokenizer() -> Any:
    """Return the small tokenizer."""
    blank = Tokenizer(models.BPE())
    blank.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    blank.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=WORDS,
        special_tokens=[*SPECIAL, *QWEN.values()],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    every = islice(examples(SyntheticSpec("test"))["test"], 0, None, 40)
    turns = "system\nYou are a helpful assistant.\nuser\nassistant\nUSER: ASSISTANT: "
    blank.train_from_iterator((turns + example.prompt for example in every), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=blank, pad_token="<pad>", eos_token="<|end|>")


def _ends(words: Any) -> dict[str, int | None]:
    return {"bos_token_id": None, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}


def _qwen_tokens(words: Any) -> dict[str, int]:
    return {f"{name}_token_id": words.convert_tokens_to_ids(token) for name, token in QWEN.items()}
