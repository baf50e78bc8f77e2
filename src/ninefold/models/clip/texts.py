"""Candidate texts of a dual encoder: how a question and an option become the text that an image is compared with."""

import re

from ninefold.errors import ModelError
from ninefold.models.family import TextForm
from ninefold.types import Example

_WHERE = re.compile(r"Where is (.+)\?")
"""A question about position (see `ninefold.questions.absolute_position.where_is`)."""


def candidate(example: Example, option: str, form: TextForm) -> str:
    """Return the text of an option.

    The paper's text is "the same question followed by the label"; it does not state whether the question lists its
    options (section 5). By default it does not: the same list in all texts of an example would not distinguish them,
    would take half of CLIP's 77 tokens, and would make the answer depend on its order.

    Args:
        example: The example.
        option: One of its options.
        form: The form of the text.

    Raises:
        ModelError: If a sentence is asked for, and the question is not "Where is ...?".
    """
    match form:
        case "question and option":
            return f"{example.question} {option}"
        case "prompt and option":
            return f"{example.prompt} {option}"
        case "option":
            return option
        case "sentence":
            if found := _WHERE.fullmatch(example.question):
                return f"{found[1]} is in the {option}"
            raise ModelError(
                f"example {example.id}: its question {example.question[:60]!r} makes no sentence with an option, "
                'only "Where is ...?" does; choose another form of --texts'
            )
