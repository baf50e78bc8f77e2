"""Thoughts in a model's text: what it writes in think tags before its answer, which is never read as the answer.

The tags are those of the reasoning parsers of vLLM and SGLang, and of the models' chat templates.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ninefold.types import Answer, AnswerFormat

_NAMES = (
    r"(?:(?!start|begin|end)[a-z]+[:_])?(?:think|thinking|thoughts?|reason|reasoning|analysis|reflection|scratchpad)"
)
_OPENINGS = (
    rf"<\|?{_NAMES}(?:\s[^<>]*)?\|?>",  # DeepSeek, Qwen, GLM, InternVL and most others
    rf"&lt;{_NAMES}&gt;",  # the same, escaped
    r"\u25c1think\u25b7",  # Kimi
    r"\[THINK\]",  # Magistral
    r"<\|(?:begin_of|start_of|start)_(?:thought|thinking|think)\|>",  # Sky-T1, Command A Reasoning
    r"<\|channel\|>(?:analysis|commentary)(?:[^<\n]*<\|message\|>)?",  # gpt-oss (harmony)
    r"\A(?-i:analysis(?=[A-Z]))",  # the same, without its special tokens
    r"<\|channel>thought",  # Gemma 4
    r"<unused94>",  # MedGemma
    r"<\|inner_prefix\|>",  # Apertus
)
_CLOSINGS = (
    rf"</\|?{_NAMES}\s*\|?>",
    rf"<\|/{_NAMES}\|>",
    rf"&lt;/{_NAMES}&gt;",
    r"\u25c1/think\u25b7",
    r"\[/THINK\]",
    r"<\|end(?:_of)?_(?:thought|thinking|think)\|>",
    r"(?:<\|end\|>)?(?:<\|start\|>assistant)?<\|channel\|>final(?:[^<\n]*(?:<\|constrain\|>[^<\n]*)?<\|message\|>)?",
    r"(?-i:assistantfinal)",
    r"<channel\|>",
    r"<unused95>",
    r"<\|inner_suffix\|>",
)
_TAGS = re.compile(f"(?P<opening>{'|'.join(_OPENINGS)})|(?P<closing>{'|'.join(_CLOSINGS)})", re.IGNORECASE)
_HINTS = re.compile(r"[<\u25c1]|&lt;|\[/?think|assistantfinal|\Aanalysis", re.IGNORECASE)
_ANSWER_MARKS = re.compile(
    r"</?(?:answer|response)>|<\|(?:begin|end)_of_box\|>|<\|(?:start|end)_response\|>", re.IGNORECASE
)


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
    outside, position, thinking, begun_before = "", 0, False, False
    tags = list(_TAGS.finditer(text))
    for tag in tags:
        if tag["closing"] is not None:
            if not thinking:
                outside, begun_before = "", begun_before or tag is tags[0]
            thinking, position = False, tag.end()
        elif not thinking:
            outside, thinking = outside + text[position : tag.start()], True
    if not thinking:
        outside += text[position:]
    return Spoken(_ANSWER_MARKS.sub(" ", outside), bool(tags), thinking, begun_before)


def is_thought_alone(said: Spoken, *, begun_before: bool) -> bool:
    """Return whether a text is a thought and nothing else; one without tags is, if prompts open thoughts."""
    return said.unfinished or (not said.text.strip() if said.thoughts else begun_before)


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
