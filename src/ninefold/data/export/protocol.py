"""The protocol of an exporter, which writes a data set in the form of another tool."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

from ninefold.portable import Portable
from ninefold.types import Example

if TYPE_CHECKING:
    from ninefold.data.export.rows import Rows


@dataclass(frozen=True, slots=True)
class Conversation:
    """One example, or all examples about one image, asked one after the other."""

    examples: tuple[Example, ...]
    """The examples in the order of the data set; all have the same image."""
    image: Portable
    """The image, encoded so that every decoder reads it alike."""

    @property
    def id(self) -> str:
        """The id of its first example."""
        return self.examples[0].id


class Usage(NamedTuple):
    """What the README.md of an export says about its form."""

    text: str
    """Markdown: the files, and the exact commands or code with which the tool reads them."""
    front_matter: str = ""
    """YAML for the top of the file, by which the `datasets` library opens the folder; "" for none."""


class Exporter(Protocol):
    """A form of data sets that another tool reads. All exporters are listed in `catalog`."""

    name: ClassVar[str]
    """Its name, which ``--to`` takes."""
    title: ClassVar[str]
    """Name of the tool in sentences, with the version that the form was tried with."""
    files: ClassVar[str]
    """Pattern of its own files and folders, relative to the export, with ``/``; those of images are always known."""
    options: ClassVar[frozenset[str]] = frozenset()
    """The fields of `ninefold.data.export.spec.ExportSpec` that it takes, besides data, form and split."""
    placeholders: ClassVar[tuple[str, ...]] = ()
    """Texts that the tool reads as an image or as another sign; rows that hold one in their text are left out."""

    def write(self, rows: "Rows") -> Usage:
        """Write all files into ``rows.folder``, streaming: a data set may be larger than memory.

        Raises:
            DataError: If the rows cannot be written in this form.
        """
        ...

    def unfit(self, example: Example) -> str | None:
        """Return the reason why the tool cannot read an example with an image and no placeholder; None if it can."""
        return None

    def settings(self) -> Mapping[str, object]:
        """Return what else than the data set and the options determines the files, in JSON types."""
        return {}
