"""VLMEvalKit: a TSV file of multiple-choice questions a split, with images in base64."""

import csv
import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from string import ascii_uppercase

import xxhash

from ninefold.data.export.protocol import Exporter, Usage
from ninefold.data.export.rows import Rows
from ninefold.data.format.columns import opened
from ninefold.data.format.dataset import Dataset
from ninefold.questions.catalog import find_format
from ninefold.types import Example

_COLUMNS = ("index", "id", "image", "question", "answer", "category", "l2-category", "split")
"""Columns besides those of the options."""

_SPECIAL = re.compile(r"mmbench|ccbench|circular|mmcr|mmmu|mmt|mmsci|mmvp|aesbench|visonlyqa", re.IGNORECASE)
"""Parts of names for which the kit has rules of its own."""

_MISSING = {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"}
_MISSING |= {"NA", "NULL", "NaN", "None", "n/a", "nan", "null"}
"""Texts that pandas, with which the kit reads the file, takes for no value."""


_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class _Columns:
    """What pandas, with which the kit reads the file, makes of the options of a split.

    It guesses the type of a column, piece by piece. Of a piece that holds numbers alone it makes numbers, and decimal
    ones if a cell is empty or decimal: 4 is then 4.0 in the kit's prompt.
    """

    most: int = len(ascii_uppercase)
    """Largest number of options of a row."""
    fewest: int = len(ascii_uppercase)
    """Smallest number: further columns have empty cells."""
    decimal: frozenset[int] = frozenset()
    """Positions of options of which one is a decimal number."""

    @classmethod
    def of(cls, data: Dataset, split: str) -> "_Columns":
        """Return the columns of a split; rows without options, which are left out, do not count."""
        most, fewest, decimal = 0, len(ascii_uppercase), set()
        for shard in data.shards(split):
            with opened(shard, {"options"}) as file:
                for batch in file.iter_batches(columns=["options"]):
                    for options in filter(None, batch.column(0).to_pylist()):
                        most, fewest = max(most, len(options)), min(fewest, len(options))
                        decimal |= {at for at, option in enumerate(options) if _kind(option) == "decimal"}
        return cls(most, fewest, frozenset(decimal))

    def keeps(self, options: Sequence[str]) -> bool:
        """Whether the kit reads options as they are, whatever else is in their columns."""
        may_turn = {at for at in range(len(options)) if at >= self.fewest or at in self.decimal}
        kinds = [_kind(option) for option in options]
        return "odd" not in kinds and not any(kinds[at] == "integer" for at in may_turn)


def _kind(option: str) -> str:
    """Return "integer" or "decimal" of a number that pandas may read and prints again as it is, "odd" of another."""
    if option.lower() in {"true", "false"}:
        return "text" if option in {"True", "False"} else "odd"
    try:
        number = float(option)
    except ValueError:
        return "text"
    return "integer" if _INTEGER.fullmatch(option) else "decimal" if repr(number) == option else "odd"


class VlmEvalKit(Exporter):
    """A file for VLMEvalKit's folder ``$LMUData``, which it opens as a multiple-choice set of its own (custom MCQ)."""

    name = "vlmevalkit"
    title = "VLMEvalKit (commit e8e78f0)"
    files = r"ninefold_\w+\.tsv"

    def __init__(self) -> None:
        self._columns = _Columns()

    def unfit(self, example: Example) -> str | None:
        """Return the reason why the kit cannot ask an example; None if it can."""
        if not 2 <= len(example.options) <= len(ascii_uppercase):
            return "no options, or more than there are letters"
        if _MISSING & {*example.options, example.question}:
            return "a question or an option that the kit reads as a missing value"
        if not self._columns.keeps(example.options):
            return "an option that the kit reads as another number, such as 4 as 4.0"
        return None if _truth(example) in example.options else "an answer that is none of the options"

    def write(self, rows: Rows) -> Usage:
        """Write the file of each split: the question, options A, B ... in the order of the prompt, and the letter."""
        sums = {}
        for split in rows.splits:
            name = data_name(rows.data.name, split)
            path = rows.folder / f"{name}.tsv"
            self._columns = _Columns.of(rows.data, split)
            letters = ascii_uppercase[: self._columns.most]
            with path.open("w", encoding="utf-8", newline="") as file:
                table = csv.DictWriter(file, [*_COLUMNS, *letters], delimiter="\t", lineterminator="\n")
                table.writeheader()
                table.writerows(_rows(rows, split))
            with path.open("rb") as written:
                sums[name] = hashlib.file_digest(written, "md5").hexdigest()
        listed = "\n".join(f"| `{name}` | `{name}.tsv` | {md5} |" for name, md5 in sums.items())
        return Usage(_USAGE.format(listed=listed, name=list(sums)[-1]))


def data_name(data: str, split: str) -> str:
    """Return the kit's name of a split; one that the kit has rules of its own for is replaced by a part of its hash."""
    name = re.sub(r"\W+", "_", data, flags=re.ASCII).strip("_") or "data"
    if _SPECIAL.search(name):
        name = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"ninefold_{name}_{split}"


def _rows(rows: Rows, split: str) -> Iterator[Mapping[str, object]]:
    numbers = count()
    first: dict[int, int] = {}
    for conversation in rows.conversations(split):
        (example,) = conversation.examples
        number, content = next(numbers), conversation.image.content
        # The kit takes the number of another row for the image of that row.
        shared = first.setdefault(xxhash.xxh3_128_intdigest(content), number)
        options = dict(zip(ascii_uppercase, example.options, strict=False))
        truth = _truth(example)
        yield {
            "index": number,
            "id": example.id,
            "image": b64encode(content).decode() if shared == number else str(shared),
            "question": example.question,
            "answer": next(letter for letter, option in options.items() if option == truth),
            "category": str(example.factors.get("region") or example.factors.get("relation") or example.answer),
            "l2-category": example.answer_format,
            "split": split,
            **options,
        }


def _truth(example: Example) -> str | None:
    """Return the option that is the answer of an example."""
    return find_format(example.answer_format).read(example.answer, example.options).label


_USAGE = """\
Copy the files into VLMEvalKit's folder `$LMUData` (`~/LMUData` by default). It opens each as multiple choice:

| --data | file | MD5 |
| --- | --- | --- |
{listed}

```
cp *.tsv ~/LMUData && python run.py --data {name} --model Qwen2-VL-7B-Instruct
```

The kit asks with a prompt of its own: the question, then `Options:` with A, B and so on in the order of the data set's
prompt. Without a judge it reads answers by exact matching, and counts what it cannot read as wrong. Columns `category`
and `l2-category` hold the region, relation or answer, and the answer format; `id` is the row of the data set."""
