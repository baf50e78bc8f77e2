"""The reading of a run's answers: from a model's exact text to a label, or to the reason why there is none."""

from collections.abc import Sequence
from itertools import repeat

import pandas as pd

from ninefold.evaluation import predictions
from ninefold.questions.formats.thoughts import is_thought_alone, read_spoken, spoken
from ninefold.types import Answer, AnswerFormat


def read(answered: pd.DataFrame, formats: Sequence[AnswerFormat], offered: Sequence[Sequence[str]]) -> list[Answer]:
    """Return the answer in each text, read outside the model's thoughts; "refused" where no answer was given.

    Args:
        answered: The table of predictions.
        formats: The answer format of each row.
        offered: The options of each row.
    """
    begun_before = _thoughts_begin_in_the_prompt(answered)
    rows = zip(formats, answered["text"], offered, answered["truncated"], _refused(answered), strict=True)
    return [
        Answer("refused")
        if reason is not None
        else read_spoken(format, text, options, truncated=truncated, begun_before=begun_before)
        for format, text, options, truncated, reason in rows
    ]


def warnings(answered: pd.DataFrame) -> list[str]:
    """Return one line for each thing that kept answers of a run from being read, with what to do."""
    begun_before = _thoughts_begin_in_the_prompt(answered)
    cut, ended = 0, 0
    for text, truncated in zip(answered["text"], answered["truncated"], strict=True):
        said = spoken(text)
        cut += truncated and is_thought_alone(said, begun_before=begun_before)
        ended += not truncated and said.unfinished
    reasons = [reason for reason in _refused(answered) if reason is not None]
    of = f"of {len(answered):,} answers"
    return [
        line
        for count, line in [
            (
                cut,
                f"{cut:,} {of} were cut off while the model was thinking: raise --max-new-tokens or turn thinking off",
            ),
            (ended, f"{ended:,} {of} are thoughts alone: does the server's reasoning parser fit this model?"),
            (len(reasons), f"{len(reasons):,} {of} were refused, the first with: {(*reasons, '')[0]}"),
        ]
        if count
    ]


def _thoughts_begin_in_the_prompt(answered: pd.DataFrame) -> bool:
    """Return whether any text ends a thought that it did not begin.

    The prompt then opens a thought for every example, and a thought that was cut off has no tag at all.
    """
    return any(spoken(text).begun_before for text in answered["text"])


def _refused(answered: pd.DataFrame) -> Sequence[str | None]:
    """Return the reason of each row why there is no answer, or None."""
    if predictions.REFUSED not in answered:
        return list(repeat(None, len(answered)))
    return [reason if isinstance(reason, str) else None for reason in answered[predictions.REFUSED]]
