"""Salvage: the questions and answers in a model's text, however it is written; none that is not there."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from ninefold.captions.engines.endpoint import json_scan
from ninefold.captions.engines.endpoint.json_scan import BROKEN, Object
from ninefold.questions.formats import thoughts

VERSION = 1
"""Version of the reader, which a run's settings hold."""

LONGEST = 1000
"""Maximum letters of a question or an answer."""

_QUESTION_KEYS = {"question", "q", "query", "prompt", "ask", "instruction"}
_ANSWER_KEYS = {"answer", "a", "ans", "response", "reply", "output"}
_NO_KEY = re.compile(r"[^a-z]+")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]+")
_FORM = re.compile(
    r"[<\[{(]?\s*(?:the |your |some )?(?:question|answer)s?(?: text)?\s*\d*\s*[>\]})]?|[\s.\u2026_-]*", re.IGNORECASE
)
"""What stands in the place of a question or an answer in the prompt's form."""

_ENGLISH_WORDS = """
    the what where which who whom whose when why how does do did are was were there from and with between of behind
    left right above below under near beside inside outside facing this that these those it its their can could has
    have than more most
"""
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
"""Words of English questions that other languages written in Latin letters do not have."""

_FIRST = frozenset({"is", "are", "name", "describe"})
_WORD = re.compile(r"[^\W\d_]+")


class Salvaged(NamedTuple):
    """What is in a model's text."""

    pairs: tuple[tuple[str, str], ...]
    """Questions with their answers, in order."""
    broken: str
    """What could not be used and why, in one line; empty if all could be."""


def salvaged(text: str, *, truncated: bool = False) -> Salvaged:
    """Return the questions and answers in a model's text outside its thoughts.

    JSON may stand in a fence or in prose, be a list, an object that holds one, or single objects; it may be cut off or
    written loosely (see `json_scan`), and have other names for its keys. A pair counts if its question and its answer
    stand there as a whole.

    Args:
        text: What the model has said.
        truncated: Whether the token limit cut it off.
    """
    said = thoughts.spoken(text)
    found = _Found([], False, True) if said.unfinished else _objects(said.text)
    pairs: list[tuple[str, str]] = []
    faults: Counter[str] = Counter()
    for each in found.objects:
        for pair in _pairs(each):
            if isinstance(pair, str):
                faults[pair] += 1
            else:
                pairs.append(pair)
    why = [f"{fault} ({count})" for fault, count in faults.items()]
    if truncated:
        why.append("cut off at the token limit")
    elif said.unfinished:
        why.append("thoughts without an end")
    elif not found.is_json:
        why.append("no JSON" if not found.objects else "JSON with faults")
    elif not pairs and not faults and not found.is_empty:
        why.append("JSON without a question")
    return Salvaged(tuple(pairs), "; ".join(why))


class _Found(NamedTuple):
    """The objects in a text."""

    objects: list[Object]
    is_json: bool
    """Whether it is JSON, with at most a fence or prose around it."""
    is_empty: bool
    """Whether it is JSON that says that there are no pairs."""


def _objects(text: str) -> _Found:
    start = min((at for at in (text.find("["), text.find("{")) if at >= 0), default=0)
    for part in (text, text[start : max(map(text.rfind, "]}")) + 1]):
        found = json_scan.strict(part.strip())
        if found is not None:
            objects, value = found
            held = [inner for _, inner in value] if isinstance(value, Object) else [value]
            return _Found(objects, True, all(inner == [] for inner in held))
    return _Found(list(json_scan.loose(text)), False, False)


def _pairs(entries: Object) -> Iterator[tuple[str, str] | str]:
    """Yield the pairs of one object, and the fault of each that cannot be used."""
    told = [(_name(key), value) for key, value in entries]
    questions = [value for name, value in told if name in _QUESTION_KEYS]
    answers = [value for name, value in told if name in _ANSWER_KEYS]
    if len(questions) == len(answers) == 1:
        yield _pair(questions[0], answers[0])
    else:
        yield from _in_turn(told)
    yield from (_pair(key, value) for key, value in entries if _asks(key) and not isinstance(value, list))
    yield from _parallel(entries)


def _in_turn(told: list[tuple[str, Any]]) -> Iterator[tuple[str, str] | str]:
    """Yield the pairs of an object that has several: each answer follows its question."""
    question: list[Any] = []
    for name, value in told:
        if name in _QUESTION_KEYS:
            yield from ("question without an answer" for _ in question)
            question = [value]
        elif name in _ANSWER_KEYS and question:
            yield _pair(question.pop(), value)
    yield from ("question without an answer" for _ in question)


def _name(key: str) -> str:
    """Return a key in lower case without numbers, such as "question" for "Question 1"."""
    return _NO_KEY.sub("", key.lower()) if len(key) <= 40 else ""


def _asks(key: str) -> bool:
    return key.rstrip().endswith("?")


def _parallel(entries: Object) -> Iterator[tuple[str, str] | str]:
    """Yield the pairs of a list of questions beside a list of as many answers."""
    lists = {key.strip().lower(): value for key, value in entries if type(value) is list}
    questions, answers = lists.get("questions"), lists.get("answers")
    if questions and answers and len(questions) == len(answers) and all(type(each) is str for each in questions):
        yield from map(_pair, questions, answers)


def _pair(question: Any, answer: Any) -> tuple[str, str] | str:
    """Return a pair, each in one line, or why it cannot be used."""
    if question is BROKEN or answer is BROKEN:
        return "pair cut off or unreadable"
    if not isinstance(question, str):
        return "question that is no text"
    asked, said = _line(question), _line(_text(answer))
    if not said:
        return "answer that is no text"
    if max(len(asked), len(said)) > LONGEST:
        return f"question or answer of more than {LONGEST:,} letters"
    if _FORM.fullmatch(asked) or _FORM.fullmatch(said):
        return "pair without words"
    return (asked, said) if _is_english(asked) else "question not in English"


def _text(answer: Any) -> str:
    """Return an answer as a text, or "" if it is none; a list of texts is read with commas."""
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    if isinstance(answer, str | int | float):
        return str(answer)
    if type(answer) is list and answer and all(isinstance(each, str | int | float) for each in answer):
        return ", ".join(map(_text, answer))
    return ""


def _line(text: str) -> str:
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _SPACE.sub(" ", whole[: 4 * LONGEST]).strip()


def _is_english(question: str) -> bool:
    words = _WORD.findall(question.lower())
    return bool(words) and (words[0] in _FIRST or not _ENGLISH.isdisjoint(words))
