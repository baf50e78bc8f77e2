"""Tokens after a prompt: its answer and the further turns of a conversation, and the text of generated tokens."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from ninefold.errors import ModelError, first_line
from ninefold.questions.formats import thoughts

REMEMBERED = 20_000
"""Number of texts whose tokens are remembered; answers of a question with labels repeat, those of captions do not."""


class AnswerTokens:
    """The conversion between answers and tokens, by a processor's chat template and tokenizer."""

    def __init__(self, processor: Any, end_ids: Sequence[int]) -> None:
        """Wrap a processor; ``end_ids`` are the tokens that end an answer."""
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.end_ids = tuple(end_ids)
        self._encoded: dict[str, tuple[int, ...]] = {}
        self._asked: dict[str, tuple[int, ...]] = {}

    def encode(self, answer: str) -> tuple[int, ...]:
        """Return the tokens that the template writes for an answer after the prompt, end token included.

        Raises:
            ModelError: If the answer holds the text of an end token, which would cut it off.
        """
        return _remembered(self._encoded, answer, self._encode)

    def encode_prompt(self, prompt: str) -> tuple[int, ...]:
        """Return the tokens that the template writes between the end of an answer and that of a further prompt.

        Raises:
            ModelError: If the template takes one question only, or writes a further one otherwise after two than after
                one.
        """
        if not self._asked and self._text_of_prompt(prompt) != self._text_of_prompt(prompt, before=2):
            raise ModelError(
                "its chat template writes each turn of a conversation otherwise; leave out --conversations"
            )
        return _remembered(self._asked, prompt, self._encode_prompt)

    def decode(self, tokens: Sequence[int]) -> tuple[str, bool]:
        """Return the exact text of generated tokens, and whether it lacks an end token (truncated).

        Special tokens are left out, unless they mark thoughts. A thought that the prompt opens keeps its opening tag.
        """
        end = next((index for index, token in enumerate(tokens) if token in self.end_ids), None)
        text = self._text(tokens[:end], skip_special_tokens=True)
        if not self._special.isdisjoint(tokens[:end]):
            marked = self._text(tokens[:end], skip_special_tokens=False)
            text = marked if thoughts.spoken(marked).thoughts else text
        return self._opening + text, end is None

    @cached_property
    def _special(self) -> frozenset[int]:
        return frozenset(self.tokenizer.all_special_ids)

    @cached_property
    def _opening(self) -> str:
        """The tag that opens a thought at the end of every prompt, or ""."""
        return thoughts.opened_at_end(self._first)

    def _text(self, tokens: Sequence[int], *, skip_special_tokens: bool) -> str:
        return str(
            self.tokenizer.decode(tokens, skip_special_tokens=skip_special_tokens, clean_up_tokenization_spaces=False)
        )

    def _encode(self, answer: str) -> tuple[int, ...]:
        if end := next((end for end in self._ends if end in answer), None):
            raise ModelError(
                f"the answer {answer[:40]!r} holds {end}, which ends an answer; leave out the row, or {end}"
            )
        text, end_id, _ = self._written(answer)
        # Some tokenizers treat the first word of a text differently: only the tokens after the prompt count.
        return (*self._ids(self._first, text), end_id)

    def _text_of(self, token: int) -> str:
        return str(self.tokenizer.decode([token]))

    @cached_property
    def _ends(self) -> dict[str, int]:
        """The tokens that end an answer, by their texts; one without a text stands in no answer."""
        return {text: end for end in self.end_ids if (text := self._text_of(end))}

    def _encode_prompt(self, prompt: str) -> tuple[int, ...]:
        _, end_id, _ = self._answered
        return self._ids(f"{self._first}?{self._text_of(end_id)}", self._text_of_prompt(prompt))

    @cached_property
    def _first(self) -> str:
        """The text of a prompt, with the beginning of its answer's turn."""
        return str(self.processor.apply_chat_template([user_turn("?")], add_generation_prompt=True))

    def _written(self, answer: str) -> tuple[str, int, bool]:
        """Return the text of an answer in the template, the token that ends it, and whether the template writes it."""
        whole = str(self.processor.apply_chat_template([user_turn("?"), _text_turn("assistant", answer)]))
        written = whole.removeprefix(self._first) if whole.startswith(self._first) else answer
        found = {written.index(text): text for text in self._ends if text in written}
        end_id = self.end_ids[0] if not found else self._ends[found[min(found)]]
        return written[: min(found, default=None)].rstrip(), end_id, bool(found)

    @cached_property
    def _answered(self) -> tuple[str, int, bool]:
        """What the template writes for the answer that stands before further prompts (see `_written`)."""
        return self._written("?")

    def _text_of_prompt(self, prompt: str, *, before: int = 1) -> str:
        """Return the text between the end of the last of some answers and that of a further prompt."""
        answer, end_id, ended = self._answered
        turns = [user_turn("?"), _text_turn("assistant", "?")]
        turns += [_text_turn("user", "?"), _text_turn("assistant", "?")] * (before - 1)
        try:
            begun = str(self.processor.apply_chat_template(turns[:-1], add_generation_prompt=True)) + answer
            whole = str(
                self.processor.apply_chat_template([*turns, _text_turn("user", prompt)], add_generation_prompt=True)
            )
        except Exception as error:
            # Templates are programs of their own, and refuse in ways of their own.
            raise ModelError(f"its chat template takes no conversation ({first_line(error)})") from error
        if not whole.startswith(begun):
            raise ModelError("its chat template changes a prompt that another follows; leave out --conversations")
        rest = whole.removeprefix(begun)
        end = self._text_of(end_id)
        if ended and rest.lstrip().startswith(end):
            return rest.lstrip().removeprefix(end)
        # White space that a template writes after an answer is left out of a single one too.
        return rest.lstrip()

    def _ids(self, before: str, text: str) -> tuple[int, ...]:
        """Return the tokens of a text after another one."""
        first = self.tokenizer(before, add_special_tokens=False)["input_ids"]
        both = self.tokenizer(before + text, add_special_tokens=False)["input_ids"]
        if both[: len(first)] != first:
            return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        return tuple(both[len(first) :])


def _remembered(
    known: dict[str, tuple[int, ...]], text: str, made: Callable[[str], tuple[int, ...]]
) -> tuple[int, ...]:
    if text not in known:
        if len(known) >= REMEMBERED:
            known.clear()
        known[text] = made(text)
    return known[text]


def _text_turn(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": text}]}


def user_turn(prompt: str) -> dict[str, Any]:
    """Return the chat message that asks a prompt about an image."""
    return {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt}]}
