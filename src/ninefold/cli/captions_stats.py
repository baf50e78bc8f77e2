"""`ninefold captions stats`: the paper's tables of statistics, for any data sets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from ninefold.captions.spec import Counting


@dataclass(frozen=True)
class Stats:
    """Statistics of data sets: the paper's Tables 1 (sources), 2 (pairs) and 11 (relations), ours beside the paper's.

    Of sets made from captions also pairs by frame and form, and what each check has rejected. Any data set of ninefold
    can be named: keywords of relations are counted in questions and answers.

    For example:
      ninefold captions stats data/docci
      ninefold captions stats data/docci data/vsr --counting longest
    """

    folders: Annotated[Positional[tuple[Path, ...]], arg(metavar="DIR...")]
    """Folders of data sets."""
    counting: Counting = "all"
    """Keywords that count in a pair: all that match, nested ones too, as in the paper; or only the longest."""

    def run(self) -> None:
        from ninefold.captions.statistics import reading, tables
        from ninefold.errors import DataError

        if not self.folders:
            raise DataError("name the folder of a data set, as in `ninefold captions stats data/docci`")
        print(tables.text([reading.read(folder, self.counting) for folder in self.folders], self.counting), end="")
