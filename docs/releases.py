"""Checkpoint folders of the releases without weights: the files that a processor is opened from.

Vocabularies are the releases' own. Other files are the releases' own where they were available; the rest is written
here from what is published of them, and says so.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from transformers import CLIPTokenizer, LlamaTokenizer

from ninefold.models.checkpoint.network import open_checkpoint
from ninefold.models.checkpoint.processor import open_processor
from ninefold.models.clip.encoder import ClipEncoder, open_encoder
from ninefold.models.spec import ModelSpec
from ninefold.models.vlm.encoder import Encoder

Reader = Encoder | ClipEncoder
"""The encoder of a family, of either kind."""

CLIP_COLORS = {
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}
CLIP_PICTURES = {
    "image_processor_type": "CLIPImageProcessor",
    "size": {"shortest_edge": 336},
    "crop_size": {"height": 336, "width": 336},
    **CLIP_COLORS,
}
LLAVA_NEXT_PICTURES = {
    **CLIP_PICTURES,
    "image_processor_type": "LlavaNextImageProcessor",
    "image_grid_pinpoints": [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]],
}
QWEN_PICTURES = {
    "image_processor_type": "Qwen2VLImageProcessor",
    "patch_size": 14,
    "merge_size": 2,
    "min_pixels": 56 * 56,
    **CLIP_COLORS,
}
LLAVA = {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}

# Not the release's file, which was not available, but what it is known to write: no system turn, the images of a turn
# before its text, a blank after every text, and nothing that ends an answer.
VICUNA = (
    "{% for turn in messages %}{{ turn['role'].upper() + ': ' }}"
    "{% for part in turn['content'] if part['type'] == 'image' %}{{ '<image>\\n' }}{% endfor %}"
    "{% for part in turn['content'] if part['type'] == 'text' %}{{ part['text'] + ' ' }}{% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
_QWEN_NAMES = (
    "endoftext im_start im_end object_ref_start object_ref_end box_start box_end quad_start quad_end "
    "vision_start vision_end vision_pad image_pad video_pad"
)
QWEN_SPECIAL = {f"<|{name}|>": number for number, name in enumerate(_QWEN_NAMES.split(" "), start=151643)}

END_IDS: Mapping[str, tuple[int, ...]] = {
    "llava": (2,),
    "llava-next": (2,),
    "llava-onevision": (151645,),
    "molmo": (151643,),
    "qwen2-vl": (151645, 151643),
}
"""End-of-answer tokens, as each family's ``generation_config.json`` or its port gives them."""


