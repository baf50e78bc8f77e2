"""Checkpoints of real classes with random weights, small enough to run in milliseconds, and examples to ask them."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessorPil,
    Qwen2VLProcessor,
)

from ninefold.data.sources.synthetic import SyntheticSpec, examples
from ninefold.models.checkpoint.messages import quiet
from ninefold.models.compat import without_video
from ninefold.models.ports.llava_onevision_1_5 import (
    LlavaOnevision15Config,
    LlavaOnevision15ForConditionalGeneration,
    LlavaOnevision15ImageProcessor,
    LlavaOnevision15Processor,
)
from ninefold.models.ports.molmo import (
    MolmoConfig,
    MolmoForConditionalGeneration,
    MolmoImageProcessor,
    MolmoProcessor,
)
from ninefold.models.ports.molmo.image_processing import LAYOUT_TOKENS
from ninefold.models.ports.molmo.processing import IMAGE_TOKEN
from ninefold.types import Example

SPECIAL = ["<pad>", "<|end|>", "<|user|>", "<|assistant|>", "<image>"]
QWEN = {"image": "<|image_pad|>", "video": "<|video_pad|>", "vision_start": "<|vision|>", "vision_end": "<|/vision|>"}
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CORPUS = (
    "Answer with as few words as possible. Where is the red square? Choose from [top left, top center, top right, "
    "center left, center, center right, bottom left, bottom center, bottom right]. "
    "green blue cyan magenta yellow white circle triangle star plus person"
)


def save_tiny_llava(folder: Path) -> None:
    """Write a LLaVA (CLIP tower, Llama decoder): every picture is 56 x 56 in 16 tokens."""
    tokenizer, side, patch = tiny_tokenizer(), 56, 14
    size = {"height": side, "width": side}
    processor = LlavaProcessor(
        CLIPImageProcessorPil(size=size, crop_size=size, do_center_crop=False),
        tokenizer,
        patch_size=patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE.replace("IMAGE", "<image>"),
    )
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**sizes, image_size=side, patch_size=patch),
        text_config=LlamaConfig(**sizes, **_tokens(tokenizer), max_position_embeddings=512),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=False,
    )
    _save(folder, LlavaForConditionalGeneration, config, processor)


def save_tiny_qwen2_vl(folder: Path) -> None:
    """Write a Qwen2-VL (any resolution, M-RoPE, fused query, key and value in the vision tower)."""
    tokenizer = tiny_tokenizer()
    processor = without_video(Qwen2VLProcessor)(
        Qwen2VLImageProcessorPil(),
        tokenizer,
        chat_template=CHAT_TEMPLATE.replace("IMAGE", "<|vision|><|image_pad|><|/vision|>"),
    )
    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]}
    config = Qwen2VLConfig(
        vision_config={"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 2},
        text_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "max_position_embeddings": 2048,
            "rope_parameters": rope,
            **_tokens(tokenizer),
        },
        **{f"{name}_token_id": tokenizer.convert_tokens_to_ids(token) for name, token in QWEN.items()},
    )
    _save(folder, Qwen2VLForConditionalGeneration, config, processor)


def save_tiny_llava_onevision(folder: Path) -> None:
    """Write a LLaVA-OneVision-1.5 (any resolution, class tokens, heads wider than the model's width holds)."""
    tokenizer = tiny_tokenizer()
    processor = LlavaOnevision15Processor(
        LlavaOnevision15ImageProcessor(),
        tokenizer,
        chat_template=CHAT_TEMPLATE.replace("IMAGE", "<|vision|><|image_pad|><|/vision|>"),
    )
    tokens = _tokens(tokenizer)
    config = LlavaOnevision15Config(
        vision_config={
            "depth": 2,
            "embed_dim": 36,
            "num_heads": 3,
            "intermediate_size": 48,
            "text_hidden_size": 32,
        },
        text_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 12,
            "max_position_embeddings": 2048,
            "vocab_size": tokens["vocab_size"],
        },
        eos_token_id=tokens["eos_token_id"],
        pad_token_id=tokens["pad_token_id"],
        **{f"{name}_token_id": tokenizer.convert_tokens_to_ids(token) for name, token in QWEN.items()},
    )
    _save(folder, LlavaOnevision15ForConditionalGeneration, config, processor)


