"""Refusals of a server: of one request, of a parameter in all requests, or of everything."""

import json
import re
from collections.abc import Container
from typing import Any

from ninefold.errors import ModelError


class Refused(ModelError):
    """A refusal of one request; others may be answered."""

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        words: str = "",
        filtered: bool = False,
        tries: int = 0,
        may_pass: bool = False,
        status: int = 0,
    ) -> None:
        """Name a refusal.

        Args:
            message: The whole message, with the server and the example.
            reason: The server's own words, in one line.
            words: Everything that the server says about it, for a closer look.
            filtered: Whether it is the content of the request that is refused, by a filter.
            tries: Number of tries after which the request was given up; 0 if the first answer was a refusal.
            may_pass: Whether the same request may be answered later.
            status: The HTTP status of the last answer; 0 if there was none.
        """
        super().__init__(message)
        self.reason = reason
        self.words = words
        self.filtered = filtered
        self.tries = tries
        self.may_pass = may_pass
        self.status = status


OF_ONE_REQUEST = {400, 403, 404, 413, 422}
"""HTTP statuses that may be due to one request alone."""

MAY_PASS = {403, 404}
"""Those that may also be due to a server that has changed, for a while or for good."""

_FILTERS = re.compile(
    r"content[ _-]?(?:filter|policy|moderation|management[ _]policy)|responsible_?ai|data_inspection_failed|moderation"
    r"|flagged|prohibited_content|safety (?:system|filter|settings?)|invalid_prompt",
    re.IGNORECASE,
)
_EVERYTHING = re.compile(
    r"api[ _-]?key|unauthori[sz]ed|authenticat|billing|quota|(?:invalid|unknown|no such)[ _]model"
    r"|model[ _]?not[ _]?(?:found|exist)|model\b[^.]{0,80}\b(?:does not exist|not found|not exist|is unknown)",
    re.IGNORECASE,
)
_LENGTHS = re.compile(
    r"context|too (?:large|long|many|small)|exceed|at (?:least|most)|(?:less|greater|more) than|below|above",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    r"unsupported|not support|n't support|un(?:known|recogni[sz]ed|expected)|not permitted|not allowed|deprecated"
    r"|use\W+max_completion_tokens|invalid (?:parameter|field|argument)",
    re.IGNORECASE,
)
LENGTHS = ("max_tokens", "max_completion_tokens")
"""Names of the parameter that limits the answer's length."""

_LENGTH = re.compile(r"(?<![A-Za-z_])max_(?:completion_|new_|output_)?tokens(?![A-Za-z_])")
_PARAMETERS = {
    "temperature": re.compile(r"(?<![A-Za-z_])(?:temperature(?![A-Za-z_])|temp(?= (?:must|should|is|cannot|has)))"),
    "seed": re.compile(r"(?<![A-Za-z_])seed(?![A-Za-z_])"),
    **dict.fromkeys(LENGTHS, _LENGTH),
}
_LEAST = re.compile(
    r"(?:at least|minimum(?: value)?(?: is| of)?:?|>=|\u2265|greater than or equal to"
    r"|not be (?:less|lower|smaller) than)\s*(?P<least>\d{1,4})(?!\d)"
    r"|must be (?:greater than|more than|larger than|>)\s*(?P<above>\d{1,4})(?!\d)",
    re.IGNORECASE,
)
_CODES = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "overloaded_error": 503,
    "server_error": 500,
    "timeout": 504,
}
_NAMED = {
    "invalid_request_error": 400, "content_filter": 400, "context_length_exceeded": 400, "badrequesterror": 400,
    "invalid_api_key": 401, "authentication_error": 401, "permission_error": 403, "model_not_found": 404,
    "notfounderror": 404, "insufficient_quota": 402,
}  # fmt: skip


def error_of(reply: Any) -> dict[str, Any] | None:
    """Return the error that a reply of status 200 holds, at its top or in its first choice, or None."""
    if not isinstance(reply, dict):
        return None
    choices = reply.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if not choices and (reply.get("error") or reply.get("object") == "error"):
        return reply
    return first if isinstance(first, dict) and first.get("error") else None


def status_of(found: dict[str, Any]) -> int | None:
    """Return the HTTP status that an error in a reply means by its code or type, or None if it tells none."""
    inner = found.get("error")
    for holder in (inner, found):
        for name in ("code", "status", "status_code", "type"):
            value = holder.get(name) if isinstance(holder, dict) else None
            if isinstance(value, int) and 400 <= value < 600:
                return value
            text = str(value)[:40].lower()
            if re.fullmatch(r"[45]\d\d", text):
                return int(text)
            if text in _CODES or text in _NAMED:
                return _CODES.get(text) or _NAMED[text]
    return None


def message_of(content: Any) -> tuple[str, str]:
    """Return the message of a server's error, and everything that it says, both as text."""
    inner = content
    if isinstance(content, dict):
        inner = content.get("error") or content.get("message") or content.get("detail")
        if isinstance(inner, dict):
            inner = inner.get("message") or inner.get("code") or inner.get("type")
    if isinstance(inner, list):  # of FastAPI: where it is, and what is wrong
        inner = "; ".join(_of_field(item) for item in inner[:3])
        return inner, inner
    try:
        words = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    except (RecursionError, ValueError):
        words = str(inner)
    return ("" if inner is None else str(inner)), words[:4000]


def _of_field(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    place = item.get("loc")
    where = ".".join(map(str, place)) if isinstance(place, list) else ""
    return f"{where}: {item.get('msg', '')}".removeprefix(": ")


def is_filter(status: int, words: str) -> bool:
    """Return whether a refusal is due to what one request contains, as a content filter sees it."""
    return status in {400, 403, 422, 451} and _FILTERS.search(words) is not None


def is_of_one_request(status: int, words: str) -> bool:
    """Return whether a refusal may be due to one request alone, not to the key, the model or the account."""
    return is_filter(status, words) or (status in OF_ONE_REQUEST and not _EVERYTHING.search(words))


def refused_parameter(words: str, sent: Container[str]) -> str | None:
    """Return the parameter that a server's words refuse, as it was sent, if it can be left out or renamed, or None."""
    for name, pattern in _PARAMETERS.items():
        # "max_tokens is too large for the context" is no refusal of the parameter.
        is_length = name in LENGTHS and _LENGTHS.search(words) and not _UNKNOWN.search(words)
        if name in sent and not is_length and pattern.search(words):
            return name
    return None


def least_length(words: str) -> int | None:
    """Return the smallest ``max_tokens`` that a server takes, by its words about a smaller one, or None."""
    found = _LEAST.search(words) if _PARAMETERS["max_tokens"].search(words) else None
    if found is None:
        return None
    return int(found["least"] or 0) or int(found["above"]) + 1
