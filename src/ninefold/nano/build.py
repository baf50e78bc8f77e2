"""An untrained nano base: the real LLaVA classes, tiny, with a tokenizer, a processor and a chat template."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

PATCH = 18
"""Pixels along a patch: 14 x 14 of them, so that no border between the 9x9 cells lies on one between patches."""

SIDE = 14 * PATCH
"""Pixels along the square picture that the model sees; other aspect ratios are squeezed into it."""

VOCABULARY = 512
WIDTH = 128
LAYERS = 4
SPECIAL = ("<pad>", "<bos>", "<eos>", "<image>", "<user>", "<assistant>")

CHAT_TEMPLATE = """\
{%- for message in messages -%}
<{{ message['role'] }}>
{%- if message['content'] is string -%}
{{ message['content'] }}
{%- else -%}
{%- for part in message['content'] if part['type'] == 'image' -%}<image>{%- endfor -%}
{%- for part in message['content'] if part['type'] == 'text' -%}{{ part['text'] }}{%- endfor -%}
{%- endif -%}
{%- if message['role'] == 'assistant' -%}<eos>{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}<assistant>{%- endif -%}"""


def tokenizer(corpus: Iterable[str]) -> PreTrainedTokenizerFast:
    """Train a small byte-level BPE: whole words where the corpus has them, bytes for everything else."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            # Digits stay single, so that a number is read place by place.
            pre_tokenizers.Split(Regex(r" ?\p{L}+| ?\d| ?[^\s\p{L}\d]|\s+"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=list(SPECIAL),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        extra_special_tokens={"image_token": "<image>"},
        model_max_length=2048,
        padding_side="left",
        chat_template=CHAT_TEMPLATE,
    )


def processor(tokens: PreTrainedTokenizerFast) -> LlavaProcessor:
    """Return the processor: squeeze to the square, no crop (a crop would move things), then CLIP's normalization."""
    images = CLIPImageProcessorPil(
        size={"height": SIDE, "width": SIDE},
        do_center_crop=False,
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokens,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
    )


def config(tokens: PreTrainedTokenizerFast) -> LlavaConfig:
    """Return the tiny configuration: about 1.7 million parameters."""
    special: dict[str, Any] = {
        f"{name}_token_id": tokens.convert_tokens_to_ids(f"<{name}>") for name in ("pad", "bos", "eos")
    }
    return LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=WIDTH,
            intermediate_size=3 * WIDTH,
            num_hidden_layers=LAYERS,
            num_attention_heads=4,
            image_size=SIDE,
            patch_size=PATCH,
            projection_dim=WIDTH,
        ),
        text_config=LlamaConfig(
            vocab_size=len(tokens),
            hidden_size=WIDTH,
            intermediate_size=5 * WIDTH // 2,
            num_hidden_layers=LAYERS,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=2048,
            # A name is matched to an image token by content, hundreds of tokens away: that takes dimensions of a head
            # that hardly turn over such a distance, and a head has only 32 in all.
            rope_parameters={"rope_type": "default", "rope_theta": 1e7},
            # At this width the usual 0.02 keeps queries and keys so small that matching a name takes ages to begin.
            initializer_range=0.08,
            tie_word_embeddings=True,
            **special,
        ),
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        image_seq_length=(SIDE // PATCH) ** 2,
        tie_word_embeddings=True,
        ninefold_nano=True,
        **special,
    )


def untrained(tokens: PreTrainedTokenizerFast, **options: Any) -> LlavaForConditionalGeneration:
    """Return the model with fresh weights from torch's current seed; ``options`` go to the configuration's loader."""
    return LlavaForConditionalGeneration._from_config(config(tokens), **options)


def save(folder: Path, model: LlavaForConditionalGeneration, tokens: PreTrainedTokenizerFast) -> None:
    """Write a checkpoint folder in half precision that plain `AutoModelForImageTextToText` and `AutoProcessor` open."""
    model.half().save_pretrained(folder)
    processor(tokens).save_pretrained(folder)
