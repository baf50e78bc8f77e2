"""`ninefold captions check-geometry`: spatial facts tested against labelled boxes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg


@dataclass(frozen=True)
class CheckGeometry:
    """The facts of a folder of pairs, tested against labelled boxes: confirmed, contradicted, undecided or unmatched.

    Writes geometry.json (counts) and geometry.parquet (every fact with its boxes and the reason) to the folder.

    For example:
      ninefold captions check-geometry data/iiw --captions iiw.jsonl
    """

    folder: Annotated[Positional[Path], arg(metavar="DIR")]
    """Folder that `ninefold captions run` wrote."""
    captions: Path
    """The file that the captions come from; its rows have a field "objects", a list of labels with boxes."""
    id_field: str | None = None
    """Field of the ids that the pairs were made with; by default the field that holds them is found."""

    def run(self) -> None:
        from ninefold.captions.geometry.run import check_geometry

        print("\n".join(check_geometry(self.folder, self.captions, id_field=self.id_field).lines()))
        print(f"{self.folder}: geometry.json has the counts, geometry.parquet every fact with the reason")
