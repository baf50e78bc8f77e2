"""Thoughts in a model's text: what it writes in think tags before its answer, which is never read as the answer.

The tags are those of the reasoning parsers of vLLM and SGLang, those of the models' chat templates, and all others
whose name tells of a thought.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ninefold.types import Answer, AnswerFormat

_PART = r"[\w:.\u2581-]{0,40}"
_NAME = (
    rf"(?!(?:end|answer|no)[_\u2581-]|nothink){_PART}?(?:think|thought|reason|analysis|reflect|scratchpad|monologue|"
    rf"deliberat|ponder|(?<![^\W_])cot(?![^\W_])){_PART}"
)
"""Pattern of a tag's name that tells of a thought, such as "think", "thought_process" or "begin_of_thought"."""

_LESS, _MORE, _BAR = r"[<\u2039\uff1c]", r"[>\u203a\uff1e]", r"[|\uff5c]?"
_OPENINGS = (
    # DeepSeek, Qwen, GLM, InternVL, Sky-T1, Command A Reasoning and most others
    rf"{_LESS}\s{{0,4}}{_BAR}{_NAME}(?:\s[^<>]*)?{_BAR}(?<!/){_MORE}",
    rf"&lt;\s{{0,4}}{_NAME}\s{{0,4}}&gt;",  # the same, escaped
    r"\u25c1think\u25b7",  # Kimi
    r"\[(?-i:THINK|THINKING|THOUGHT|REASONING)\]",  # Magistral
    r"<\|channel\|>(?:analysis|commentary)(?:[^<\n]*<\|message\|>)?",  # gpt-oss (harmony)
    r"\A(?-i:analysis(?=[A-Z]))",  # the same, without its special tokens
    r"<\|channel>thought",  # Gemma 4
    r"<unused94>",  # MedGemma
    r"<\|inner_prefix\|>",  # Apertus
)
_CLOSINGS = (
    rf"{_LESS}\s{{0,4}}{_BAR}\s{{0,4}}(?:/\s{{0,4}}{_BAR}|end[_\u2581]){_NAME}\s{{0,4}}{_BAR}{_MORE}",
    rf"&lt;\s{{0,4}}/\s{{0,4}}{_NAME}\s{{0,4}}&gt;",
    r"\u25c1/think\u25b7",
    r"\[(?-i:/(?:THINK|THINKING|THOUGHT|REASONING))\]",
    r"(?:<\|end\|>)?(?:<\|start\|>assistant)?<\|channel\|>final(?:[^<\n]*(?:<\|constrain\|>[^<\n]*)?<\|message\|>)?",
    r"(?-i:assistantfinal)",
    r"<channel\|>",
    r"<unused95>",
    r"<\|inner_suffix\|>",
)
_TAGS = re.compile(
    f"(?P<opening>{'|'.join(_OPENINGS)})|(?P<closing>{'|'.join(_CLOSINGS)})"
    # These close nothing but their own kind: Open WebUI's folded part, and a fence.
    rf"|(?P<details><details\s[^<>]*\btype\s*=\s*[\"']?{_NAME}[^<>]*>)|(?P<details_end></details\s*>)"
    rf"|(?P<fence>^```[ \t]*{_NAME}[ \t]*$)|(?P<fence_end>^```[ \t]*$)",
    re.IGNORECASE | re.MULTILINE,
)
_CLOSED_BY = {"closing": {"", "opening", "details", "fence"}, "details_end": {"details"}, "fence_end": {"fence"}}
_HINTS = re.compile(
    r"[<\u2039\uff1c\u25c1]|&lt;|\[/?(?:think|thought|reason)|assistantfinal|\Aanalysis|```", re.IGNORECASE
)
_ANSWER_MARKS = re.compile(
    r"</?(?:answer|response)>|<\|(?:begin|end)_of_box\|>|<\|(?:start|end)_response\|>", re.IGNORECASE
)
_UNKNOWN_TAG = re.compile(
    r"\s*<(?![\w:.-]{0,40}(?:answer|response|reply|output|final|result|solution|conclusion|label|box)"
    r"|(?:[a-z]|h\d|br|em|strong|code|pre|div|span|sub|sup|small|big|mark|html|body|ul|ol|li|table)[\s>])"
    r"(?P<name>[a-z][\w:.-]{0,80})(?:\s[^<>]*)?(?<!/)>",
    re.IGNORECASE,
)
"""Pattern of a tag at the start of a text that is neither one of answers nor one of formatting."""