def save_tiny_molmo(folder: Path, *, olmo: bool = False) -> None:
    """Write a Molmo of the kind of 7B-D, or of 7B-O: crops of 48 x 48 that overlap, in 9 tokens each."""
    tokenizer, side, patch = tiny_tokenizer(), 48, 8
    words = len(tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": [*LAYOUT_TOKENS, IMAGE_TOKEN]})
    pictures = MolmoImageProcessor(
        base_image_input_size=(side, side),
        image_patch_size=patch,
        max_crops=4,
        overlap_margins=(2, 2),
        image_token_length_h=3,
        image_token_length_w=3,
    )
    config = MolmoConfig(
        **{**_tokens(tokenizer), "vocab_size": words},
        additional_vocab_size=8,
        hidden_size=32,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=None if olmo else 2,
        max_position_embeddings=2048,
        rope_theta=1e4,
        qkv_bias=not olmo,
        attention_layer_norm=olmo,
        norm_after=olmo,
        image_token_id=tokenizer.convert_tokens_to_ids("<im_patch>"),
        image_default_input_size=(side, side),
        image_patch_size=patch,
        image_emb_dim=32,
        image_num_heads=2,
        image_num_key_value_heads=2,
        image_num_layers=3,
        image_head_dim=16,
        image_mlp_dim=64,
        image_num_pos=(side // patch) ** 2 + 1,
        vit_layers=(-2, -3),
    )
    _save(folder, MolmoForConditionalGeneration, config, MolmoProcessor(pictures, tokenizer))


def save_tiny_clip(folder: Path) -> None:
    """Write a CLIP as the official folder is: pictures of 56 x 56 cut out of the middle, texts of at most 24 tokens."""
    tokenizer, side = _clip_tokenizer(), 56
    size = {"height": side, "width": side}
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = CLIPConfig(
        text_config={**sizes, **ends, "vocab_size": len(tokenizer), "max_position_embeddings": 24},
        vision_config={**sizes, "image_size": side, "patch_size": 14},
        projection_dim=16,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = CLIPModel(config)
    with quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size=size).save_pretrained(folder)


def save_tiny_bert(folder: Path) -> None:
    """Write a sentence encoder, laid out as those of sentence-transformers: means of tokens, texts of at most 39."""
    tokenizer = tiny_tokenizer()
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(BertConfig(**sizes, vocab_size=len(tokenizer), max_position_embeddings=40, pad_token_id=0))
    with quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 16, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))


def some_examples(count: int) -> list[Example]:
    """Return examples of the synthetic test set, spread over its looks, cells and option orders."""
    every = examples(SyntheticSpec(split="test", canvas=96))["test"]
    return list(islice(every, 0, None, 3888 // count))[:count]


def _save(folder: Path, family: Any, config: Any, processor: Any) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = family(config)
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    with quiet():
        model.save_pretrained(folder)
        processor.save_pretrained(folder)


def _tokens(tokenizer: PreTrainedTokenizerFast) -> dict[str, int | None]:
    return {
        "vocab_size": len(tokenizer),
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=[*SPECIAL, *QWEN.values()],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([CORPUS] * 4, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<|end|>")


def _clip_tokenizer() -> CLIPTokenizer:
    """Return a tokenizer of CLIP's own kind: lower case, words that end in </w>, the end token the last of all."""
    blank = CLIPTokenizer()._tokenizer
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = blank.pre_tokenizer.pre_tokenize_str(blank.normalizer.normalize_str(CORPUS))
    # Words grow letter by letter: a trainer of the library breaks ties in another way in every process.
    merges: dict[tuple[str, str], None] = {}
    for word in sorted({piece for piece, _ in pieces}):
        begun, *others = [*word[:-1], f"{word[-1]}</w>"]
        for symbol in others:
            merges[begun, symbol] = None
            begun += symbol
    words = dict.fromkeys([*letters, *(f"{letter}</w>" for letter in letters), *map("".join, merges)])
    vocab = {word: index for index, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
    return CLIPTokenizer(vocab=vocab, merges=list(merges))
