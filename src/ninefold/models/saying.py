"""A word to the user while work goes on, beside the bars and apart from what a command prints."""

from rich.console import Console


def say(words: str) -> None:
    """Print a line on standard error, as it is."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(words)
