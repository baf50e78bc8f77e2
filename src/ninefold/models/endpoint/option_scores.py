"""Log-probabilities of options on a server, from the log-probabilities of prompts (``prompt_logprobs`` of vLLM).

Each option is sent as a finished answer of the assistant. It begins at the first token that differs from the prompt
without it; the earliest such token among the options is the common start of all options of an example. The tokens that
the chat template writes after an answer are found once, from an unfinished answer (``continue_final_message``). They
count up to the first non-blank one, the end token. Without the end token, "center" could only be likelier than "center
left".
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ninefold.errors import ModelError
from ninefold.models.endpoint.chat import Chat
from ninefold.types import Example


class Token(NamedTuple):
    """A token of a prompt, reported by the server."""

    id: str
    """Its id in the server's vocabulary."""
    logprob: float
    """Its log-probability given all tokens before it; 0 for the first token, which has none."""
    text: str | None
    """Its text, if the server reports it."""


class AnswerEnd(NamedTuple):
    """The tokens that a chat template writes after every answer."""

    ids: tuple[str, ...]
    """Ids of all these tokens."""
    counted: int
    """Number of tokens that count as part of the answer, up to and including the end token."""


class OptionScorer:
    """The scorer of options on a server."""

    def __init__(self, chat: Chat, example: Example) -> None:
        """Find the tokens with which the server's chat template ends answers, from an example with options.

        Raises:
            DataError: If the image cannot be read.
            ModelError: If the server does not report ``prompt_logprobs``.
        """
        self._chat = chat
        self._end = self._answer_end(example)

    def scores(self, example: Example) -> tuple[float, ...]:
        """Return the log-probability of answering an example with exactly each of its options, including the end token.

        Raises:
            DataError: If the image cannot be read.
            ModelError: If the server does not report ``prompt_logprobs``.
        """
        turn = self._chat.user_turn(example)
        prompt = self._tokens(example, [turn])
        answered = [self._tokens(example, [turn, _answer(option)]) for option in example.options]
        begin = min(_common_length(prompt, tokens) for tokens in answered)
        after = len(self._end.ids)
        for option, tokens in zip(example.options, answered, strict=True):
            if tuple(token.id for token in tokens[-after:]) != self._end.ids:
                raise self._unable(f'it does not end "{option}" as it ends other answers')
        ends = [len(tokens) - after + self._end.counted for tokens in answered]
        return tuple(
            math.fsum(token.logprob for token in tokens[begin:end]) for tokens, end in zip(answered, ends, strict=True)
        )

    def _answer_end(self, example: Example) -> AnswerEnd:
        turns = [self._chat.user_turn(example), _answer(example.options[0])]
        opened = self._tokens(example, turns, finished=False)
        closed = self._tokens(example, turns)
        rest = closed[len(opened) :]
        end = next((index for index, token in enumerate(rest) if token.text is None or token.text.strip()), None)
        if _common_length(opened, closed) < len(opened) or end is None:
            raise self._unable("its chat template does not show where an answer ends")
        return AnswerEnd(tuple(token.id for token in rest), end + 1)

    def _tokens(self, example: Example, turns: list[dict[str, Any]], *, finished: bool = True) -> list[Token]:
        """Return the tokens of a prompt, perhaps with an answer; the template ends a finished answer."""
        try:
            reply = self._chat.complete(
                turns,
                about=f"example {example.id}",
                max_tokens=1,  # Servers generate at least one.
                prompt_logprobs=0,  # Only for the prompt's own tokens.
                add_generation_prompt=len(turns) == 1,
                continue_final_message=not finished,
            )
        except ModelError as error:
            if "prompt_logprobs" in str(error):
                raise self._unable("it refuses prompt_logprobs") from error
            raise
        entries = reply.get("prompt_logprobs") if isinstance(reply, dict) else None
        if not entries:
            raise self._unable("it tells no prompt_logprobs, as vLLM does")
        try:
            return [_token(entry) for entry in entries]
        except (AttributeError, KeyError, StopIteration, TypeError, ValueError) as error:
            raise self._unable("its prompt_logprobs are not in vLLM's format") from error

    def _unable(self, reason: str) -> ModelError:
        return ModelError(f"{self._chat.url}: this server cannot rank options, {reason}; use --scoring generate")


def _answer(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def _token(entry: Mapping[str, Any] | None) -> Token:
    """Read an entry of ``prompt_logprobs``: the prompt's own token is its first key."""
    if entry is None:
        return Token("", 0.0, None)
    name, facts = next(iter(entry.items()))
    return Token(name, float(facts["logprob"]), facts.get("decoded_token"))


def _common_length(first: Sequence[Token], second: Sequence[Token]) -> int:
    """Return the length of the common prefix of two token sequences."""
    pairs = zip(first, second, strict=False)
    shorter = min(len(first), len(second))
    return next((index for index, (one, other) in enumerate(pairs) if one.id != other.id), shorter)
