"""The executor of studies: runs the steps, skips finished tasks, resumes interrupted ones."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ninefold import store
from ninefold.console import say
from ninefold.data.checks import certificate
from ninefold.data.format.dataset import Dataset
from ninefold.data.make import inputs_of, make
from ninefold.data.sources.catalog import source_of
from ninefold.data.sources.protocol import Source
from ninefold.errors import DataError
from ninefold.evaluation.evaluate import evaluate
from ninefold.nano import photos
from ninefold.report.page import report
from ninefold.runs.records import Status
from ninefold.studies.study import DataSet, Evaluation, Images, Page, Step, Task, Training, Verification
from ninefold.training.train import train


def run(
    steps: Sequence[Step], seconds: Path, *, overwrite: bool = False, tell: Callable[[str], None] = say
) -> dict[str, float]:
    """Run all steps of a study; after an interruption the same call resumes.

    Args:
        steps: The steps, in order.
        seconds: JSON file with the time of each step, kept across interruptions.
        overwrite: Whether results of other settings are replaced.
        tell: A function that shows a line about progress.

    Returns:
        Seconds by step name; steps of the same name are summed.
    """
    kept: dict[str, float] = store.read_json(seconds) if seconds.exists() else {}
    taken: dict[str, float] = dict.fromkeys((step.name for step in steps), 0.0)
    complete: set[Path] = set()
    for number, step in enumerate(steps, start=1):
        key = f"{number} {step.name}"
        tell(f"{number} of {len(steps)}: {step.name}")
        begun = time.perf_counter()
        for task in step.tasks:
            if isinstance(task, Page):
                _write(task, complete, tell)
            else:
                _perform(task, overwrite)
        # A step that was already finished takes almost no time now; the longest time counts.
        kept[key] = max(round(time.perf_counter() - begun, 1), kept.get(key, 0.0))
        taken[step.name] = round(taken[step.name] + kept[key], 1)
        store.write_json(seconds, kept)
    return taken


def is_made(folder: Path, source: Source) -> bool:
    """Return whether a folder holds a source's data set, newer than the files that its specification names."""
    try:
        manifest = Dataset.open(folder).manifest
    except DataError:
        return False
    written = (folder / "manifest.json").stat().st_mtime
    return (manifest.source, manifest.spec) == (source.name, source.settings()) and all(
        path.exists() and path.stat().st_mtime <= written for path in inputs_of(source)
    )


def _perform(task: Task, overwrite: bool) -> None:
    match task:
        case Images(folder, spec):
            photos.make(spec, folder, overwrite=overwrite, progress=True)
        case DataSet(folder, spec):
            source = source_of(spec)
            if not is_made(folder, source):
                make(source, folder, overwrite=overwrite, progress=True)
        case Verification(folder):
            certificate.verify(folder, progress=True)
        # A run skips its own work if it is done.
        case Evaluation(folder, spec):
            evaluate(spec, folder, overwrite=overwrite)
        case Training(folder, spec):
            train(spec, folder, overwrite=overwrite)


def _write(page: Page, complete: set[Path], tell: Callable[[str], None]) -> None:
    """Write a page, unless it is complete already."""
    done = [run for run in page.runs if _is_done(run)]
    pending = [run.name for run in page.runs if run not in done]
    if page.path in complete or not done:
        return
    report(done, page.path, pending=pending)
    if pending:
        tell(f"First results are in {page.path}; still to come: {', '.join(pending)}.")
    else:
        complete.add(page.path)


def _is_done(run: Path) -> bool:
    return Status.read(run).state == "done"
