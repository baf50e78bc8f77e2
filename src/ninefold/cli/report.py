"""`ninefold report`: one page about several runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import FlagCreatePairsOff, Positional, arg

from ninefold import api


@dataclass(frozen=True)
class Report:
    """One self-contained HTML page of evaluation and training runs, with each base beside its tuned models.

    For example:
      ninefold report runs/base runs/tuned runs/tuning --out report.html
      ninefold report runs/base runs/tuned --compare-questions vsr-0012 vsr-0345 --out report.html
    """

    runs: Annotated[Positional[tuple[Path, ...]], arg(metavar="RUN ...")]
    """Run folders of `ninefold evaluate` and `ninefold train`."""
    out: Path = Path("report.html")
    """HTML file to write; its figures are written beside it as PDF and PNG."""
    compare_questions: Annotated[tuple[str, ...], arg(metavar="ID ...")] = ()
    """Ids of questions whose answers are shown side by side, each also as a figure. Without it the page chooses those
    that the runs answer most differently."""
    overwrite: Annotated[bool, FlagCreatePairsOff] = False
    """Replace a report of other runs there, or one that was edited; anything else is never replaced."""

    def run(self) -> None:
        api.write_report(self.runs, self.out, compare_questions=self.compare_questions, overwrite=self.overwrite)
        print(f"{self.out}: open it in a browser")
