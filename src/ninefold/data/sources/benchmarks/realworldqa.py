"""RealWorldQA: questions about photos taken mostly from cars, answered by a letter, yes or no, or a word or number.

Source: xAI 2024, huggingface.co/datasets/xai-org/RealworldQA (CC-BY-ND-4.0); read from its parquet files, from
lmms-eval's copy of them, or from VLMEvalKit's RealWorldQA.tsv.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from ninefold import store
from ninefold.data.sources.benchmarks.official import digest_of, revision_of
from ninefold.data.sources.benchmarks.pictures import readable, some
from ninefold.data.sources.benchmarks.source import BenchmarkSource
from ninefold.data.sources.benchmarks.tables import KitRow, kit_rows, options_of, tables_of
from ninefold.data.sources.protocol import Split, recorded
from ninefold.errors import DataError
from ninefold.questions.catalog import find_format, misread
from ninefold.types import NO_IMAGE, Example
from ninefold.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from ninefold.data.checks.facts import SourceFacts
    from ninefold.data.format.card import About

KINDS = {"letters": "multiple choice", "true_false": "yes or no", "short_text": "word or number"}
"""Kind of question by answer format."""

COLUMNS = {"question_kind": f"{', '.join(KINDS.values())}", "number": "number of the row in the official table, from 0"}

_OPTION = re.compile(r"^([A-H])[.)]\s*(\S.*?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class RealWorldQaSpec:
    """RealWorldQA: questions about photos, answered by a letter, yes or no, or a word or number.

    For example:
      ninefold data realworldqa --directory RealworldQA --out data/realworldqa
    """

    directory: Path
    """Folder of the official parquet files, as xai-org or lmms-eval has them, or of VLMEvalKit's RealWorldQA.tsv."""
    allow_missing: bool = False
    """Leave out the questions whose image in the table is missing or not readable, and count them."""
    text_only: bool = False
    """Make all rows without their images, to compare them with other data (`ninefold data leakage`)."""


class _Row(NamedTuple):
    number: int
    question: str
    prompt: str
    options: tuple[str, ...]
    answer: str
    answer_format: str

    @property
    def name(self) -> str:
        return f"row {self.number}"


class RealWorldQaSource(BenchmarkSource):
    """RealWorldQA, with the stored question as the prompt, which says how to answer.

    Of VLMEvalKit's table, whose options are columns, the prompt is that kit's own, word for word.
    """

    name: ClassVar[str] = "realworldqa"
    spec_type: ClassVar[type] = RealWorldQaSpec
    spec: RealWorldQaSpec

    def splits(self) -> Mapping[str, Split]:
        """Return the split "test", in the order of the table.

        Raises:
            DataError: If the table cannot be read. Reading the examples raises it if an image is missing, and that is
                not allowed.
        """
        return {"test": Split(some(self._examples(), self._files[0], self.skips), self._told["official_rows"])}

    def found(self) -> Mapping[str, Any]:
        """Return the revision of the table, the number of its rows, and the form of the prompt."""
        return {
            **self._told,
            "prompt": KIT_PROMPT if self._files[0].suffix in {".tsv", ".csv"} else "{question}",
        }

    def files(self) -> Iterable[Path]:
        """Return the table."""
        return self._files

    def about(self) -> "About":
        """Return the content of the card and the manifest."""
        from ninefold.data.format.card import About

        return About(
            title="RealWorldQA",
            description="Questions about photos taken mostly from cars (xAI 2024): multiple choice, yes or no, words.",
            spec=recorded(self),
            source=self.name,
            answer_format="letters",
            clustering=self.clustering,
            license="cc-by-nd-4.0",
            columns=COLUMNS,
            skipped=self.skips.entries,
        )

    @staticmethod
    def facts(spec: Mapping[str, Any], question: str | None) -> "SourceFacts":
        """Return the facts of the rows."""
        from ninefold.data.checks.facts import Fact, SourceFacts

        return SourceFacts(
            rows=(
                Fact(
                    "the kind of question is that of its answer format",
                    ("question_kind", "answer_format"),
                    lambda kind, name: KINDS[name] == kind,
                ),
                Fact(
                    "the id is the number of the row in the official table",
                    ("id", "number"),
                    lambda row, number: row == f"{number:04d}",
                ),
            ),
            manifest={"labels": (), "clustering": RealWorldQaSource.clustering},
        )

    @staticmethod
    def measures(table: "pd.DataFrame") -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the accuracy, and that of each kind of question.

        A letter, or the text of its option, answers multiple choice; yes or no, and words and numbers, are compared in
        any case, as `ninefold.questions.formats` reads them. An answer that cannot be read is wrong. Questions about
        one image err together, in all intervals.
        """
        from ninefold.analysis.grouped import rate, rates

        return {"accuracy": rate(table["correct"], table["group"])}, {"kind": rates(table, "question_kind")}

    @cached_property
    def _files(self) -> list[Path]:
        advice = "fetch data/*.parquet of huggingface.co/datasets/xai-org/RealworldQA"
        return tables_of(self.spec.directory, "realworldqa", "RealWorldQA", advice)

    @cached_property
    def _told(self) -> dict[str, Any]:
        """The revision of the table, and the number of its rows."""

        def read() -> dict[str, Any]:
            revision = ", ".join(revision_of(digest_of(path), None) for path in self._files)
            return {"revision": revision, "official_rows": sum(1 for _ in self._table())}

        # A finished run asks this too, of a table that holds all images.
        found: dict[str, Any] = store.remembered(self._files, f"{self.name} of ninefold {__version__}:", read)
        return found

    def _table(self) -> Iterator[tuple[int, KitRow]]:
        yield from enumerate(row for file in self._files for row in kit_rows(file))

    def _with_images(self) -> Iterator[tuple[_Row, bytes]]:
        """Yield the rows of the table that are questions, each with its encoded image."""
        for number, row in self._table():
            asked = _asked(number, row.values)
            if isinstance(asked, str):
                self.skips.add(asked, f"row {number}")
            elif self.spec.text_only:
                yield asked, NO_IMAGE
            elif row.image is not None:
                yield asked, row.image
            elif self.spec.allow_missing:
                self.skips.add("its image is missing", asked.name)
            else:
                raise DataError(
                    f"{self._files[0]}: row {number} holds no image; fetch the file again, or leave out questions "
                    "without one with --allow-missing"
                )

    def _examples(self) -> Iterator[Example]:
        rows = self._with_images()
        if not self.spec.text_only:
            rows = readable(rows, lambda row: row.name, self.skips, allow_missing=self.spec.allow_missing)
        for row, image in rows:
            yield Example(
                id=f"{row.number:04d}",
                image=image,
                question=row.question,
                prompt=row.prompt,
                options=row.options,
                answer=row.answer,
                answer_format=row.answer_format,
                group=sha256(image).hexdigest()[:12] if image else str(row.number),
                factors={"question_kind": KINDS[row.answer_format], "number": row.number},
            )


KIT_PROMPT = (
    "Question: {question}\nOptions:\nA. {A}\nB. {B}\nPlease select the correct answer from the options above. \n"
)
"""VLMEvalKit's prompt of two options; without options only its first line."""


