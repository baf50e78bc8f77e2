"""`ninefold models`: the names for --model."""

from dataclasses import dataclass

from ninefold import api


@dataclass(frozen=True)
class Models:
    """The names that --model takes, with descriptions and requirements.

    For example:
      ninefold models
    """

    def run(self) -> None:
        from rich.console import Console
        from rich.table import Column, Table

        # Users copy the names: none may be cut.
        table = Table(Column("name", overflow="fold"), Column("what it is", overflow="fold"), show_lines=True)
        for model in api.list_models():
            table.add_row(model.name, "\n".join((*model.checkpoints, model.about)))
        console = Console(markup=False, highlight=False)
        # Printed by Python, because rich exits with code 1 if the pipe is closed.
        with console.capture() as text:
            console.print(table)
        print(text.get(), end="")
