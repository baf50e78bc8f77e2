"""An adapter's settings, checked before PEFT uses them: an error then names the file and the setting. No torch here."""

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ninefold.console import warn
from ninefold.errors import ModelError
from ninefold.models.checkpoint.files import read_object
from ninefold.runs import layout

WITHOUT_EFFECT = {
    "auto_mapping",
    "base_model_name_or_path",
    "inference_mode",
    "lora_dropout",
    "peft_version",
    "revision",
    "runtime_config",
    "task_type",
}
"""Settings of an adapter that change no answer: its origin, its use, and those of training alone."""

_LORA = {"lora_alpha": float, "alpha_pattern": dict[str, float] | None, "rank_pattern": dict[str, int] | None}
"""Types of LoRA's settings where its annotations say too little."""

_WORDS = {
    NoneType: "null",
    bool: "true or false",
    dict: "an object",
    float: "a number",
    int: "a whole number",
    list: "a list",
    str: "a text",
}
"""The types of JSON in words."""

_AGAIN = "copy or download it again"


def read_settings(folder: Path) -> Mapping[str, Any]:
    """Return the settings in an adapter's folder.

    Raises:
        ModelError: If they cannot be read, or one is NaN or infinite.
    """
    path = folder / layout.ADAPTER_CONFIG
    settings = read_object(path)
    for name, value in settings.items():
        if not all(map(isfinite, _floats(value))):
            raise ModelError(f"{path}: {name} is NaN or infinite; {_AGAIN}")
    return settings


def check_settings(folder: Path) -> Mapping[str, Any]:
    """Return an adapter's settings, if they are of PEFT's types and evaluation can follow them; warn of unknown ones.

    Raises:
        ModelError: If one is of another type, or the method is one that evaluation cannot follow.
    """
    from peft import PEFT_TYPE_TO_CONFIG_MAPPING, LoraConfig
    from peft.config import PromptLearningConfig

    path = folder / layout.ADAPTER_CONFIG
    settings = read_settings(folder)
    method = settings.get("peft_type")
    known = PEFT_TYPE_TO_CONFIG_MAPPING.get(method) if isinstance(method, str) else None
    if known is None:
        raise ModelError(f"{path}: peft_type is {_short(method)}, no method of the installed PEFT; update PEFT")
    types = get_type_hints(known) | (_LORA if known is LoraConfig else {})
    for name, value in settings.items():
        if name not in types and value:
            warn(f"{path}: {name} is unknown to the installed PEFT, which ignores it; a newer one may answer otherwise")
        elif name in types and name not in WITHOUT_EFFECT and not _fits(value, types[name]):
            raise ModelError(f"{path}: {name} must be {_words(types[name])}, not {_short(value)}; {_AGAIN}")
    # PEFT looks for aLoRA's tokens in the input of each forward pass, and without them computes the base alone.
    method = "aLoRA" if settings.get("alora_invocation_tokens") else method
    if method == "aLoRA" or issubclass(known, PromptLearningConfig):
        raise ModelError(
            f"{path}: {method} acts on the prompt as a whole, which evaluation computes in parts; name an adapter that "
            "acts on weights, such as LoRA"
        )
    return settings


def _floats(value: object) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _floats(item)


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value of JSON is of a type."""
    options = _options(kind)
    if options != [kind]:
        return any(_fits(value, option) for option in options)
    plain, items = _json_type(kind), get_args(kind)[-1:]
    if isinstance(value, bool) and plain is not bool:
        return False
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    fits = isinstance(value, int | float if plain is float else plain)
    return fits and all(_fits(item, items[0]) for item in inner if items)


def _words(kind: Any) -> str:
    """Return what a value of a type is, such as "a list (each a text) or a text"."""
    options = _options(kind)
    if options != [kind]:
        # Python's order of a union's types depends on what was imported before.
        return " or ".join(sorted(set(map(_words, options))))
    items = get_args(kind)[-1:]
    return _WORDS[_json_type(kind)] + (f" (each {_words(items[0])})" if items else "")


def _options(kind: Any) -> list[Any]:
    """Return the types that a type is a choice of."""
    if get_origin(kind) is Literal:
        return list(dict.fromkeys(map(type, get_args(kind))))
    if isinstance(kind, UnionType) or get_origin(kind) is Union:
        return [each for option in get_args(kind) for each in _options(option)]
    return [kind]


def _json_type(kind: Any) -> type:
    """Return the type that JSON has for one of PEFT's."""
    plain: type = get_origin(kind) or kind
    if plain in _WORDS:
        return plain
    # PEFT writes tuples and sets as lists, enumerations as texts, and settings of a part as objects.
    return list if issubclass(plain, tuple | set) else str if issubclass(plain, str) else dict


def _short(value: object) -> str:
    return json.dumps(value)[:40]
