"""Tokens of answers: those that a chat template writes after a prompt, and the text of generated tokens."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from ninefold.questions.formats import thoughts


class AnswerTokens:
    """The conversion between answers and tokens, by a processor's chat template and tokenizer."""

    def __init__(self, processor: Any, end_ids: Sequence[int]) -> None:
        """Wrap a processor; ``end_ids`` are the tokens that end an answer."""
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.end_ids = tuple(end_ids)
        self._encoded: dict[str, tuple[int, ...]] = {}

    def encode(self, answer: str) -> tuple[int, ...]:
        """Return the tokens that the template writes for an answer after the prompt, end token included."""
        if answer not in self._encoded:
            self._encoded[answer] = self._encode(answer)
        return self._encoded[answer]

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
        return thoughts.opened_at_end(
            str(self.processor.apply_chat_template([user_turn("?")], add_generation_prompt=True))
        )

    def _text(self, tokens: Sequence[int], *, skip_special_tokens: bool) -> str:
        return str(
            self.tokenizer.decode(tokens, skip_special_tokens=skip_special_tokens, clean_up_tokenization_spaces=False)
        )

    def _encode(self, answer: str) -> tuple[int, ...]:
        turns = [user_turn("?"), {"role": "assistant", "content": [{"type": "text", "text": answer}]}]
        prompt = str(self.processor.apply_chat_template(turns[:1], add_generation_prompt=True))
        whole = str(self.processor.apply_chat_template(turns))
        written = whole.removeprefix(prompt) if whole.startswith(prompt) else answer
        ends = {self.tokenizer.decode([end]): end for end in self.end_ids}
        found = {written.index(text): text for text in ends if text in written}
        end_id = self.end_ids[0] if not found else ends[found[min(found)]]
        text = written[: min(found, default=None)].rstrip()
        # Some tokenizers treat the first word of a text differently: only the tokens after the prompt count.
        before = self.tokenizer(prompt, add_special_tokens=False)["input_ids"]
        after = self.tokenizer(prompt + text, add_special_tokens=False)["input_ids"]
        if after[: len(before)] != before:
            before, after = [], self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return (*after[len(before) :], end_id)


def user_turn(prompt: str) -> dict[str, Any]:
    """Return the chat message that asks a prompt about an image."""
    return {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt}]}
