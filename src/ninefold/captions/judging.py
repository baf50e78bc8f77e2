"""Judging: the verdicts of filters on the captions of files."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ninefold import console, store
from ninefold.captions.caption import Caption, LeftOut
from ninefold.captions.engines.catalog import REGISTERED, engine_of, judge_named
from ninefold.captions.engines.protocol import Filter
from ninefold.captions.filter import Verdicts
from ninefold.captions.spec import CaptionsIn, CaptionsSpec, Serving
from ninefold.errors import DataError, DesignError, RunError
from ninefold.output import check_inputs
from ninefold.web.wording import quantity

TOGETHER = 256
"""Number of captions that a filter is given at once; one that asks a server has many requests under way."""


@dataclass(frozen=True)
class Judged:
    """What filters say about captions."""

    verdicts: Mapping[str, Verdicts]
    """The verdicts of each filter, by its name."""
    captions: int
    """Number of captions judged."""
    left_out: int
    """Number of rows and captions that are not used."""
    usage: Sequence[str]
    """What each served model has cost, in words."""

    def sentences(self) -> list[str]:
        """Return the numbers of captions, and what the verdicts have cost, in words."""
        left_out = f"; {self.left_out:,} left out" if self.left_out else ""
        return [f"{quantity(self.captions, 'caption')} judged{left_out}", *self.usage]


def judged(
    captions: CaptionsIn,
    names: Sequence[str],
    *,
    prompt: Path | None = None,
    parser: str = CaptionsSpec.parser,
    responses: Path | None = None,
    served: Serving | None = None,
    limit: int | None = None,
) -> Judged:
    """Return what filters say about captions.

    Args:
        captions: The files of captions.
        names: The filters: rules, keywords, openai:URL#MODEL, or a registered engine that judges.
        prompt: File of another prompt for served models.
        parser: The spaCy pipeline of the rules.
        responses: File that keeps a served model's answers; None to keep them in memory.
        served: How served models are asked; by default as in a run.
        limit: Number of captions to take; None for all.

    Raises:
        NinefoldError: If there is no such filter, or no caption to judge, or a filter fails.
    """
    if len(set(names)) < len(names):
        raise DesignError(f"--against {names[-1]}: is the same filter; name another one")
    if limit is not None and limit < 1:
        raise DesignError(f"--limit {limit}: must be at least 1")
    served = served or Serving()
    spec = CaptionsSpec(captions, parser=parser, filter_prompt=prompt, served=served)
    opened = [_judge(name, spec, responses) for name in names]
    # One model may be served at two addresses.
    short = len({judge.name for judge in opened}) == len(opened)
    judges = {judge.name if short else name: judge for name, judge in zip(names, opened, strict=True)}
    verdicts: dict[str, dict[str, bool | None]] = {name: {} for name in judges}
    left_out: list[LeftOut] = []
    kept, count = islice(_kept(captions, left_out), limit), 0
    while block := list(islice(kept, TOGETHER)):
        for name, judge in judges.items():
            said = zip(block, judge.judge(block), strict=True)
            verdicts[name].update({caption.id: verdict for caption, verdict in said})
        count += len(block)
        console.debug(f"{count:,} captions judged")
    if not count:
        raise DataError(f"no caption to judge; {quantity(len(left_out), 'row')} left out")
    spent = ((name, getattr(judge, "usage", None)) for name, judge in judges.items())
    usage = [f"{name}: {used.sentence(served)}" for name, used in spent if used is not None]
    return Judged(verdicts, count, len(left_out), usage)


def check_out(path: Path, inputs: Sequence[Path]) -> None:
    """Refuse a file for verdicts in whose place something else is.

    Raises:
        RunError: If it is one that is read, or another one that `write` has not written.
    """
    check_inputs(path, inputs)
    if path.exists() and not _is_written(path):
        raise RunError(f"{path}: holds something else than verdicts, so it is not replaced; choose another --out")


def _is_written(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        head, row = (next(csv.reader([file.readline(10_000)]), []) for _ in range(2))
    # Labels made by hand look alike otherwise.
    return head[:1] == ["id"] and "label" not in head and {*row[1:]} <= {"yes", "no", ""}


def write(path: Path, verdicts: Mapping[str, Verdicts]) -> None:
    """Write verdicts as csv: the caption's id, and yes, no or nothing for each filter."""
    words = {True: "yes", False: "no", None: ""}
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["id", *verdicts])
    for name in next(iter(verdicts.values())):
        lines.writerow([name, *(words[each[name]] for each in verdicts.values())])
    store.write_text(path, text.getvalue())


def _judge(name: str, spec: CaptionsSpec, responses: Path | None) -> Filter:
    judge = judge_named(name, spec, responses)
    if judge is not None:
        return judge
    if name.partition(":")[0] in REGISTERED:
        engine = engine_of(CaptionsSpec(spec.captions, engine=name))
        if isinstance(engine, Filter):
            return engine
        raise DesignError(f"{name}: this engine has no judgement of its own; name rules, keywords or openai:URL#MODEL")
    raise DesignError(f"--engine or --against {name}: choose rules, keywords or openai:URL#MODEL")


def _kept(captions: CaptionsIn, left_out: list[LeftOut]) -> Iterator[Caption]:
    from ninefold.captions.sources.reading import read

    for item in read(captions):
        if isinstance(item, Caption):
            yield item
        else:
            left_out.append(item)
