"""Opening checkpoints: a processor without torchvision, a model from safetensors, an adapter, and their hashes."""

import inspect
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import torch
import xxhash
from peft import PeftModel
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModel, AutoModelForImageTextToText, AutoProcessor
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
from transformers.utils import logging

from ninefold.errors import ModelError
from ninefold.models import ports
from ninefold.models.families import Family, Source, of_config
from ninefold.store import canonical_json

Precision = Literal["auto", "float32", "bfloat16", "float16"]
"""What to compute in; "auto" is single precision on a CPU and for the nano, and the checkpoint's own elsewhere."""

_BROKEN = (OSError, ValueError, TypeError, KeyError, ImportError, RuntimeError, SafetensorError)
_WEIGHTS = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' own bars and warnings off the terminal; errors still raise."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def open_config(source: Source, *, trust_remote_code: bool = False) -> tuple[Any, Family]:
    """Return a checkpoint's configuration and its row, which for a hub id is known only now."""
    with explained(source):
        config = AutoConfig.from_pretrained(source.path, trust_remote_code=trust_remote_code)
    return config, source.family if source.family.checkpoints else of_config(config.to_dict())


def open_processor(source: Source, config: Any, *, trust_remote_code: bool = False) -> Any:
    """Return a checkpoint's processor, for pictures and text alone, with Pillow's resize.

    Raises:
        ModelError: If it cannot be opened, or has no chat template.
    """
    options = {"trust_remote_code": trust_remote_code, "backend": "pil"}
    with explained(source):
        known = PROCESSOR_MAPPING.get(type(config), None)
        # AutoProcessor goes by the class that the files name: for a port another family's, which may want torchvision.
        ours = known is not None and known.__module__.startswith(ports.__name__)
        if known is not None and (ours or "video_processor" in known.get_attributes()):
            processor = without_video(known).from_pretrained(source.path, **options)
        else:
            processor = AutoProcessor.from_pretrained(source.path, **options)
    if not hasattr(processor, "image_processor") or not hasattr(processor, "tokenizer"):
        raise ModelError(f"{source.name}: its processor takes no pictures; name an image-text-to-text model")
    processor.chat_template = processor.chat_template or processor.tokenizer.chat_template
    if not processor.chat_template:
        raise ModelError(
            f"{source.name}: has no chat template, so it cannot be asked; use its instruction-tuned checkpoint"
        )
    return processor


def open_model(source: Source, *, dtype: torch.dtype | str, trust_remote_code: bool = False) -> Any:
    """Return a checkpoint's model, in evaluation mode.

    Raises:
        ModelError: If it cannot be opened, has no safetensors, or lacks some of its tensors.
    """
    auto = AutoModel if source.family.kind == "dual" else AutoModelForImageTextToText
    with explained(source):
        model, found = auto.from_pretrained(
            source.path,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=trust_remote_code,
            output_loading_info=True,
        )
    if missing := sorted(found["missing_keys"]):
        raise ModelError(
            f"{source.name}: the checkpoint lacks {len(missing)} tensors, {missing[0]} first; download it again"
        )
    return model.eval()


def open_adapter(model: Any, folder: Path) -> Any:
    """Put a saved adapter on its base: merged into its weights in single precision, beside them where that would round.

    Raises:
        ModelError: If the folder holds no adapter, or one for another base.
    """
    if not (folder / "adapter_config.json").is_file():
        raise ModelError(f"{folder}: no adapter, as it has no adapter_config.json; name a finished training run")
    try:
        with quiet():
            tuned = PeftModel.from_pretrained(model, str(folder))
            return (tuned.merge_and_unload() if model.dtype == torch.float32 else tuned).eval()
    except _BROKEN as error:
        raise ModelError(f"{folder}: the adapter does not fit this base ({_first_line(error)})") from None


def adapter_folder(path: Path) -> Path:
    """Return the folder of an adapter, given it or the training run that made it."""
    return path / "adapter" if (path / "adapter").is_dir() else path


def compute_dtype(name: Precision, source: Source, device: torch.device) -> torch.dtype | str:
    """Return what ``name`` means for a model on a device, as `open_model` takes it."""
    if name != "auto":
        return getattr(torch, name)  # type: ignore[no-any-return]
    return torch.float32 if device.type == "cpu" or source.nano else "auto"


def checkpoint_id(source: Source, config: Any) -> str | None:
    """Return what tells versions of a checkpoint apart: its revision on the hub, or a hash of its files here."""
    return folder_hash(Path(source.path)) if source.local else getattr(config, "_commit_hash", None)


def folder_hash(folder: Path) -> str:
    """Return a hash of all the files of a checkpoint that can change what it answers."""
    files = sorted({path for pattern in _WEIGHTS for path in folder.glob(pattern)})
    digest = xxhash.xxh3_128()
    for path in files:
        digest.update(f"{path.name}:{_file_hash(path, path.stat().st_mtime_ns)};".encode())
    return str(digest.hexdigest())


def adapter_hash(folder: Path) -> str:
    """Return a hash of an adapter's weights and of the settings that scale and place them."""
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    # What says where the base lay, or which PEFT wrote it, changes no answer.
    settings = {key: config.get(key) for key in ("r", "lora_alpha", "use_rslora", "target_modules", "peft_type")}
    weights = folder / "adapter_model.safetensors"
    content = canonical_json(settings) + _file_hash(weights, weights.stat().st_mtime_ns)
    return str(xxhash.xxh3_128_hexdigest(content.encode()))


@lru_cache(maxsize=64)
def _file_hash(path: Path, _changed: int) -> str:
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return str(digest.hexdigest())


def without_video(known: Any) -> Any:
    """Return a processor class less its video half, the only part that cannot be built without torchvision."""
    attributes = [name for name in known.get_attributes() if name != "video_processor"]

    class Still(known):  # type: ignore[misc]
        __init__ = known.__init__

        @classmethod
        def get_attributes(cls) -> list[str]:
            return attributes

    Still.__name__ = known.__name__
    return Still


@contextmanager
def explained(source: Source) -> Iterator[None]:
    """Say in a line why a checkpoint cannot be opened, whatever transformers makes of it."""
    kind = "a dual encoder" if source.family.kind == "dual" else "an image-text-to-text model"
    try:
        with quiet():
            yield
    except _BROKEN as error:
        raise ModelError(f"{source.name}: cannot be opened as {kind} ({_first_line(error)})") from None


def _first_line(error: BaseException) -> str:
    return inspect.cleandoc(str(error)).partition("\n")[0][:300] or type(error).__name__
