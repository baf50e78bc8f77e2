"""The pass over the pairs of all captions: checks, counts, and the files that come with the data set."""

import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ninefold import store
from ninefold.captions import layout, records
from ninefold.captions.caption import Caption, LeftOut
from ninefold.captions.checks.protocol import Checked
from ninefold.captions.contents import Contents
from ninefold.captions.counts import Counts
from ninefold.captions.form import FORM, fault, on_one_line
from ninefold.captions.pair import Generated, Pair
from ninefold.captions.tables import Tables

PAIRS = "pairs.jsonl.gz"
"""The file of the pairs that are left, beside the further files of the data set."""

CONTENTS = "contents.json"
"""The file of what the pairs are (see `ninefold.captions.contents`)."""


class Checks(Protocol):
    """The chain of checks (see `ninefold.captions.checks.chain.Chain`)."""

    @property
    def checks(self) -> Mapping[Any, Any]:
        """The checks that run, by name, in their order."""
        ...

    @property
    def not_run(self) -> Mapping[Any, str]:
        """Why each of the others does not, in words; complete after `run`."""
        ...

    def run(self, items: Iterable[tuple[Caption, Sequence[Pair]]]) -> Iterator[tuple[Caption, list[Checked]]]:
        """Yield each caption, in the given order, with its pairs and the verdict on each."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """A pair that is left."""

    caption: Caption
    """Its caption, without the text."""
    number: int
    """Its number among the pairs of the caption."""
    pair: Pair
    """The pair."""
    span: str
    """The words of the caption that state it."""

    def values(self) -> dict[str, Any]:
        """Return the columns of the pair, apart from question and answer."""
        pair = self.pair
        return {
            "caption_id": self.caption.id,
            "relation": pair.relation,
            "frame": pair.frame,
            "subject": pair.subject,
            "object": pair.object,
            "source_span": self.span,
            "span_start": pair.span_start,
            "span_end": pair.span_end,
            "fact": pair.fact,
            "form": pair.form,
            "of_described": pair.of_described,
            "corpus": self.caption.corpus,
        }

    @property
    def group(self) -> str:
        """Return the image that it is about, as its caption names it, or else the caption's id."""
        return self.caption.image or self.caption.id

    @property
    def id(self) -> str:
        """Return the id of its row."""
        return f"{self.caption.id}/{self.number}"


def check(
    outcomes: Iterable[tuple[Caption, Generated]], left_out: Iterable[LeftOut], chain: Checks, folder: Path
) -> Counts:
    """Check all pairs, and write the files of the result into a folder, among them the counts.

    Args:
        outcomes: The captions with what was made of them, those of one image together.
        left_out: The rows and captions that are not used.
        chain: The checks.
        folder: An empty folder.
    """
    counts = Counts(checks=dict.fromkeys(map(str, chain.checks), 0))
    with ExitStack() as stack:
        tables = stack.enter_context(Tables.writing(folder))
        lines = stack.enter_context(records.writing(folder / PAIRS))
        for item in left_out:
            counts.captions_in += 1
            counts.captions_left_out[item.reason] = counts.captions_left_out.get(item.reason, 0) + 1
            tables.add(layout.LEFT_OUT, id=item.id, reason=item.reason, detail=item.detail)
        image, contents = "", Contents()
        for caption, pairs in _Pass(counts, tables, contents).run(outcomes, chain):
            counts.images += bool(caption.image) and caption.image != image
            image = caption.image
            lines.write(records.line([records.caption_to_json(replace(caption, text="")), pairs]))
    # Some checks know only now for which pairs they could not run.
    counts.checks_not_run = {str(name): why for name, why in chain.not_run.items()}
    counts.check()
    store.write_json(folder / CONTENTS, contents.to_json())
    store.write_json(folder / layout.COUNTS, counts.to_json())
    return counts


def kept_pairs(folder: Path) -> Iterator[Kept]:
    """Yield the pairs that are left, in order.

    Raises:
        RunError: If their file is broken.
    """
    for values, pairs in records.read(folder / PAIRS):
        caption = records.caption_of(values)
        yield from (Kept(caption, number, Pair(*pair), span) for number, pair, span in pairs)


def copy_further(folder: Path, to: Path) -> None:
    """Copy the files that come with the data set to its folder."""
    for name in (layout.COUNTS, *layout.SCHEMAS):
        shutil.copyfile(folder / name, to / name)


class _Pass:
    """One pass over all captions, which counts what becomes of them and of their pairs."""

    def __init__(self, counts: Counts, tables: Tables, contents: Contents) -> None:
        self._counts, self._tables, self._contents = counts, tables, contents
        # The checks take several captions before they yield the first.
        self._taken: deque[list[tuple[Pair, str]]] = deque()

    def run(
        self, outcomes: Iterable[tuple[Caption, Generated]], chain: Checks
    ) -> Iterator[tuple[Caption, list[tuple[int, list[Any], str]]]]:
        """Yield the captions that have pairs left, with their numbers, values and spans."""
        for caption, checked in chain.run(self._take(outcomes)):
            verdicts = iter(checked)
            kept = []
            for number, (pair, why) in enumerate(self._taken.popleft()):
                row = Kept(caption, number, pair, caption.text[pair.span_start : pair.span_end])
                if why:
                    self._reject(row, FORM, why)
                    continue
                found = next(verdicts)
                if found.rejected_by is None:
                    kept.append((number, records.pair_to_json(pair), row.span))
                    texts = {"id": row.id, "question": pair.question, "answer": pair.answer}
                    self._contents.add({**row.values(), **texts})
                else:
                    self._reject(row, found.rejected_by, found.detail)
            assert next(verdicts, None) is None, f"{caption.id}: the checks have added a pair"
            if kept:
                self._keep(caption, len(kept))
                yield caption, kept

    def _take(self, outcomes: Iterable[tuple[Caption, Generated]]) -> Iterator[tuple[Caption, Sequence[Pair]]]:
        """Yield the captions that go on to the checks, with the pairs that a data set can hold."""
        counts = self._counts
        for caption, made in outcomes:
            counts.captions_in += 1
            if made.failed or made.broken:
                self._tables.add(layout.FAILED, id=caption.id, reason=made.failed or made.broken, raw=made.raw)
            if made.failed:
                counts.failed += 1
            elif not made.is_spatial:
                counts.captions_without_relation += 1
            else:
                counts.captions_kept += 1
                counts.partly_broken += bool(made.broken)
                counts.words += len(caption.text.split())
                counts.pairs_generated += len(made.pairs)
                self._taken.append([(pair, fault(pair, caption)) for pair in map(on_one_line, made.pairs)])
                yield caption, [pair for pair, why in self._taken[-1] if not why]

    def _reject(self, row: Kept, by: str, detail: str) -> None:
        self._counts.checks[by] = self._counts.checks.get(by, 0) + 1
        texts = {"image": row.caption.image, "question": row.pair.question, "answer": row.pair.answer}
        self._tables.add(layout.REJECTED, id=row.id, **texts, **row.values(), check=by, detail=detail)

    def _keep(self, caption: Caption, pairs: int) -> None:
        self._counts.pairs_out += pairs
        self._counts.captions_with_pairs += 1
        path = "" if caption.path is None else str(caption.path)
        columns = {name: getattr(caption, name) for name in ("id", "text", "image", "corpus", "label", "described")}
        self._tables.add(layout.CAPTIONS, **columns, path=path)