def assemble(family: str, checkpoints: Path, folder: Path) -> Path:
    """Write the files of a family's first checkpoint to a folder.

    Args:
        family: Its name.
        checkpoints: Folder of the vocabularies, one folder a checkpoint, named as on the hub with ``__`` for ``/``.
        folder: Where to write.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True)
    _WRITERS[family](checkpoints, folder)
    return folder


def opened(folder: Path) -> Reader:
    """Open a folder that `assemble` wrote, as the package opens a checkpoint."""
    source, config = open_checkpoint(ModelSpec(str(folder)))
    family = source.family
    if family.kind == "dual":
        return open_encoder(source, config)
    return Encoder(open_processor(source, config), END_IDS[family.name], family)


def _llava(checkpoints: Path, folder: Path, model_type: str, images: Mapping[str, Any], processor: str) -> None:
    vocabulary = _sentencepiece(checkpoints / "llava-hf__llava-v1.6-vicuna-7b-hf" / "tokenizer.model")
    tokenizer = LlamaTokenizer(vocab=vocabulary, merges=list(_merges(vocabulary)), add_bos_token=True)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    tokenizer.add_special_tokens({"pad_token": "<pad>"})
    tokenizer.save_pretrained(folder)
    _write(folder, "config", {"model_type": model_type, "image_token_index": 32000})
    _write(folder, "preprocessor_config", {**images, "processor_class": processor})
    _write(folder, "processor_config", {**LLAVA, "processor_class": processor})
    (folder / "chat_template.jinja").write_text(VICUNA)


def _qwen(checkpoints: Path, folder: Path, config: Mapping[str, Any], images: Mapping[str, Any]) -> None:
    for name in ("vocab.json", "merges.txt", "chat_template.jinja"):
        shutil.copy(checkpoints / "Qwen__Qwen2-VL-7B-Instruct" / name, folder)
    tokenizer = {
        "tokenizer_class": "Qwen2Tokenizer",
        "added_tokens_decoder": {id: {"content": token, "special": True} for token, id in QWEN_SPECIAL.items()},
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
    }
    names = {"vision_start": "vision_start", "vision_end": "vision_end", "image": "image_pad", "video": "video_pad"}
    tokens = {f"{name}_token_id": QWEN_SPECIAL[f"<|{token}|>"] for name, token in names.items()}
    _write(folder, "tokenizer_config", tokenizer)
    _write(folder, "config", {**config, **tokens})
    _write(folder, "preprocessor_config", {**QWEN_PICTURES, **images})


def _molmo(checkpoints: Path, folder: Path) -> None:
    # The tokenizer of 7B-O was not available; of 7B-D everything but the weights is used unchanged.
    shutil.copytree(checkpoints / "allenai__Molmo-7B-D-0924", folder, dirs_exist_ok=True)
    _write(folder, "config", {**json.loads((folder / "config.json").read_text()), "model_type": "molmo"})


def _clip(checkpoints: Path, folder: Path) -> None:
    tokenizer = CLIPTokenizer.from_pretrained(checkpoints / "openai__clip-vit-large-patch14-336")
    tokenizer.save_pretrained(folder)
    _write(folder, "config", {"model_type": "clip", "vision_config": {"image_size": 336, "patch_size": 14}})
    _write(folder, "preprocessor_config", CLIP_PICTURES)


_WRITERS: Mapping[str, Callable[[Path, Path], None]] = {
    "llava": lambda source, folder: _llava(source, folder, "llava", CLIP_PICTURES, "LlavaProcessor"),
    "clip": _clip,
    "llava-next": lambda source, folder: _llava(
        source, folder, "llava_next", LLAVA_NEXT_PICTURES, "LlavaNextProcessor"
    ),
    # Its tokenizer has Qwen2-VL's vocabulary and special tokens; max_pixels is that of its training script.
    "llava-onevision": lambda source, folder: _qwen(
        source,
        folder,
        {"model_type": "llavaonevision1_5"},
        {"temporal_patch_size": 1, "max_pixels": 1600 * 1600, "processor_class": "Qwen2_5_VLProcessor"},
    ),
    "molmo": _molmo,
    "qwen2-vl": lambda source, folder: _qwen(
        source,
        folder,
        {"model_type": "qwen2_vl"},
        {"temporal_patch_size": 2, "max_pixels": 16384 * 28 * 28, "processor_class": "Qwen2VLProcessor"},
    ),
}


def _write(folder: Path, name: str, value: Mapping[str, Any]) -> None:
    (folder / f"{name}.json").write_text(json.dumps(value, indent=2) + "\n")


def _sentencepiece(model: Path) -> dict[str, int]:
    """Return the pieces of a SentencePiece model and their numbers: field 1 of its messages, whose field 1 is text."""
    pieces = [next(_fields(piece))[1] for field, piece in _fields(model.read_bytes()) if field == 1]
    return {piece.decode(): number for number, piece in enumerate(pieces)}


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of the fields of a protocol buffer's message."""

    def varint() -> int:
        nonlocal index
        value = shift = 0
        while True:
            byte = message[index]
            index += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    index = 0
    while index < len(message):
        key = varint()
        length = {0: 0, 1: 8, 5: 4}.get(key & 7)
        if key & 7 == 0:
            varint()
        length = varint() if length is None else length
        yield key >> 3, message[index : index + length]
        index += length


def _merges(vocabulary: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield all pairs of pieces that join to a piece, in the order of the pieces they make, which is that of scores."""
    for piece in vocabulary:
        parts = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece))]
        known = [part for part in parts if part[0] in vocabulary and part[1] in vocabulary]
        yield from sorted(known, key=lambda part: (vocabulary[part[0]], vocabulary[part[1]]))
