"""Log-probabilities of options on a server, from the log-probabilities of prompts (``prompt_logprobs`` of vLLM).

Each option is sent as a finished answer of the assistant. It begins at the first token that differs from the prompt
without it; the earliest such token among the options is the common start of all options of an example. The tokens that
the chat template writes after an answer are found once, from an unfinished answer (``continue_final_message``). They
count up to the first non-blank one, the end token. Without the end token, "center" could only be likelier than "center
left".
"""

import math
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ninefold.errors import ModelError
from ninefold.models.endpoint.chat import Chat
from ninefold.models.endpoint.refusals import Refused
from ninefold.models.endpoint.reply import OddReply
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
    """The scorer of options on a server, shared by threads."""

    def __init__(self, chat: Chat) -> None:
        """Begin without knowing the tokens with which the server's chat template ends answers."""
        self._chat = chat
        self._known: AnswerEnd | None = None
        self._lock = threading.Lock()

    def scores(self, example: Example) -> tuple[float, ...]:
        """Return the log-probability of answering an example with exactly each of its options, including the end token.

        Raises:
            DataError: If the image cannot be read.
            Refused: If the server refuses this example, or does not report its ``prompt_logprobs``.
            ModelError: If the server cannot report ``prompt_logprobs`` of any example.
        """
        after_answers = self._end(example)
        turn = self._chat.user_turn(example)
        prompt = self._tokens(example, [turn])
        answered = [self._tokens(example, [turn, _answer(option)]) for option in example.options]
        begin = min(_common_length(prompt, tokens) for tokens in answered)
        after = len(after_answers.ids)
        for option, tokens in zip(example.options, answered, strict=True):
            if tuple(token.id for token in tokens[-after:]) != after_answers.ids:
                raise self._unable(f'it does not end "{option}" as it ends other answers')
        ends = [len(tokens) - after + after_answers.counted for tokens in answered]
        return tuple(
            math.fsum(token.logprob for token in tokens[begin:end]) for tokens, end in zip(answered, ends, strict=True)
        )

    def _end(self, example: Example) -> AnswerEnd:
        """Return the tokens with which the chat template ends answers, found once from an example with options."""
        with self._lock:
            if self._known is None:
                self._known = self._answer_end(example)
            return self._known

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
            return self._chat.complete(
                turns,
                about=f"example {example.id}",
                read=_tokens,
                max_tokens=1,  # Servers generate at least one.
                prompt_logprobs=0,  # Only for the prompt's own tokens.
                add_generation_prompt=len(turns) == 1,
                continue_final_message=not finished,
            )
        except Refused as error:
            if "prompt_logprobs" not in str(error):
                raise
            refuses = f"it refuses prompt_logprobs ({error.reason})" if error.words else error.reason
            raise self._unable(refuses) from error

    def _unable(self, reason: str) -> ModelError:
        """Return the error of an example, or of the server if it has never ranked options."""
        line = f"{self._chat.url}: this server cannot rank options, {reason}; use --scoring generate"
        return ModelError(line) if self._known is None else Refused(line, reason=reason)


def _tokens(reply: Any) -> list[Token]:
    """Return the tokens that a reply reports.

    Raises:
        OddReply: If it reports none, or not as vLLM does.
    """
    entries = reply.get("prompt_logprobs") if isinstance(reply, dict) else None
    if not entries:
        raise OddReply("it tells no prompt_logprobs, as vLLM does")
    try:
        return [_token(entry) for entry in entries]
    except (AttributeError, KeyError, StopIteration, TypeError, ValueError) as error:
        raise OddReply("its prompt_logprobs are not in vLLM's format") from error


def _answer(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def _token(entry: Mapping[str, Any] | None) -> Token:
    """Read an entry of ``prompt_logprobs``: the prompt's own token is its first key."""
    if entry is None:
        return Token("", 0.0, None)
    name, facts = next(iter(entry.items()))
    logprob = float(facts["logprob"])
    if math.isnan(logprob):
        raise ValueError("not a number")
    return Token(name, logprob, facts.get("decoded_token"))


def _common_length(first: Sequence[Token], second: Sequence[Token]) -> int:
    """Return the length of the common prefix of two token sequences."""
    pairs = zip(first, second, strict=False)
    shorter = min(len(first), len(second))
    return next((index for index, (one, other) in enumerate(pairs) if one.id != other.id), shorter)
