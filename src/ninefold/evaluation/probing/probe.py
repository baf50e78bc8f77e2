"""Layer-wise probes of a model on a data set, as a run folder: the hidden states first, then the probes by layer."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil  # type: ignore[import-untyped]

from ninefold import console, store
from ninefold.analysis import folds, probing
from ninefold.data.format.unchanged import check_unchanged
from ninefold.design import spread
from ninefold.errors import DataError
from ninefold.evaluation.inputs import facts_of, opened, rows_of, warn_of_photos
from ninefold.evaluation.probing.spec import ProbeSpec
from ninefold.evaluation.resolve import Questions, inputs_of, resolve_lineage
from ninefold.models import identity
from ninefold.models.compute.device import check_device
from ninefold.models.load import check_has_states
from ninefold.models.registry import REGISTERED
from ninefold.runs import layout
from ninefold.runs.folder import check_place, is_finished
from ninefold.runs.lock import tidy, working
from ninefold.runs.outcome import run_id
from ninefold.runs.probing import LayerAccuracy, Probed, ProbeMetrics, ProbingSpec, read_probes, write_probes
from ninefold.runs.records import Provenance

if TYPE_CHECKING:
    from ninefold.models.protocol import Model

_OBJECT = ("object", "category")
"""Columns that may hold the kind of object."""


def probe(
    spec: ProbeSpec,
    out: Path,
    *,
    model: "Model | None" = None,
    overwrite: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Probe every layer of a model: how well does a linear classifier read the answer from its hidden states?

    The states are those of each prompt's last token. An interrupted run resumes; a finished one is left unchanged, and
    found without loading the model. States that are all stored are probed without the model, too.

    Args:
        spec: The model, the data set and the folds.
        out: The run folder.
        model: The model that ``spec`` names, if it is already open.
        overwrite: Whether probes of another specification are replaced in ``out``.
        progress: Whether to show progress bars.

    Returns:
        The content of ``metrics.json`` (see `ninefold.runs.probing.ProbeMetrics`).

    Raises:
        DataError: If the data set, or the split, cannot be used, an answer is given by fewer examples than there are
            folds, or the examples are too many for the memory.
        ModelError: If the model cannot be opened, or has no hidden states.
        RunError: If ``out`` belongs to another specification, or another process works on it.
    """
    begun = time.perf_counter()
    check_place(out, inputs_of(spec.asked))
    if model is None:
        check_has_states(spec.model.name)
    questions = Questions.of(spec.asked)
    found = resolve(spec, model, questions)
    if found is None or not is_finished(out, found.to_json()):
        _run(spec, questions, out, model, overwrite=overwrite, progress=progress, begun=begun)
    else:
        tidy(out)
        check_unchanged(out, questions.data.state(questions.split), lambda: rows_of(spec.asked, questions))
    if spec.keep_states and not (out / layout.STATES).exists():
        console.warn(f"{out}: its hidden states were removed when it was done; probe again elsewhere to keep them")
    return ProbeMetrics.load(out / layout.METRICS).to_json()


def resolve(spec: ProbeSpec, model: "Model | None" = None, questions: Questions | None = None) -> ProbingSpec | None:
    """Return everything that changes the outcome of probes; None if it is known only after opening the model.

    Args:
        spec: The model, the data set and the folds.
        model: The model that ``spec`` names, if it is already open.
        questions: The examples that it names, if already known.

    Raises:
        DataError: If the data set, or the split, cannot be used.
        ModelError: If there is no such model or adapter.
    """
    questions = questions or Questions.of(spec.asked)
    found = identity.resolve(spec.model) if model is None else {"name": model.name, **model.identity}
    return None if found is None else ProbingSpec(found, questions.record, spec.folds, spec.seed)


def resolve_id(spec: ProbeSpec) -> str | None:
    """Return the id of a probe run; None if it is known only after opening the model (see `resolve`)."""
    found = resolve(spec)
    return None if found is None else run_id(found.to_json())


@dataclass(frozen=True)
class _Split:
    """The answers to predict, and the fold of each example."""

    answers: Sequence[str]
    folds: folds.Folds
    stratified: str


