"""The steps of a run over captions; each finds what an earlier call has left on disk, and does the rest."""

import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from ninefold import console, store
from ninefold.captions import card, checking, identity, layout
from ninefold.captions.blocks import Spreading, process_block
from ninefold.captions.caption import Caption
from ninefold.captions.contents import Contents
from ninefold.captions.counts import Counts
from ninefold.captions.engines.catalog import Opened, runs_in_processes
from ninefold.captions.engines.endpoint.responses import Usage
from ninefold.captions.pair import Generated
from ninefold.captions.processes import Outcome, in_processes
from ninefold.captions.sources.rows import check_file
from ninefold.captions.spec import CaptionsSpec
from ninefold.captions.splits import splits_of
from ninefold.captions.spool import Spool, fill
from ninefold.captions.work import Work, discard
from ninefold.data.format import manifest
from ninefold.errors import DataError, DesignError
from ninefold.types import NO_IMAGE, Example


@dataclass(frozen=True)
class Job:
    """A run: its specification, and where and how it is done."""

    spec: CaptionsSpec
    """The captions, the engine and the checks."""
    out: Path
    """The folder of the data set."""
    split: str
    """Name of its split."""
    validation_share: float
    """Share of the images whose pairs are held out, as a split of their own."""
    limit: int | None
    """Number of captions to take; None for all."""
    jobs: int
    """Number of processes."""
    cluster: str | None
    """Address of the Ray cluster of an engine ``ray:``."""
    embed: bool
    """Whether images are copied into the data set."""
    progress: bool
    """Whether bars are shown."""
    seconds: dict[str, float] = field(default_factory=dict)
    """The time that each step has taken in this process."""

    @property
    def responses(self) -> Path:
        """Return the file of a served model's answers, which outlives the run: other checks pay none of them again."""
        return self.out.with_name(f".{self.out.name}.responses")

    def options(self) -> dict[str, Any]:
        """Return the options that determine the data set, beside the specification."""
        return {
            "split": self.split,
            "validation_share": self.validation_share,
            "limit": self.limit,
            "embed": self.embed,
        }

    def inputs(self) -> list[Path]:
        """Return the files and folders that are read."""
        given, checks = self.spec.captions, self.spec.checks
        others = (given.images, self.spec.prompt, self.spec.filter_prompt, checks.reference_words)
        return [*given.files, *given.exclude, *(path for path in others if path is not None)]

    def check(self) -> None:
        """Refuse options that cannot be used.

        Raises:
            DesignError: If a number or a name is none.
            DataError: If a file is missing, or is a pipe or device.
        """
        for name, number in (("jobs", self.jobs), ("limit", self.limit)):
            if number is not None and number < 1:
                raise DesignError(f"--{name} {number}: must be at least 1")
        if self.jobs > 1 and not runs_in_processes(self.spec):
            raise DesignError(f"--jobs {self.jobs}: an engine that asks a server needs one process only; leave it out")
        if not 0 <= self.validation_share < 1:
            raise DesignError(f"--validation-share {self.validation_share}: must be from 0 to less than 1")
        if not manifest.SPLIT_NAME.fullmatch(self.split):
            raise DesignError(f"--split {self.split!r}: name it with letters, digits and underscores alone")
        for path in self.inputs():
            # Images that are given by URL are downloaded to a folder that may be new.
            if path == self.spec.captions.images:
                continue
            if not path.exists():
                raise DataError(f"{path}: no such file or folder; check the path")
            if not path.is_dir():
                # Before its hash is taken: a device has no end.
                check_file(path)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Record the time that a block takes."""
        begun = time.perf_counter()
        yield
        self.seconds[step] = round(time.perf_counter() - begun, 3)


def read(job: Job, work: Work) -> Spool:
    """Read all captions, and return the spool that holds them."""
    from ninefold.captions.sources.reading import read

    if not Spool.is_filled(work.folder):
        try:
            with job.timed("read"):
                rows = console.track(read(job.spec.captions), "rows read", shown=job.progress)
                fill(work.folder, rows, job.limit)
        except BaseException:
            # What is read in part is read again.
            discard(job.out)
            raise
    return Spool(work.folder)


def forget_failed(work: Work, spool: Spool) -> None:
    """Forget the blocks in which a caption has failed, so that they are done again; good answers are not paid again."""
    for number in range(len(spool)):
        if work.is_done(number) and any(made.failed for made in work.outcome(number)):
            work.forget(number)


def generate(job: Job, work: Work, spool: Spool, made: Opened) -> None:
    """Let filter and engine work on all blocks that are not done."""
    done = sum(spool.size(number) for number in range(len(spool)) if work.is_done(number))
    if done == spool.captions:
        return
    if done:
        console.say(f"{job.out}: goes on after {done:,} of {spool.captions:,} captions")
    with job.timed("generate"), console.progress(shown=job.progress) as bar:
        task = bar.add_task("captions", total=spool.captions, completed=done)
        for number, outcome in _outcomes_of_blocks(job, work, spool, made):
            assert len(outcome) == spool.size(number), f"block {number}: {len(outcome)} outcomes"
            work.save(number, outcome)
            bar.advance(task, len(outcome))


def _outcomes_of_blocks(job: Job, work: Work, spool: Spool, made: Opened) -> Iterator[Outcome]:
    blocks = work.to_do(spool)
    if isinstance(made.engine, Spreading):
        return made.engine.spread(blocks, made.judge)
    if job.jobs > 1:
        return in_processes(blocks, job.spec, job.jobs)
    return ((block.number, process_block(block.captions, made.judge, made.engine)) for block in blocks)


def check(job: Job, work: Work, spool: Spool, checks: checking.Checks) -> Counts:
    """Check all pairs, and return the counts."""
    if not work.checked.exists():
        with job.timed("check"), store.atomic_folder(work.checked) as fresh:
            outcomes = console.track(
                _outcomes(work, spool), "captions checked", total=spool.captions, shown=job.progress
            )
            checking.check(outcomes, spool.rows_left_out(), checks, fresh)
    return Counts.read(work.checked / layout.COUNTS)


def _outcomes(work: Work, spool: Spool) -> Iterator[tuple[Caption, Generated]]:
    blocks = (spool.block(number) for number in range(len(spool)))
    return chain.from_iterable(zip(block.captions, work.outcome(block.number), strict=True) for block in blocks)


def write(job: Job, work: Work, counts: Counts, settings: Mapping[str, Any], made: Opened, *, overwrite: bool) -> None:
    """Write the data set with its further files; the folder is whole from its first moment."""
    from ninefold.data.format import writing

    def complete(fresh: Path) -> None:
        checking.copy_further(work.checked, fresh)
        store.write_json(fresh / layout.TIMING, _timing(job, made))

    with job.timed("write"), console.progress(shown=job.progress) as bar:
        task = bar.add_task("pairs written", total=counts.pairs_out)

        def example(kept: checking.Kept) -> Example:
            bar.advance(task)
            return _example(kept)

        splits = splits_of(partial(checking.kept_pairs, work.checked), job.split, job.validation_share)
        contents = Contents.from_json(store.read_json(work.checked / checking.CONTENTS))
        about = card.about(settings, counts, contents)
        writing.write(
            job.out,
            {split: map(example, kept) for split, kept in splits.items()},
            about=about,
            embed=job.embed,
            overwrite=overwrite,
            complete=complete,
            locked=True,
        )


def _example(kept: checking.Kept) -> Example:
    caption, pair = kept.caption, kept.pair
    return Example(
        id=kept.id,
        image=NO_IMAGE if caption.path is None else caption.path,
        question=pair.question,
        prompt=pair.question,
        options=(),
        answer=pair.answer,
        answer_format="short_text",
        group=kept.group,
        factors=kept.values(),
    )


def tell_cost(job: Job, made: Opened) -> None:
    """Tell what a served model has cost, and where its answers are kept."""
    used = _usage(made)
    if used is not None:
        console.milestone(f"{used.sentence(job.spec.served)}; {job.responses} keeps them for runs with other checks")


def _timing(job: Job, made: Opened) -> dict[str, Any]:
    """Return what differs from run to run: times of this process, machine, and what a served model has cost."""
    # Not `platform.platform()`: it starts a process, which may outlive a killed run and hold its lock a moment longer.
    system = platform.uname()
    used = {"by this process": _usage(made), "in all": getattr(made.engine, "usage_of_all_runs", None)}
    served = job.spec.served
    return {
        "asked": identity.asked(job.spec),
        "seconds": job.seconds,
        "jobs": job.jobs,
        "machine": {"system": f"{system.system} {system.release} {system.machine}", "cores": os.cpu_count()},
        "requests": {
            when: None if each is None else {**asdict(each), "cost": each.cost(served)} for when, each in used.items()
        },
        # What a server refused of the requests, and what became of it.
        "request_changes": dict(getattr(made.engine, "request_changes", {})),
    }


def _usage(made: Opened) -> Usage | None:
    """Return what engine and filter have asked of a server in this process; None if they ask none."""
    used = (getattr(each, "usage", None) for each in (made.engine, made.judge))
    known = [each for each in used if isinstance(each, Usage)]
    return sum(known[1:], known[0]) if known else None
