"""The prompt, the exact text that a model is given: one function for training and evaluation keeps them identical."""

from collections.abc import Sequence

INSTRUCTION = "Answer with as few words as possible."
"""Instruction before every question (Rizzoli et al. 2025, section 3)."""


def prompt(question: str, options: Sequence[str], instruction: str = INSTRUCTION) -> str:
    """Return instruction, question and options as one line, the options in the order given (no list if there are none).

    >>> prompt("Where is the red square?", ("center", "top left"))
    'Answer with as few words as possible. Where is the red square? Choose from [center, top left].'
    """
    choice = [f"Choose from [{', '.join(options)}]."] if options else []
    return " ".join([instruction, question, *choice])
