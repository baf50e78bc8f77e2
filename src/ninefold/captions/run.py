"""The run over captions: read, filtered, made into pairs, checked, and written as a data set.

What is done is on disk, in a work folder beside the data set. After a kill the same run goes on from there, and ends
with the same bytes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ninefold import console, store
from ninefold.captions import identity, layout, steps
from ninefold.captions.caption import WITHOUT_IMAGE
from ninefold.captions.counts import Counts
from ninefold.captions.engines.catalog import opened, runs_in_processes
from ninefold.captions.spec import CaptionsSpec
from ninefold.captions.steps import Job
from ninefold.captions.work import Work, check_own, discard
from ninefold.data.format import manifest
from ninefold.data.make import is_complete
from ninefold.errors import DataError, printable
from ninefold.output import located
from ninefold.runs.lock import locked_output, tidy_output
from ninefold.version import __version__


def run(
    spec: CaptionsSpec,
    out: Path,
    *,
    split: str = "train",
    validation_share: float = 0.05,
    limit: int | None = None,
    jobs: int = 1,
    cluster: str | None = None,
    embed: bool = False,
    retry_failed: bool = False,
    overwrite: bool = False,
    progress: bool = False,
) -> Counts:
    """Make a data set of pairs from captions (see `ninefold.run_captions`)."""
    from ninefold.data.format import writing

    job = Job(spec, located(out).absolute(), split, validation_share, limit, jobs, cluster, embed, progress)
    job.check()
    with locked_output(job.out, DataError):
        known = identity.of_inputs(spec, job.options())
        counts = _finished(job, known) if _is_named_alike(job) else None
        if counts is None or _is_retried(job, counts, retry_failed):
            counts = _run(job, retry_failed=retry_failed, overwrite=overwrite)
        else:
            _tell_finished(job)
        discard(job.out)
        writing.discard(job.out)
    tidy_output(job.out)
    return counts


def _run(job: Job, *, retry_failed: bool, overwrite: bool) -> Counts:
    """Begin or resume a run, and finish it."""
    from ninefold.captions.checks.chain import Chain

    check_own(job.out)
    made = opened(job.spec, job.responses, retry_failed=retry_failed, cluster=job.cluster)
    settings = identity.settings(job.spec, made, job.options())
    counts = _finished(job, settings)
    if counts is not None:
        # The same model may be served at another address now.
        if not _is_retried(job, counts, retry_failed):
            _tell_finished(job)
            return counts
        overwrite = True
    full = manifest.settings(layout.SOURCE, settings, __version__)
    # Before anything is read or paid.
    manifest.KIND.check(job.out, full, overwrite=overwrite, inputs=job.inputs())
    checks = Chain(job.spec.checks)
    if job.spec.captions.retry_images:
        # Other captions may have images now; a served model's answers are kept elsewhere.
        discard(job.out)
    work = Work(job.out, store.content_id(full, length=64))
    spool = steps.read(job, work)
    if retry_failed:
        steps.forget_failed(work, spool)
    steps.generate(job, work, spool, made)
    counts = steps.check(job, work, spool, checks)
    if not counts.pairs_out:
        first = _first_lost(work)
        discard(job.out)
        if not counts.captions_in:
            raise DataError(f"--shard {job.spec.captions.shard}: no caption falls into this shard; make fewer shards")
        raise DataError(f"{job.out}: no pair is left, and nothing is written: {counts.in_short()}{first}")
    steps.write(job, work, counts, settings, made, overwrite=overwrite)
    steps.tell_cost(job, made)
    return counts


def _first_lost(work: Work) -> str:
    """Return the first caption without a usable output and the first rejected pair, and why, for a message."""
    told = ""
    for name, what, reasons in (
        (layout.FAILED, "the first that failed", ("reason",)),
        (layout.REJECTED, "the first rejected pair", ("check", "detail")),
    ):
        with pq.ParquetFile(work.checked / name) as file:
            for row in next(file.iter_batches(1), pa.record_batch([])).to_pylist():
                why = ", ".join(row[reason] for reason in reasons if row[reason])
                told += f"; {what}: {printable(row['id'])[:80]}: {printable(why)[:200]}"
    return told


def _tell_finished(job: Job) -> None:
    console.milestone(f"{job.out}: is finished already, with the same captions and settings; nothing is done")


def _is_retried(job: Job, counts: Counts, retry_failed: bool) -> bool:
    """Whether the user asks again for what a finished run has not had: answers, or images."""
    images = job.spec.captions.retry_images and (
        job.spec.captions.allow_missing or WITHOUT_IMAGE in counts.captions_left_out
    )
    return images or (retry_failed and counts.failed > 0)


def _is_named_alike(job: Job) -> bool:
    """Whether the folder is of a run that asked the same model of a server, which need not be there any more."""
    timing = job.out / layout.TIMING
    if runs_in_processes(job.spec) or not timing.is_file():
        return False
    return bool(store.read_json(timing).get("asked") == identity.asked(job.spec))


def _finished(job: Job, settings: Mapping[str, Any]) -> Counts | None:
    """Return the counts of a finished run, all of whose files are there; None if it has other settings."""
    made = manifest.settings_of(job.out) if job.out.is_dir() else None
    further = (layout.COUNTS, layout.TIMING, *layout.SCHEMAS)
    if made is None or not all((job.out / name).is_file() for name in further):
        return None
    asked = manifest.settings(layout.SOURCE, settings, __version__)
    same = all(made.get(name) == value for name, value in asked.items())
    return Counts.read(job.out / layout.COUNTS) if same and is_complete(job.out) else None
