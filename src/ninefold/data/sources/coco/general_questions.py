"""The words of general questions about photos."""

from collections.abc import Mapping
from typing import Literal

from ninefold.questions.prompt import prompt
from ninefold.space import Box

Kind = Literal["presence", "naming"]
"""The kinds of general questions."""

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
}
"""Description of the kinds of questions."""


def is_there(category: str) -> str:
    """Return the question whether a category is in a photo."""
    return f"Is there {'an' if category[0].lower() in 'aeiou' else 'a'} {category}?"


def what_is_at(box: Box, width: int, height: int) -> str:
    """Return the question what is at the center of a box, in percent of the sides, in the words of nano pretraining."""
    across, down = (box.x + box.w / 2) / width, (box.y + box.h / 2) / height
    return f"What is at {min(int(across * 100), 99):02d} {min(int(down * 100), 99):02d}?"


def prompt_of(kind: Kind, question: str) -> str:
    """Return the prompt; that of naming is the bare question, as nano bases have learnt it."""
    return prompt(question, ()) if kind == "presence" else question
