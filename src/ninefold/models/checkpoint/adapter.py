"""LoRA adapters of PEFT: loading onto their base, with a check of every tensor."""

import warnings
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors import safe_open

from ninefold.errors import ModelError, NinefoldError
from ninefold.models.checkpoint.messages import first_line, quiet
from ninefold.runs import layout


def open_adapter(model: Any, folder: Path) -> Any:
    """Add a saved adapter to its base: merged into the weights in single precision, kept beside them in half precision.

    Args:
        model: The base.
        folder: The adapter's folder, already checked against this base (`ninefold.models.checkpoint.fingerprint`).

    Raises:
        ModelError: If its tensors are not exactly those that its settings require on this base.
    """
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # The causes of PEFT's warnings are refused below.
            tuned = PeftModel.from_pretrained(model, str(folder))
            _check_loaded(tuned, folder)
            return (tuned.merge_and_unload() if model.dtype == torch.float32 else tuned).eval()
    except NinefoldError:
        raise
    except Exception as error:  # PEFT raises no specific exception
        raise ModelError(f"{folder}: the adapter does not fit this base ({first_line(error)})") from error


def _check_loaded(tuned: Any, folder: Path) -> None:
    """Refuse an adapter with tensors that PEFT ignored or had to initialize."""
    with safe_open(folder / layout.ADAPTER_WEIGHTS, "pt") as file:
        held = set(file.keys())
    loaded = get_peft_model_state_dict(tuned, save_embedding_layers=False).keys()
    extra, missing = sorted(held - loaded - tuned.state_dict().keys()), sorted(loaded - held)
    if extra:
        raise ModelError(
            f"{folder}: the adapter does not fit this base, which has no place for {len(extra)} of its "
            f"{len(held)} tensors, {extra[0]} first"
        )
    if missing:
        raise ModelError(f"{folder}: the adapter lacks {len(missing)} tensors, {missing[0]} first; copy it again")