def _run(
    spec: ProbeSpec,
    questions: Questions,
    out: Path,
    model: "Model | None",
    *,
    overwrite: bool,
    progress: bool,
    begun: float,
) -> None:
    """Begin or resume a run, and finish it."""
    from ninefold.evaluation.probing import states

    if model is None and spec.model.name not in REGISTERED:
        # Before the rows are checked and libraries are imported, which takes seconds.
        check_device(spec.model.device)
    lineage = resolve_lineage(spec.asked)
    rows = rows_of(spec.asked, questions)
    split = _divided(questions, spec)
    found = resolve(spec, model, questions)
    if model is not None or found is None:
        model = opened(spec.asked, model)
        found = resolve(spec, model, questions)
    assert found is not None
    folder = out / layout.STATES
    with working(out, found.to_json(), overwrite=overwrite) as unfinished:
        if not unfinished:
            return
        seconds = {}
        if not (out / layout.METRICS).exists():
            if not states.are_written(folder, questions.total):
                if model is None:
                    warn_of_photos(spec.asked, questions, found.model)
                    console.milestone(f"loading {spec.model.name}")
                    model = opened(spec.asked)
                    identity.check_opened(model, found.model)
                seconds["load"] = round(time.perf_counter() - begun, 3)
                states.write(model, rows, folder, total=questions.total, progress=progress)
            read = time.perf_counter()
            seconds["states"] = round(read - begun - seconds.get("load", 0), 3)
            _probe_layers(out, split, progress=progress)
            seconds["probes"] = round(time.perf_counter() - read, 3)
        facts = {**facts_of(spec.asked), **lineage, "data_files": questions.data.state(questions.split)}
        Provenance.of_this_process(**facts, seconds=seconds).write(out)
        if not spec.keep_states:
            states.remove(folder)


def _divided(questions: Questions, spec: ProbeSpec) -> _Split:
    """Return the answers and folds of the examples, from the few columns that tell them.

    Raises:
        DataError: If an answer has fewer examples than there are folds, or the examples are too many for the memory.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    needed, available = probing.memory(questions.total, 0), psutil.virtual_memory().available
    if needed > available:
        raise DataError(
            f"{spec.data}: the probes of {questions.total:,} examples need {needed / 2**30:.1f} GiB of memory, and "
            f"{available / 2**30:.1f} are free; probe fewer with --limit"
        )
    files = questions.data.shards(questions.split)
    names = [name for name in ("answer", "group", *_OBJECT) if name in pq.read_schema(files[0]).names]
    table = pa.concat_tables(pq.read_table(file, columns=names) for file in files)
    columns = {name: table[name].to_pylist() for name in names}
    if questions.limit is not None:
        chosen = spread(columns["answer"], questions.limit)
        columns = {name: [values[row] for row in chosen] for name, values in columns.items()}
    answers = columns["answer"]
    try:
        if questions.data.clustering == "group":
            # An example without a group is a group of its own.
            groups = [group or index for index, group in enumerate(columns["group"])]
            found = folds.grouped(answers, groups, spec.folds, seed=spec.seed)
            return _Split(answers, found, "by answer; examples of one group, such as a photo, share a fold")
        kind = next((name for name in _OBJECT if name in columns), None)
        kinds = columns[kind] if kind else [""] * len(answers)
        found = folds.stratified(answers, kinds, spec.folds, seed=spec.seed)
        return _Split(answers, found, f"by answer and {kind}" if kind else "by answer")
    except DataError as error:
        raise DataError(f"{spec.data}: {error}") from error


def _probe_layers(out: Path, split: _Split, *, progress: bool) -> None:
    """Write ``probes.csv``, layer by layer, and ``metrics.json``; layers that are there already are left out."""
    from ninefold.evaluation.probing import states

    folder, count = out / layout.STATES, int(split.folds.max()) + 1
    probed = read_probes(out) if (out / layout.PROBES).exists() else []
    layers = states.layers(folder)
    with console.progress(shown=progress) as bar:
        task = bar.add_task("probes", total=layers, completed=len(probed) // count)
        for layer in range(len(probed) // count + 1, layers + 1):
            predictions = probing.predict(
                states.read_layer(folder, layer, len(split.answers)), split.answers, split.folds
            )
            if predictions.unfinished:
                console.warn(
                    f"{out}: layer {layer}: {predictions.unfinished:,} of the machines of all pairs of answers and "
                    f"folds were cut off after {probing.ITERATIONS:,} iterations"
                )
            accuracies = predictions.accuracies(split.answers, split.folds)
            probed = [*probed, *(Probed(layer, fold, accuracy) for fold, accuracy in enumerate(accuracies, 1))]
            write_probes(out, probed)
            bar.advance(task)
    frequencies = np.unique(np.asarray(split.answers), return_counts=True)[1]
    metrics = ProbeMetrics(
        n=len(split.answers),
        folds=count,
        stratified=split.stratified,
        most_frequent=float(frequencies.max() / len(split.answers)),
        by_layer=[_summary(probed[start : start + count]) for start in range(0, len(probed), count)],
    )
    store.write_json(out / layout.METRICS, metrics.to_json())


def _summary(probed: Sequence[Probed]) -> LayerAccuracy:
    accuracies = [row.accuracy for row in probed]
    return {"layer": probed[0].layer, "accuracy": float(np.mean(accuracies)), "sd": float(np.std(accuracies))}
