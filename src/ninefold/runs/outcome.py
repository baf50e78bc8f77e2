"""The part of a run's specification that changes its outcome, and the run's id, which is a hash of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ninefold import store
from ninefold.output import differences

_CONTENT = ("checkpoint", "fingerprint", "train")
"""Keys of a hash of content: a name beside one of them, such as a folder's, changes nothing."""


_FOLLOWING = {"family", "nano", "pictures", "texts", "rows", "clustering", "labels", "pattern", "relabeling"}
"""Settings that follow from others, which are named instead of them."""


def run_id(spec: Mapping[str, Any]) -> str:
    """Return the id of a run: a hash of everything that changes its outcome."""
    return store.content_id(outcome(spec))


def outcome(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a specification without what changes no outcome: its id, and the names of what is known by its content.

    A model known by its name alone, such as a served one, keeps it.
    """
    return {key: _nameless(value) for key, value in spec.items() if key != "id"}


def _nameless(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_nameless(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    known = any(value.get(key) is not None for key in _CONTENT)
    return {key: _nameless(item) for key, item in value.items() if not (known and key == "name")}


def changes(there: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Return how two specifications differ, under the names of the options, such as "model nano, asked nano-clip".

    What is known by its content is named; a part of its hash is added where two of one name differ.
    """
    one, two = _settings(there), _settings(asked)
    different = [name for name in {**two, **one} if _content(one.get(name)) != _content(two.get(name))]
    told = [name for name in different if name not in _FOLLOWING] or different
    alike = {name for name in told if _name(one.get(name)) == _name(two.get(name))}
    return differences(*({name: _text(each.get(name), name in alike) for name in told} for each in (one, two)))


@dataclass(frozen=True)
class _Named:
    """Something known by its content, and called by a name."""

    name: str
    content: object


def _settings(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a run by the name of their option."""
    found: dict[str, Any] = {}
    for key, value in spec.items():
        if key == "lora":
            found["method"] = "full" if value is None else "lora"
        if isinstance(value, Mapping):
            content = next((value[name] for name in _CONTENT if value.get(name) is not None), None)
            found |= {name.replace("_", "-"): item for name, item in value.items() if name not in {"name", *_CONTENT}}
            if "name" in value:
                found[key] = value["name"] if content is None else _Named(value["name"], content)
        elif key == "data":
            found[key] = _Named(", ".join(str(one["name"]) for one in value), outcome({key: value}))
        elif key not in {"id", "lora"}:
            found[key.replace("_", "-")] = value
    adapter = found.get("adapter")
    return found | ({"adapter": _Named("an adapter", adapter) if adapter else "none"} if "adapter" in found else {})


def _content(value: object) -> object:
    return value.content if isinstance(value, _Named) else value


def _name(value: object) -> object:
    return value.name if isinstance(value, _Named) else value


def _text(value: object, with_content: bool) -> object:
    if isinstance(value, _Named) and with_content:
        return f"{value.name} ({store.content_id(value.content)[:8]})"
    return "none" if value is None else _name(value)
