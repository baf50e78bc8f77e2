"""Options of an export; the command line reads them, hence no heavy imports."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ninefold.errors import DesignError
from ninefold.specs import check_choices, folder_of

Form = Literal[
    "trl", "llama-factory", "ms-swift", "llava", "axolotl", "vlmevalkit", "lmms-eval", "openai-batch", "webdataset"
]
"""The tool, or the form by the name of its first user."""


@dataclass(frozen=True)
class ExportSpec:
    """A data set, and the form that it is written in."""

    data: Path
    """Folder of the data set."""
    to: Form
    """Tool that will read it."""
    split: str | None = None
    """The one split to export; by default all."""
    conversations: bool = False
    """Write all questions about one image as one conversation of several turns, for tools that train on each answer of
    it; by default each question is a conversation of its own."""
    model: str | None = None
    """Name of the model to ask, which each request of openai-batch must hold."""

    max_new_tokens: int = 15
    """Maximum number of tokens of an answer, which each request of openai-batch must hold."""

    def __post_init__(self) -> None:
        """Refuse values that are no choice. The data may be an open data set."""
        check_choices(self)
        if self.max_new_tokens < 1:
            raise DesignError(f"--max-new-tokens {self.max_new_tokens}: at least one token must be generated")
        object.__setattr__(self, "data", folder_of(self.data))