class Spoken(NamedTuple):
    """A model's text without its thoughts."""

    text: str
    """The text outside thoughts."""
    thoughts: bool
    """Whether there are thoughts."""
    unfinished: bool
    """Whether the text ends within a thought."""
    begun_before: bool
    """Whether its first thought was opened before the text, by the prompt."""


def spoken(text: str) -> Spoken:
    """Return what a model says outside its thoughts.

    A closing tag ends a thought, also where no tag opened it: many chat templates open the thought in the prompt. An
    opening tag within a thought opens nothing.

    >>> spoken("<think>It may be left.</think>right").text, spoken("It may be left.</think>right").text
    ('right', 'right')
    """
    if not _HINTS.search(text):
        return Spoken(text, False, False, False)
    outside, position, begun_before = "", 0, False
    thinking = ""  # the kind of tag that opened the thought
    thoughts = False
    for tag in _TAGS.finditer(text):
        kind = tag.lastgroup or ""
        if kind in _CLOSED_BY:
            if thinking not in _CLOSED_BY[kind]:
                continue
            if not thinking:
                outside, begun_before = "", begun_before or not thoughts
            thinking, position = "", tag.end()
        elif not thinking:
            outside, thinking = outside + text[position : tag.start()], kind
        thoughts = True
    if not thinking:
        outside += text[position:]
    return Spoken(_ANSWER_MARKS.sub(" ", outside), thoughts, bool(thinking), begun_before)


def is_thought_alone(said: Spoken, *, begun_before: bool) -> bool:
    """Return whether a truncated text may be a thought and nothing else.

    One without tags is, if prompts open thoughts. So is one that begins with an unknown tag that it does not close.
    """
    if said.unfinished or _is_in_unknown_tag(said.text):
        return True
    return not said.text.strip() if said.thoughts else begun_before


def _is_in_unknown_tag(text: str) -> bool:
    tag = _UNKNOWN_TAG.match(text)
    return tag is not None and f"</{tag['name']}".lower() not in text.lower()


def is_tag(text: str) -> bool:
    """Return whether a text, such as a special token, is a tag that opens or closes a thought."""
    return _TAGS.fullmatch(text) is not None


def opened_at_end(prompt: str) -> str:
    """Return the opening tag that a prompt ends with, so that the answer begins within a thought, or ""."""
    tags = list(_TAGS.finditer(prompt.rstrip()))
    last = tags[-1] if tags else None
    return last[0] if last and last["opening"] is not None and last.end() == len(prompt.rstrip()) else ""


def read_spoken(
    format: AnswerFormat, text: str, options: Sequence[str], *, truncated: bool = False, begun_before: bool = False
) -> Answer:
    """Return the answer that a format reads in a model's text outside its thoughts.

    Args:
        format: The answer format of the example.
        text: The model's exact text.
        options: The answers offered.
        truncated: Whether the token limit stopped the text.
        begun_before: Whether the model's thoughts are opened by its prompt; a truncated text without a tag is then a
            thought.

    Returns:
        The answer; "truncated" if the token limit stopped the text within a thought, or before any word after it.
    """
    said = spoken(text)
    if truncated and is_thought_alone(said, begun_before=begun_before):
        return Answer("truncated")
    return format.read(said.text, options, truncated=truncated)


def as_thought(text: str, *, finished: bool = False) -> str:
    """Return a thought that came without tags as one with tags, of which it has none within."""
    return f"<think>{_TAGS.sub('', text)}{'</think>' if finished else ''}"
