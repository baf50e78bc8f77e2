"""Changes of all requests to a server: what it refuses is left out, renamed or raised from then on, and recorded."""

import threading
from collections.abc import Mapping
from typing import Any

from ninefold import console
from ninefold.models.endpoint.refusals import LENGTHS, Refused, least_length, refused_parameter

_RENAMED = {"max_tokens": "max_completion_tokens"}


class RequestForm:
    """The form of requests that a server takes; shared by threads."""

    def __init__(self, url: str) -> None:
        """Begin with requests as they are; ``url`` names the server in warnings."""
        self._url = url
        self._refused: set[str] = set()
        self._least = 0
        self._changes: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def changes(self) -> Mapping[str, str]:
        """What became of each parameter that the server refused, with its reason."""
        return dict(self._changes)

    def formed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body of a request in the form that the server takes."""
        kept: dict[str, Any] = {}
        for name, value in body.items():
            sent = _RENAMED.get(name, name) if name in self._refused else name
            if sent not in self._refused:
                kept[sent] = max(value, self._least) if sent in LENGTHS else value
        return kept

    def adapt(self, sent: Mapping[str, Any], error: Refused) -> bool:
        """Take a refusal into account; return whether the request now has another form than when it was sent.

        Each parameter is renamed once, left out once, and its value raised once, so that this ends.
        """
        if error.filtered:
            return False
        name = refused_parameter(error.words, sent)
        with self._lock:
            if name is not None:
                if name not in self._refused:
                    self._refused.add(name)
                    left_out = "left out (answers have no limit)" if name in LENGTHS else "left out"
                    self._record(name, f"sent as {_RENAMED[name]}" if name in _RENAMED else left_out, error)
                return True
            length = next((name for name in LENGTHS if name in sent), None)
            if length is None:
                return False
            least = least_length(error.words)
            if not self._least and least is not None and least > sent[length]:
                self._least = least
                self._record(f"{length} below {least}", f"sent as {least}", error)
            return bool(sent[length] < self._least)

    def _record(self, refused: str, became: str, error: Refused) -> None:
        self._changes[refused] = f"{became}: {error.reason}"
        console.warn(f"{self._url}: refuses {refused}, which is {became} from here on ({error.reason})")
