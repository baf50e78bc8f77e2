"""`ninefold export`: data sets in the forms of other tools."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import FlagCreatePairsOff, Positional, arg

from ninefold.data import api
from ninefold.data.export.spec import ExportSpec, Form


@dataclass(frozen=True)
class Export:
    """A data set in the form that another trainer or evaluator reads, with a README.md that says how.

    For example:
      ninefold export data/train --to llama-factory --out exported
      ninefold export data/test --to openai-batch --model gpt-4o --out requests
    """

    data: Annotated[Positional[Path], arg(metavar="FOLDER")]
    """Folder of the data set."""
    to: Form
    """Tool that will read it."""
    out: Path
    """Folder to write."""
    split: str | None = None
    """The one split to export; by default all."""
    conversations: Annotated[bool, FlagCreatePairsOff] = False
    """Write all questions about one image as one conversation of several turns, for trainers; by default each question
    is a conversation of its own."""
    model: str | None = None
    """With openai-batch, name of the model to ask, which each request must hold."""
    max_new_tokens: int = 15
    """With openai-batch, maximum number of tokens of an answer."""
    overwrite: Annotated[bool, FlagCreatePairsOff] = False
    """Replace an export of other rows or options there, or one that was changed; anything else is never replaced."""

    def run(self) -> None:
        spec = ExportSpec(self.data, self.to, self.split, self.conversations, self.model, self.max_new_tokens)
        done = api.export(spec, self.out, overwrite=self.overwrite)
        for skip in done.skipped:
            more = " ..." if skip["count"] > 3 else ""
            print(f"left out, {skip['reason']}: {skip['count']:,} ({', '.join(skip['names'][:3])}{more})")
        if done.redrawn:
            print(f"{done.redrawn:,} images written as PNG, because tools read the stored files differently")
        counted = ", ".join(f"{rows:,} {split}" for split, rows in done.rows.items())
        print(f"{self.out}: {counted} for {done.title}; see README.md there")
