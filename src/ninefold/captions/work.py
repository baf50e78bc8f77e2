"""The work folder of a run, ``.{name}.blocks`` beside its data set: all that a killed run does not do again.

It holds the captions read (a spool), the outcome of each block, and then the checked pairs. Each is whole or absent.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ninefold import store
from ninefold.captions import records
from ninefold.captions.blocks import Block
from ninefold.captions.pair import Generated
from ninefold.captions.spool import Spool
from ninefold.errors import DataError

_RUN = "run.json"


class Work:
    """The work folder of a run."""

    def __init__(self, out: Path, identity: str) -> None:
        """Open the work folder beside a data set; that of another run, which was interrupted, is replaced.

        Args:
            out: The folder of the data set.
            identity: Hash of all that determines the run.

        Raises:
            DataError: If something else has its name.
        """
        self.folder = _folder(out)
        if self.folder.exists():
            check_own(out)
            if store.read_json(self.folder / _RUN).get("id") != identity:
                discard(out)
        if not self.folder.exists():
            with store.atomic_folder(self.folder) as fresh:
                (fresh / "blocks").mkdir()
                store.write_json(fresh / _RUN, {"id": identity})

    @property
    def checked(self) -> Path:
        """Return the folder of the checked pairs, which is whole if it exists."""
        return self.folder / "checked"

    def outcome(self, number: int) -> list[Generated]:
        """Return what was made of the captions of a block."""
        return [records.generated_of(values) for values in records.read(self._file(number))]

    def save(self, number: int, outcome: Sequence[Generated]) -> None:
        """Keep what was made of the captions of a block."""
        store.write_bytes(self._file(number), records.compressed(map(records.generated_to_json, outcome)))

    def is_done(self, number: int) -> bool:
        """Whether the outcome of a block is there."""
        return self._file(number).is_file()

    def forget(self, number: int) -> None:
        """Forget a block, and the checked pairs with it."""
        if self.checked.exists():
            store.remove_folder(self.checked)
        self._file(number).unlink()

    def to_do(self, spool: Spool) -> Iterator[Block]:
        """Yield the blocks without an outcome."""
        return (spool.block(number) for number in range(len(spool)) if not self.is_done(number))

    def _file(self, number: int) -> Path:
        return self.folder / "blocks" / f"{number:06d}.jsonl.gz"


def check_own(out: Path) -> None:
    """Refuse a folder of somebody else where the work folder would be.

    Raises:
        DataError: If there is one.
    """
    folder = _folder(out)
    if folder.exists() and not (folder / _RUN).is_file():
        raise DataError(f"{folder}: is not of ninefold, and in the way of its work folder; move it elsewhere")


def discard(out: Path) -> None:
    """Remove the work folder of a run, if there is one.

    Raises:
        DataError: If something else has its name.
    """
    check_own(out)
    if _folder(out).exists():
        store.remove_folder(_folder(out))


def _folder(out: Path) -> Path:
    return out.with_name(f".{out.name}.blocks")
