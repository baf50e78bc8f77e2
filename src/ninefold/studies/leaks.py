"""Leaks of a study: what its training sets share with its tests, refused or recorded."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.errors import DataError, FactError
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.runs.study import StudiedLeak, StudyRecord
from ninefold.studies.plan import Plan, store_path
from ninefold.training.spec import TrainSpec

if TYPE_CHECKING:
    from ninefold.data.checks.leakage import Leak


def of(planned: Plan) -> "list[Leak]":
    """Return what each training set that is made shares with each test that is made; nothing if there are none."""
    from ninefold.data.checks.leakage import leakage

    works = [task.work for task in planned.tasks]
    tests = {work.folder for work in works if isinstance(work, EvaluateSpec) and work.folder.exists()}
    trained = {data for work in works if isinstance(work, TrainSpec) for data in work.data if data.exists()}
    return leakage(sorted(trained), sorted(tests), whole=True) if trained and tests else []


def refuse(leaks: "Sequence[Leak]") -> None:
    """Refuse a study with a training set that shares images, rows or scenes with a test.

    Raises:
        DataError: With every such pair.
    """
    found = []
    for leak in leaks:
        try:
            leak.overlap.check(f"{Path(leak.training).name} and {Path(leak.test).name}")
        except FactError as error:
            found.append(str(error))
    if found:
        raise DataError(f"a training set overlaps a test; {'; '.join(found)}; nothing was trained")


def recorded(record: StudyRecord, planned: Plan, leaks: "Sequence[Leak]") -> StudyRecord:
    """Return the record with what the training sets of its conditions share with its tests."""
    trained = {task.folder.name: task.work.data for task in planned.tasks if isinstance(task.work, TrainSpec)}
    data = {run.condition: trained.get(Path(run.folder).name, ()) for run in record.runs if run.kind == "training"}
    found = [
        StudiedLeak(
            condition.name,
            test.name,
            store_path(Path(leak.training), planned.out),
            images=leak.overlap.images.count,
            test_images=leak.test_images,
            scenes=leak.overlap.scenes.count,
            rows_of_shared_images=leak.rows_of_shared_images,
            rows=leak.shared_rows,
            test_rows=leak.test_rows,
        )
        for condition in record.conditions
        for test in record.tests
        for leak in leaks
        if leak.overlap.has_leak
        and Path(leak.training) in data.get(condition.name, ())
        and Path(leak.test) == planned.out / test.data
    ]
    return replace(record, leaks=tuple(found) or None)
