"""`ninefold models`: what --model can name."""

from dataclasses import dataclass

from ninefold import api


@dataclass(frozen=True)
class Models:
    """The names that --model takes, what each is and what it needs; docs/models.md shows what each sees.

    For example:
      ninefold models
    """

    def run(self) -> None:
        from rich.console import Console
        from rich.table import Column, Table

        # Names are there to be copied, so that none is cut short.
        table = Table(Column("name", overflow="fold"), Column("what it is", overflow="fold"), show_lines=True)
        for model in api.list_models():
            table.add_row(model.name, "\n".join((*model.checkpoints, model.about)))
        console = Console(markup=False, highlight=False)
        # Printed by Python, as rich exits with code 1 where the pipe is closed.
        with console.capture() as text:
            console.print(table)
        print(text.get(), end="")