def _asked(number: int, values: Mapping[str, str]) -> _Row | str:
    """Return the question of a row of a table, or why it is none."""
    question, answer = values.get("question", "").strip(), values.get("answer", "").strip()
    if not question or not answer:
        return "no question, or no answer"
    told = options_of(values)
    if told is None:
        return "an option before the last is empty"
    columns, listed = tuple(map(str.strip, told)), _OPTION.findall(question)
    prompt = _kit_prompt(question, columns) if columns or "index" in values else question
    options = columns or tuple(text for _, text in listed)
    letters = ascii_uppercase[: len(options)]
    if not columns and "".join(letter for letter, _ in listed) != letters:
        options = ()
    is_letter = len(answer) == 1 and answer.isalpha()
    letter = _letter_of(answer, options) if options else None
    if options and letter is None and (columns or is_letter):
        return "its answer is none of its options"
    if letter is not None and len(options) > 1:
        if len(set(options)) < len(options) or misread(find_format("letters"), options) is not None:
            # Texts that cannot be told apart are chosen by their letters alone.
            options = tuple(letters)
        return _Row(number, question, prompt, options, options[letters.index(letter)], "letters")
    if answer.lower() in {"yes", "no"}:
        # No options: the question does not offer them word for word.
        return _Row(number, question, prompt, (), answer.capitalize(), "true_false")
    known = answer.upper() if is_letter else answer
    return _Row(number, question, prompt, (), known, "letters" if is_letter else "short_text")


def _letter_of(answer: str, options: Sequence[str]) -> str | None:
    """Return the letter of the option that an answer names, by the letter or by the text; None if it names none."""
    letters = ascii_uppercase[: len(options)]
    if len(answer) == 1 and answer.upper() in letters:
        return answer.upper()
    label = find_format("letters").read(answer, options).label
    return letters[options.index(label)] if label in options else None


def _kit_prompt(question: str, options: Sequence[str]) -> str:
    if not options:
        return f"Question: {question}\n"
    listed = "".join(f"{letter}. {option}\n" for letter, option in zip(ascii_uppercase, options, strict=False))
    return f"Question: {question}\nOptions:\n{listed}Please select the correct answer from the options above. \n"
