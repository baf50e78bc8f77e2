"""What all nano bases share: a tokenizer, a chat template, sizes, and how one is written."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

PATCH = 18
"""Pixels along a patch: 14 x 14 of them, so that no border between the 9x9 cells lies on one between patches."""

SIDE = 14 * PATCH
"""Pixels along a square picture as the bases see it."""

VOCABULARY = 512
WIDTH = 128
LAYERS = 4
HEADS = 4
SPECIAL = ("<pad>", "<bos>", "<eos>", "<image>", "<user>", "<assistant>")

_TEMPLATE = """\
{%- for message in messages -%}
HEADER
{%- if message['content'] is string -%}
{{ message['content'] }}
{%- else -%}
PICTURE
{%- for part in message['content'] if part['type'] == 'text' -%}{{ part['text'] }}{%- endfor -%}
{%- endif -%}
{%- if message['role'] == 'assistant' -%}<eos>{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}<assistant>{%- endif -%}"""


def chat_template(picture: str = "<image>", *, first: bool = False) -> str:
    """Return the chat template, with what stands for a picture: after the speaker's token, or ``first`` of all."""
    header = "<{{ message['role'] }}>"
    pictures = f"{{%- for part in message['content'] if part['type'] == 'image' -%}}{picture}{{%- endfor -%}}"
    if first:
        header, pictures = f"{{%- if message['content'] is not string -%}}\n{pictures}\n{{%- endif -%}}\n{header}", ""
    return _TEMPLATE.replace("HEADER", header).replace("PICTURE\n", pictures + "\n" if pictures else "")


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
    )


def special_ids(tokens: PreTrainedTokenizerFast) -> dict[str, Any]:
    """Return the ids that a configuration names: padding, begin and end."""
    return {f"{name}_token_id": tokens.convert_tokens_to_ids(f"<{name}>") for name in ("pad", "bos", "eos")}


def save(folder: Path, model: Any, processor: Any) -> None:
    """Write a checkpoint folder in half precision that plain transformers opens; ports are registered by importing."""
    model.config.ninefold_nano = True
    model.half().save_pretrained(folder)
    processor.save_pretrained(folder)
