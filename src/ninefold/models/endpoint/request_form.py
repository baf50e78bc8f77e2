"""Changes of all requests to a server: what it refuses is left out or renamed from then on, and recorded."""

import threading
from collections.abc import Mapping
from typing import Any

from ninefold import console
from ninefold.models.endpoint.refusals import Refused, refused_parameter

_RENAMED = {"max_tokens": "max_completion_tokens"}


class RequestForm:
    """The form of requests that a server takes; shared by threads."""

    def __init__(self, url: str) -> None:
        """Begin with requests as they are; ``url`` names the server in warnings."""
        self._url = url
        self._changes: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def changes(self) -> Mapping[str, str]:
        """What became of each parameter that the server refused, with its reason."""
        return dict(self._changes)

    def formed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body of a request in the form that the server takes."""
        kept = {_RENAMED.get(name, name) if name in self._changes else name: value for name, value in body.items()}
        return {name: value for name, value in kept.items() if name not in self._changes}

    def adapt(self, sent: Mapping[str, Any], error: Refused) -> bool:
        """Take a refusal into account; return whether the request now has another form than when it was sent."""
        name = None if error.filtered else refused_parameter(error.words, sent)
        if name is None:
            return False
        with self._lock:
            if name not in self._changes:
                became = f"sent as {_RENAMED[name]}" if name in _RENAMED else "left out"
                self._changes[name] = f"{became}: {error.reason}"
                console.warn(f"{self._url}: refuses {name}, which is {became} from here on ({error.reason})")
        return True
