"""An evaluation: one model on one split of a data set, as a run folder with predictions, scores and metrics."""

import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ninefold import console, store
from ninefold.data.format.unchanged import check_unchanged
from ninefold.errors import RunError
from ninefold.evaluation.benchmark import drop, made
from ninefold.evaluation.inputs import facts_of, is_served, opened, rows_of, stored, warn_of_photos
from ninefold.evaluation.resolve import Questions, inputs_of, resolve, resolve_lineage
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models import identity
from ninefold.models.compute.device import check_device
from ninefold.models.registry import REGISTERED
from ninefold.runs import layout
from ninefold.runs.folder import check_place, is_finished
from ninefold.runs.lock import tidy, working
from ninefold.runs.metrics import SCORER_VERSION, EvaluationMetrics
from ninefold.runs.records import Provenance
from ninefold.runs.tables import has_scores

if TYPE_CHECKING:
    from ninefold.models.protocol import Model


def evaluate(
    spec: EvaluateSpec,
    out: Path,
    *,
    model: "Model | None" = None,
    overwrite: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Ask a model all questions and score its answers; an interrupted run resumes, a finished one is left unchanged.

    A finished run is found without loading the model. It is scored again if another version of the scorer was used.

    Args:
        spec: The model, the data set and how answers are scored.
        out: The run folder.
        model: The model that ``spec`` names, if it is already open.
        overwrite: Whether an evaluation of another specification is replaced in ``out``.
        progress: Whether to show a progress bar.

    Returns:
        The content of ``metrics.json``.

    Raises:
        DataError: If the data set, or the split, cannot be used.
        ModelError: If the model cannot be opened, cannot answer this way, or prepares images differently from its
            adapter's training.
        RunError: If ``out`` belongs to another specification, or another process works on it.
    """
    begun = time.perf_counter()
    check_place(out, inputs_of(spec))
    if spec.delegated:
        from ninefold.evaluation.lmms.delegate import delegate

        return delegate(spec, out, overwrite=overwrite, progress=progress)
    if spec.benchmark is not None:
        if model is None and spec.model.name not in REGISTERED:
            # A name that is wrong is told before images are decoded.
            identity.resolve(spec.model)
        spec = made(spec, out, overwrite=overwrite, progress=progress)
    questions = Questions.of(spec)
    found = resolve(spec, model, questions)
    if found is None or not is_finished(out, found.to_json()):
        _run(spec, questions, out, model, overwrite=overwrite, progress=progress, begun=begun)
    else:
        tidy(out)
        check_unchanged(out, questions.data.state(questions.split), lambda: stored(spec, questions))
    return scored(out)


def scored(out: Path) -> dict[str, Any]:
    """Return the metrics of a finished run; others than this version's, or without scores, are made again."""
    with suppress(RunError):
        metrics = EvaluationMetrics.load(out / layout.METRICS)
        if metrics.scorer == SCORER_VERSION and has_scores(out):
            return metrics.to_json()
    from ninefold.evaluation.score import score

    return score(out)


def _run(
    spec: EvaluateSpec,
    questions: Questions,
    out: Path,
    model: "Model | None",
    *,
    overwrite: bool,
    progress: bool,
    begun: float,
) -> None:
    """Begin or resume a run, and finish it."""
    from ninefold.evaluation.predict import predict
    from ninefold.models.image_inputs import Watch

    if model is None and spec.model.name not in REGISTERED and not is_served(spec):
        # Before the rows are checked and libraries are imported, which takes seconds.
        check_device(spec.model.device)
    lineage = resolve_lineage(spec)
    rows = rows_of(spec, questions)
    found = resolve(spec, model, questions)
    # Connecting to a server is cheap: if it is down, no run is begun.
    if model is not None or found is None or is_served(spec):
        model = opened(spec, model)
        found = resolve(spec, model, questions)
    assert found is not None
    with working(out, found.to_json(), overwrite=overwrite) as unfinished:
        if not unfinished:
            return
        drop(out, spec.folder)
        if model is None:
            warn_of_photos(spec, questions, found.model)
            console.milestone(f"loading {spec.model.name}")
            model = opened(spec)
            identity.check_opened(model, found.model)
        loaded = time.perf_counter()
        watch = Watch(model)
        examples = watch.through(rows)
        predict(
            model,
            examples,
            out,
            spec=found.to_json(),
            max_new_tokens=spec.max_new_tokens,
            scoring=spec.scoring,
            total=questions.total,
            chunk=questions.chunk,
            progress=progress,
        )
        predicted = time.perf_counter()
        # An earlier attempt stopped here: all answers were there already, and no example has passed yet.
        deque(examples, maxlen=0)
        seconds = {"load": round(loaded - begun, 3), "predict": round(predicted - loaded, 3)}
        _finish(spec, out, watch.record(), seconds=seconds, data_files=questions.data.state(questions.split), **lineage)


def _finish(spec: EvaluateSpec, out: Path, record: dict[str, Any] | None, **facts: Any) -> None:
    """Score the answers, and write the record of image inputs and the provenance with further facts."""
    from ninefold.evaluation.score import score

    # The figures of a benchmark name the settings of images.
    if record is not None:
        store.write_json(out / layout.SEES, record)
    score(out)
    Provenance.of_this_process(**facts_of(spec), **facts).write(out)
