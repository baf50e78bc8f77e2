"""Processors of checkpoints: tokenizer, chat template and image processor, without torchvision."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from transformers import AutoProcessor

from ninefold.errors import ModelError
from ninefold.models import compat, ports
from ninefold.models.checkpoint import limits
from ninefold.models.checkpoint.files import read_object
from ninefold.models.checkpoint.messages import quiet
from ninefold.models.families import Checkpoint

_PROCESSOR = "processor_config.json"

_QUESTION = "Where is it?"
_BLANK = Image.new("RGB", (64, 64))


def open_processor(checkpoint: Checkpoint, config: Any, *, trust_remote_code: bool = False) -> Any:
    """Return a checkpoint's processor, for images and text only, with Pillow's resize.

    Raises:
        ModelError: If it cannot be opened, has no chat template, or its prompts hold no image token.
    """
    options = {"trust_remote_code": trust_remote_code, "backend": "pil"}
    with quiet():
        known = compat.processor_class(config)
        # AutoProcessor uses the class named in the files: for a port, another family's, which may need torchvision.
        ours = known is not None and known.__module__.startswith(ports.__name__)
        if known is not None and (ours or compat.takes_video(known)):
            processor = compat.without_video(known).from_pretrained(checkpoint.path, **options)
        else:
            processor = AutoProcessor.from_pretrained(checkpoint.path, **options)
    _complete(processor, config)
    if not hasattr(processor, "image_processor") or not hasattr(processor, "tokenizer"):
        raise ModelError(f"{checkpoint.name}: its processor takes no pictures; name an image-text-to-text model")
    processor.chat_template = processor.chat_template or processor.tokenizer.chat_template
    if not processor.chat_template:
        raise ModelError(
            f"{checkpoint.name}: has no chat template, so it cannot be asked; use its instruction-tuned checkpoint"
        )
    if not checkpoint.nano:
        limits.check_template(checkpoint.name, str(processor.chat_template))
    _check_tokens(checkpoint, processor, config)
    return processor


def video_settings(files: Path, config: Any) -> dict[str, Any] | None:
    """Return the settings of a checkpoint's video processor, which `open_processor` leaves out; None if it has none.

    Args:
        files: Folder of the checkpoint.
        config: Its configuration.
    """
    known = compat.processor_class(config)
    if known is None or not compat.takes_video(known):
        return None
    # As transformers looks for them; older releases have one file for images and videos.
    for name in (_PROCESSOR, "video_preprocessor_config.json", "preprocessor_config.json"):
        found = read_object(files / name) if (files / name).is_file() else {}
        if settings := found.get("video_processor") if name == _PROCESSOR else found:
            return dict(settings)
    return None


def vocabulary(config: Any) -> int | None:
    """Return the number of tokens that a model has an embedding for; None if its configuration does not state it."""
    text = config.get_text_config()
    size: int | None = getattr(text, "vocab_size", None)
    return None if size is None else size + (getattr(text, "additional_vocab_size", None) or 0)


def image_token_id(processor: Any) -> int | None:
    """Return the id of the image placeholder in a processor's prompts; None if it has none."""
    found: int | None = processor.tokenizer.convert_tokens_to_ids(getattr(processor, "image_token", None))
    return found


def largest_embedded(processor: Any, ids: Sequence[int]) -> int:
    """Return the largest of some token ids that needs an embedding; -1 if none does.

    The image placeholder may lie beyond the vocabulary: image features take its positions.
    """
    placeholder = image_token_id(processor)
    return max((each for each in ids if each != placeholder), default=-1)


def _complete(processor: Any, config: Any) -> None:
    """Take the settings that a LLaVA processor of an older release lacks from the model's configuration.

    Their absence makes transformers count image tokens wrongly, or not at all.
    """
    tower = getattr(config, "vision_config", None)
    defaults = {
        "patch_size": getattr(tower, "patch_size", None),
        "vision_feature_select_strategy": getattr(config, "vision_feature_select_strategy", None),
        # CLIP's tower adds one class token, SigLIP's none.
        "num_additional_image_tokens": int(getattr(tower, "model_type", None) == "clip_vision_model"),
    }
    for name, value in defaults.items():
        if hasattr(processor, name) and not getattr(processor, name):
            setattr(processor, name, value)


def trial_inputs(processor: Any) -> dict[str, Any]:
    """Return a processor's tensors for one short question about a blank image."""
    return dict(processor(text=[_trial_prompt(processor)], images=[[_BLANK]], return_tensors="pt"))


def _trial_prompt(processor: Any) -> str:
    turn = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": _QUESTION}]}
    return str(processor.apply_chat_template([turn], add_generation_prompt=True))


def _check_tokens(checkpoint: Checkpoint, processor: Any, config: Any) -> None:
    """Refuse a processor whose prompts hold tokens that the model lacks, or lack the question or the image."""
    if _QUESTION not in _trial_prompt(processor):
        raise ModelError(f"{checkpoint.name}: its chat template leaves out the question; take the checkpoint's own one")
    token, tokenizer = getattr(processor, "image_token", None), processor.tokenizer
    if token is not None and tokenizer.convert_tokens_to_ids(str(token)) in {None, tokenizer.unk_token_id}:
        raise ModelError(
            f"{checkpoint.name}: its tokenizer lacks the image token {token}; take the checkpoint's own one"
        )
    expected = getattr(config, "image_token_id", getattr(config, "image_token_index", None))
    ids = trial_inputs(processor)["input_ids"]
    if expected is not None and expected not in ids:
        raise ModelError(
            f"{checkpoint.name}: its prompts hold no image token (number {expected} for the model); "
            "tokenizer, chat template and config.json must come from one checkpoint"
        )
    rows, largest = vocabulary(config), largest_embedded(processor, ids.flatten().tolist())
    if rows is not None and largest >= rows:
        token = tokenizer.convert_ids_to_tokens(largest)
        raise ModelError(
            f"{checkpoint.name}: its tokenizer writes token {largest} ({token}), and the model has embeddings for "
            f"{rows:,} tokens only; tokenizer, config.json and weights must come from one checkpoint"
        )
