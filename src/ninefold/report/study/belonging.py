"""The check that a finished run is the one that a study means: of its training, its seed, its test and its model.

A folder may have been copied over another one, and a data set or a model may have been replaced since some runs were
done. Such runs are left out and named: results of different questions or weights are never pooled.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ninefold.data.format.dataset import Dataset
from ninefold.errors import DataError
from ninefold.report.test_sets import Run
from ninefold.runs.study import StudiedRun, StudyRecord

_REMEDY = "remove its folder, and repeat `ninefold study run`"


class Belonging:
    """What the runs of a study must have in common."""

    def __init__(self, folder: Path, record: StudyRecord) -> None:
        self._sets = {test.name: folder / test.data for test in record.tests}
        self._trainings = {(run.model, run.condition, run.seed): run.folder for run in record.select("training")}
        self._questions: dict[tuple[str, str], str] = {}
        self._weights: dict[str, object] = {}

    def fault(self, of: StudiedRun, run: Run) -> str | None:
        """Return why a run does not belong to its place in the study, in one line; None if it does.

        Args:
            of: The place.
            run: The run that its folder holds.
        """
        found = self._fault(of, run)
        return None if found is None else f"{run.folder}: {found}; {_REMEDY}"

    def _fault(self, of: StudiedRun, run: Run) -> str | None:
        model, origin = _mapping(run.spec.get("model")), run.provenance
        weights = model.get("checkpoint")
        # A full fine-tuning has weights of its own; the model that it began from is that of its training.
        if weights is not None and origin.get("parent") is None:
            first = self._weights.setdefault(of.model, weights)
            if weights != first:
                return f"is of other weights of this model ({weights}) than the runs before it ({first})"
        if of.kind == "training":
            seed = run.spec.get("seed")
            return None if seed == of.seed else f"is a training with seed {seed}, and not {of.seed}"
        # Where an adapter is from is not always known.
        is_known = origin.get("training") is not None or (model and model.get("adapter") is None)
        meant = self._trainings.get((of.model, of.condition, of.seed))
        names = [None if path is None else Path(path).name for path in (origin.get("training"), meant)]
        if is_known and names[0] != names[1]:
            return f"is of the model of {names[0] or 'no training'}, and not of {names[1] or 'the base'}"
        data = _mapping(run.spec.get("data"))
        asked = data.get("fingerprint")
        now = None if asked is None else self._asked(str(of.test), str(data.get("split")), asked)
        return None if asked == now else f"answers other questions ({asked}) than its test has now ({now})"

    def _asked(self, test: str, split: str, asked: str) -> str:
        """Return the fingerprint of a test's questions; that of the first run if its data set is not here."""
        key = (test, split)
        if key not in self._questions:
            try:
                self._questions[key] = Dataset.open(self._sets[test]).fingerprint(split)
            except (DataError, OSError):
                self._questions[key] = asked
        return self._questions[key]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
