"""Parts that all nano bases share: sizes, tokenizer, chat template, and saving as a checkpoint folder."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

PATCH = 18
"""Side of a patch in pixels; an image has 14 x 14: borders of the 9 x 9 cells do not coincide with patch borders."""

SIDE = 14 * PATCH
"""Side of a square input image in pixels."""

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
IMAGE
{%- for part in message['content'] if part['type'] == 'text' -%}{{ part['text'] }}{%- endfor -%}
{%- endif -%}
{%- if message['role'] == 'assistant' -%}<eos>{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}<assistant>{%- endif -%}"""


def chat_template(image: str = "<image>", *, first: bool = False) -> str:
    """Return the chat template; the image's token comes after the role's token, or ``first``, before it."""
    header = "<{{ message['role'] }}>"
    images = f"{{%- for part in message['content'] if part['type'] == 'image' -%}}{image}{{%- endfor -%}}"
    if first:
        header, images = f"{{%- if message['content'] is not string -%}}\n{images}\n{{%- endif -%}}\n{header}", ""
    return _TEMPLATE.replace("HEADER", header).replace("IMAGE\n", images + "\n" if images else "")


def tokenizer(corpus: Iterable[str]) -> PreTrainedTokenizerFast:
    """Train a small byte-level BPE: whole words of the corpus, bytes for everything else."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            # Digits are single tokens: a number is read digit by digit.
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
    """Return the token ids of a configuration: padding, begin and end."""
    return {f"{name}_token_id": tokens.convert_tokens_to_ids(f"<{name}>") for name in ("pad", "bos", "eos")}


def save(folder: Path, model: Any, processor: Any) -> None:
    """Write a half-precision checkpoint folder, which transformers can load after importing `ninefold.models.ports`."""
    model.config.ninefold_nano = True
    model.half().save_pretrained(folder)
    processor.save_pretrained(folder)
