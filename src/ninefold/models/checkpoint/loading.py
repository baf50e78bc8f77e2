"""Opening checkpoints: a processor without torchvision, a model from safetensors, an adapter, and their hashes."""

import inspect
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import torch
import xxhash
from peft import PeftModel, get_peft_model_state_dict
from PIL import Image
from safetensors import safe_open
from transformers import AutoConfig, AutoModel, AutoModelForImageTextToText, AutoProcessor
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
from transformers.utils import logging

from ninefold import store
from ninefold.errors import ModelError, NinefoldError
from ninefold.models import ports
from ninefold.models.compute.patch_embedding import flatten_patches
from ninefold.models.families import Family, Source, of_config

Precision = Literal["auto", "float32", "bfloat16", "float16"]
"""What to compute in; "auto" is single precision on a CPU and for the nano, and the checkpoint's own elsewhere."""

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
        ModelError: If it cannot be opened, has no chat template, or would show the model no picture.
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
    _check_image_token(source, processor, config)
    return processor


def _check_image_token(source: Source, processor: Any, config: Any) -> None:
    """Refuse a processor in whose prompts a model would find no picture, and would guess."""
    token, tokenizer = getattr(processor, "image_token", None), processor.tokenizer
    if token is not None and tokenizer.convert_tokens_to_ids(str(token)) in {None, tokenizer.unk_token_id}:
        raise ModelError(f"{source.name}: its tokenizer lacks the image token {token}; take the checkpoint's own one")
    expected = getattr(config, "image_token_id", getattr(config, "image_token_index", None))
    turn = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "?"}]}
    with explained(source):
        prompt = str(processor.apply_chat_template([turn], add_generation_prompt=True))
        ids = processor(text=[prompt], images=[[Image.new("RGB", (64, 64))]], return_tensors="pt")["input_ids"]
    if expected is not None and expected not in ids:
        raise ModelError(
            f"{source.name}: its prompts hold no image token (number {expected} for the model); "
            "tokenizer, chat template and config.json must come from one checkpoint"
        )


def open_model(source: Source, *, dtype: torch.dtype | str, trust_remote_code: bool = False) -> Any:
    """Return a checkpoint's model, in evaluation mode.

    Raises:
        ModelError: If it cannot be opened, has no safetensors, or its tensors are not the model's, each and all. What a
            class of transformers declares to be ignorable in its checkpoints is ignored.
    """
    auto = AutoModel if source.family.kind == "dual" else AutoModelForImageTextToText
    with explained(source):
        model, found = auto.from_pretrained(
            source.path,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=trust_remote_code,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # They are refused below, by name.
        )
    wrong = {
        "lacks {} tensors, {} first": found["missing_keys"],
        "holds {} tensors that the model has no place for, {} first": found["unexpected_keys"],
        "holds {} tensors of other shapes than the model's, {} first": {name for name, *_ in found["mismatched_keys"]},
    }
    if said := [text.format(len(names), min(names)) for text, names in wrong.items() if names]:
        raise ModelError(f"{source.name}: the checkpoint {', and '.join(said)}; its files must be of one checkpoint")
    return model.eval()


def open_network(
    source: Source,
    config: Any,
    *,
    adapter: Path | None,
    dtype: Precision,
    device: str,
    trust_remote_code: bool,
) -> tuple[Any, dict[str, object]]:
    """Return a checkpoint's model on its device, perhaps with an adapter, and its identity.

    Args:
        source: Where it comes from, with its row.
        config: What `open_config` returned.
        adapter: A PEFT adapter's folder, or the training run that made it.
        dtype: What to compute in.
        device: A torch device, or "auto": a GPU where there is one.
        trust_remote_code: Whether code that comes with the checkpoint may run.

    Raises:
        ModelError: If the checkpoint or the adapter cannot be used, with the reason.
    """
    place = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    precision = compute_dtype(dtype, source, place)
    model = open_model(source, dtype=precision, trust_remote_code=trust_remote_code).to(place)
    flatten_patches(model)
    identity: dict[str, object] = {
        "name": source.name,
        "family": source.family.name,
        "nano": source.nano,
        "checkpoint": checkpoint_id(source, config),
        "adapter": None,
        "dtype": str(model.dtype).removeprefix("torch."),
    }
    if adapter is not None:
        folder = adapter_folder(adapter)
        model = open_adapter(model, folder, identity)
        identity["adapter"] = adapter_hash(folder)
    return model, identity


def open_adapter(model: Any, folder: Path, identity: Mapping[str, object]) -> Any:
    """Put a saved adapter on its base: merged into its weights in single precision, beside them where that would round.

    Args:
        model: The base.
        folder: What `adapter_folder` returned.
        identity: The base's (see `ninefold.models.protocol.Model`).

    Raises:
        ModelError: If the folder holds no adapter, or one for another base.
    """
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if not (folder / name).is_file():
            raise ModelError(f"{folder}: no adapter, as it has no {name}; name a finished training run")
    _check_base(folder, identity)
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # What PEFT warns of is refused below.
            tuned = PeftModel.from_pretrained(model, str(folder))
            _check_placed(tuned, folder)
            return (tuned.merge_and_unload() if model.dtype == torch.float32 else tuned).eval()
    except NinefoldError:
        raise
    except Exception as error:  # as in explained
        raise ModelError(f"{folder}: the adapter does not fit this base ({_first_line(error)})") from error


def _check_base(folder: Path, identity: Mapping[str, object]) -> None:
    """Refuse an adapter whose training run began from another checkpoint."""
    if folder.name != "adapter" or not (folder.parent / "spec.json").is_file():
        return
    trained = store.read_json(folder.parent / "spec.json").get("model", {})
    theirs, ours = str(trained.get("checkpoint")), str(identity["checkpoint"])
    # A revision on the hub and a hash of files, told by their lengths, say nothing about each other.
    if len(theirs) == len(ours) and theirs != ours:
        raise ModelError(
            f"{folder.parent}: its adapter was trained on another base, {trained.get('name')} ({theirs[:12]}), "
            f"not {identity['name']} ({ours[:12]}); name that one with --model"
        )


def _check_placed(tuned: Any, folder: Path) -> None:
    """Refuse an adapter some of whose tensors PEFT has left out, or has made up."""
    with safe_open(folder / "adapter_model.safetensors", "pt") as file:
        held = set(file.keys())
    placed = get_peft_model_state_dict(tuned, save_embedding_layers=False).keys()
    extra, missing = sorted(held - placed - tuned.state_dict().keys()), sorted(placed - held)
    if extra:
        raise ModelError(
            f"{folder}: the adapter does not fit this base, which has no place for {len(extra)} of its "
            f"{len(held)} tensors, {extra[0]} first"
        )
    if missing:
        raise ModelError(f"{folder}: the adapter lacks {len(missing)} tensors, {missing[0]} first; copy it again")


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
    content = store.canonical_json(settings) + _file_hash(weights, weights.stat().st_mtime_ns)
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
    except NinefoldError:
        raise
    except Exception as error:  # tokenizers, for one, raises nothing more exact
        raise ModelError(f"{source.name}: cannot be opened as {kind} ({_first_line(error)})") from error


def _first_line(error: BaseException) -> str:
    """Return the first line of an error, and the next where the first only announces it."""
    lines = [line.strip() for line in inspect.cleandoc(str(error)).splitlines() if line.strip()]
    return " ".join(lines[: 2 if lines[0].endswith(":") else 1])[:300] if lines else type(error).__name__
