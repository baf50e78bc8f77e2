"""The part of a run's specification that changes its outcome, and the run's id, which is a hash of it."""

from collections.abc import Mapping
from typing import Any

from ninefold import store

_CONTENT = ("checkpoint", "fingerprint", "train")
"""Keys of a hash of content: a name beside one of them, such as a folder's, changes nothing."""


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
