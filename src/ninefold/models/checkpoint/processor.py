"""Processors of checkpoints: tokenizer, chat template and image processor, without torchvision."""

from typing import Any

from PIL import Image
from transformers import AutoProcessor

from ninefold.errors import ModelError
from ninefold.models import compat, ports
from ninefold.models.checkpoint.messages import quiet
from ninefold.models.families import Checkpoint


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
    if not hasattr(processor, "image_processor") or not hasattr(processor, "tokenizer"):
        raise ModelError(f"{checkpoint.name}: its processor takes no pictures; name an image-text-to-text model")
    processor.chat_template = processor.chat_template or processor.tokenizer.chat_template
    if not processor.chat_template:
        raise ModelError(
            f"{checkpoint.name}: has no chat template, so it cannot be asked; use its instruction-tuned checkpoint"
        )
    _check_image_token(checkpoint, processor, config)
    return processor


def trial_inputs(processor: Any) -> dict[str, Any]:
    """Return a processor's tensors for one short question about a blank image."""
    turn = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "?"}]}
    prompt = str(processor.apply_chat_template([turn], add_generation_prompt=True))
    return dict(processor(text=[prompt], images=[[Image.new("RGB", (64, 64))]], return_tensors="pt"))


def _check_image_token(checkpoint: Checkpoint, processor: Any, config: Any) -> None:
    """Refuse a processor whose prompts hold no image token: the model would answer without the image."""
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
