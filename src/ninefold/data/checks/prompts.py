"""The check that prompts do not give their answers away, outside of the options that they list."""

from collections.abc import Sequence

from ninefold.data.checks.facts import Columns, answer_reader
from ninefold.errors import DataError

FEW = 10
"""Number of rows up to which a split is too small to tell."""


def answers_in_prompts(columns: Columns, labels: Sequence[str], where: str) -> int:
    """Return how many prompts name their answer, and no other option, outside of their list of options.

    A question may name one of its options ("Is the cup left of the plate?", yes or no: neither; "Is the left cup
    larger?": one). A split in which most prompts name the right one is no test of seeing.

    Raises:
        DataError: If they are more than half of a split; the message names the first such row.
    """
    first, count = "", 0
    read = answer_reader()
    rows = zip(
        *(columns[name] for name in ("id", "prompt", "question", "options", "answer", "answer_format")), strict=True
    )
    for row, prompt, question, options, answer, answer_format in rows:
        offered = tuple(options or labels)
        if len(offered) < 2:
            continue
        rest = _without_options(prompt, question, options or ())
        named = read("labels", rest, offered).label
        if named is not None and named == read(answer_format, answer, offered).label:
            first, count = first or row, count + 1
    total = len(columns["id"])
    if total > FEW and count > total / 2:
        raise DataError(
            f"{where}: row {first}: broken: the prompt does not give the answer away ({count:,} of {total:,} prompts "
            "name the answer, and no other option, outside of their list of options)"
        )
    return count


def _without_options(prompt: str, question: str, options: Sequence[str]) -> str:
    """Return a prompt without its list of options, which follows the question or is the end of it."""
    before, asked, after = prompt.partition(question)
    for start, text in ((before + asked, after), (before, asked + after)):
        rest = _cut(text, options)
        if rest is not None:
            return f"{start}\n\n{rest}"
    return prompt


def _cut(text: str, options: Sequence[str]) -> str | None:
    """Return a text without the options, which it holds in their order; None if it does not."""
    rest = []
    for option in options:
        before, found, text = text.partition(option)
        if not found:
            return None
        rest.append(before)
    return "\n\n".join([*rest, text])
