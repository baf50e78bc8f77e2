"""The words of general questions about photos."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Literal

from ninefold.questions.prompt import prompt
from ninefold.space import Box

Kind = Literal["presence", "naming", "claim", "choice"]
"""The kinds of general questions."""

FORMATS: Mapping[Kind, str] = {
    "presence": "labels", "naming": "labels", "claim": "true_false", "choice": "letters",
}  # fmt: skip
"""Name of each kind's answer format."""

LABELS: Mapping[Kind, tuple[str, ...]] = {"presence": ("yes", "no"), "claim": ("True", "False")}
"""The answers of the kinds that have the same two for all rows; the first says that the category is there."""

TEXTS: Mapping[Kind, str] = {
    "presence": (
        'Is it there? Each question asks whether a photo shows a category, such as "Is there a dog?". Half of the '
        "answers are yes and half are no, of each category too, and of each photo as far as the photos allow; a "
        "category that is not there is any other one (POPE's random setting, Li et al. 2023)."
    ),
    "naming": (
        "What is it? Each question gives the center of a box in percent of the photo's sides, as in \"What is at 34 "
        '56?" (from the left, from the top), and the answer is the category of the thing, the only one of its category '
        "in the photo. Nano bases have learnt this question in pretraining; other models may not know it."
    ),
    "claim": (
        'Is it true? Each question is a statement such as "A dog is in the picture.", to be answered with true or '
        "false. Half of them are true and half are false, of each category too, and of each photo as far as the photos "
        "allow."
    ),
    "choice": (
        'Which is it? Each question gives the center of a box, as in "What is at 34 56?", and four categories with '
        "letters, one of which is that of the thing; each letter is right equally often."
    ),
}
"""Description of the kinds of questions."""


def is_there(category: str) -> str:
    """Return the question whether a category is in a photo."""
    return f"Is there {_with_article(category)}?"


def what_is_at(box: Box, width: int, height: int) -> str:
    """Return the question what is at the center of a box, in percent of the sides, in the words of nano pretraining."""
    across, down = (box.x + box.w / 2) / width, (box.y + box.h / 2) / height
    return f"What is at {min(int(across * 100), 99):02d} {min(int(down * 100), 99):02d}?"


def claim_of(category: str) -> str:
    """Return the statement that a category is in a photo."""
    return f"A{_with_article(category)[1:]} is in the picture."


def prompt_of(kind: Kind, question: str, options: Sequence[str] = ()) -> str:
    """Return the prompt; that of naming is the bare question, as nano bases have learnt it."""
    if kind == "presence":
        return prompt(question, ())
    if kind == "claim":
        return f"{question} True or False?"
    return "\n".join((question, *lettered(options)))


def lettered(options: Sequence[str]) -> list[str]:
    """Return options as lines with capital letters."""
    return [f"{letter}. {option}" for letter, option in zip(ascii_uppercase, options, strict=False)]


def _with_article(category: str) -> str:
    return f"{'an' if category[0].lower() in 'aeiou' else 'a'} {category}"
