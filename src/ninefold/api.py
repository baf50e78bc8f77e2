"""The functions of ``import ninefold``: the commands of the command line, in Python. Paths may be strings.

Those of data sets and of captions stand in `ninefold.data.api` and `ninefold.captions.api`.
Each function imports its dependencies when it is called. Progress bars appear on a terminal only.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ninefold.specs import AnyPath, with_paths

if TYPE_CHECKING:
    from ninefold.evaluation.probing.spec import ProbeSpec
    from ninefold.evaluation.spec import EvaluateSpec
    from ninefold.models.export.export import ExportedAdapter
    from ninefold.models.export.spec import AdapterExportSpec
    from ninefold.models.listing import ListedModel
    from ninefold.models.protocol import Model
    from ninefold.models.spec import ModelSpec
    from ninefold.studies.description import Study
    from ninefold.studies.run import Result
    from ninefold.training.spec import TrainSpec


def list_models() -> "tuple[ListedModel, ...]":
    """Return the models that can be loaded by a short name, each with a description and its requirements."""
    from ninefold.models import listing

    return listing.list_models()


def load_model(model: "ModelSpec | AnyPath") -> "Model":
    """Load a model once, to answer examples directly or to be evaluated several times.

    Args:
        model: The model and its options, or its name alone: a name from `list_models`, a hub id, a folder, or a server
            (``openai:http://host:port/v1#model``).

    Raises:
        ModelError: If there is no such model, or it cannot be loaded with these options.
    """
    from ninefold.models.load import open_model
    from ninefold.models.spec import ModelSpec

    return open_model(with_paths(ModelSpec.of(model)))


def train(spec: "TrainSpec", out: AnyPath, *, overwrite: bool = False) -> dict[str, Any]:
    """Fine-tune a model in a run folder; an interrupted run is resumed, a finished one is left unchanged.

    Args:
        spec: The model, the data sets and the settings.
        out: The run folder.
        overwrite: Whether a training run with other settings is replaced there; nothing else ever is.

    Returns:
        The content of the run's ``metrics.json``: the best epoch and its losses.

    Raises:
        NinefoldError: If the data, the model or the run folder cannot be used.
    """
    from ninefold.training.settings import finished_metrics

    spec = with_paths(spec)
    metrics = finished_metrics(spec, Path(out), overwrite=overwrite)
    if metrics is not None:
        return metrics
    from ninefold.training.begin import begin

    return begin(spec, Path(out), overwrite=overwrite)


def export_adapter(spec: "AdapterExportSpec", out: AnyPath, *, overwrite: bool = False) -> "ExportedAdapter":
    """Write the adapter of a training run in the form of another program, compared with the adapter itself first.

    Args:
        spec: The run, the form and the options of the comparison.
        out: The folder to write; a finished export of the same adapter is left unchanged.
        overwrite: Whether an export of another adapter is replaced there; nothing else ever is.

    Returns:
        The folder, how far its model is from the adapter on its base, and for vLLM the command that serves it.

    Raises:
        ModelError: If there is no adapter, the form cannot hold it, or the export would not be the same model.
        RunError: If ``out`` holds something else.
    """
    from ninefold.evaluation.inputs import some
    from ninefold.models.export.export import export_adapter

    spec = with_paths(spec)
    return export_adapter(spec, Path(out), lambda: some(spec.data, spec.examples), overwrite=overwrite)


def evaluate(
    spec: "EvaluateSpec", out: AnyPath, *, model: "Model | None" = None, overwrite: bool = False
) -> dict[str, Any]:
    """Ask a model all questions of a data set and score its answers; an interrupted run is resumed.

    Args:
        spec: The model, the data set and how answers are scored.
        out: The run folder.
        model: The model that ``spec`` names, if it is already loaded.
        overwrite: Whether an evaluation with other settings is replaced in ``out``; nothing else ever is.

    Returns:
        The content of the run's ``metrics.json``: accuracies as fractions with 95 % intervals, overall and by position.

    Raises:
        NinefoldError: If the data, the model or the run folder cannot be used.
    """
    from ninefold.evaluation.evaluate import evaluate

    return evaluate(with_paths(spec), Path(out), model=model, overwrite=overwrite)


def probe(spec: "ProbeSpec", out: AnyPath, *, model: "Model | None" = None, overwrite: bool = False) -> dict[str, Any]:
    """Probe every layer of a model: how well a linear classifier reads the answers from its hidden states.

    Args:
        spec: The model, the data set and the folds of the cross-validation.
        out: The run folder; an interrupted run is resumed, a finished one is left unchanged.
        model: The model that ``spec`` names, if it is already loaded.
        overwrite: Whether probes with other settings are replaced in ``out``; nothing else ever is.

    Returns:
        The content of the run's ``metrics.json``: mean accuracy (a fraction) and standard deviation over the folds, by
        layer.

    Raises:
        NinefoldError: If the data, the model or the run folder cannot be used.
    """
    from ninefold.evaluation.probing.probe import probe

    return probe(with_paths(spec), Path(out), model=model, overwrite=overwrite)


def score(run: AnyPath) -> dict[str, Any]:
    """Score the stored predictions of an evaluation again, without the model or the data.

    Returns:
        The same as `evaluate`.

    Raises:
        RunError: If the folder does not hold a finished evaluation.
    """
    from ninefold.evaluation.score import score

    return score(Path(run))


def write_report(
    runs: Iterable[AnyPath] | AnyPath,
    out: AnyPath = "report.html",
    *,
    compare_questions: Iterable[str] = (),
    overwrite: bool = False,
) -> None:
    """Write one self-contained HTML page of evaluation and training runs, with each base model beside its tuned models.

    Args:
        runs: Run folders of `evaluate` and `train`, or one of them.
        out: The page; its figures are written beside it as PDF and PNG.
        compare_questions: Ids of questions whose answers are shown side by side, each also as a figure.
        overwrite: Whether a report of other runs is replaced there, or one that was edited; nothing else ever is.

    Raises:
        RunError: If a folder is not a finished run, no run has one of these questions, or something else than a report
            is at ``out``.
    """
    from ninefold.report.page import report

    folders = [Path(run) for run in ([runs] if isinstance(runs, str | Path) else runs)]
    report(folders, Path(out), asked=tuple(compare_questions), overwrite=overwrite)


def demo(out: AnyPath = "ninefold-demo", *, model: str = "nano") -> dict[str, Any]:
    """Run the whole system in a folder: data sets, evaluation, fine-tuning, evaluation again, report.

    Args:
        out: The folder.
        model: Name of the model.

    Returns:
        The content of ``summary.json``: accuracies by data set, before and after training.
    """
    from ninefold.studies.demo import demo

    return demo(Path(out), model=model)


def run_study(
    study: "Study | str",
    out: AnyPath,
    *,
    jobs: int = 1,
    cluster: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> "Result":
    """Carry out a study in a folder, and write its report; after any interruption the same call goes on.

    Args:
        study: A `Study`, the name of a recipe, or ``FILE.py:FUNCTION``.
        out: The folder.
        jobs: Number of runs side by side on this machine.
        cluster: Address of a Ray cluster whose machines share the runs, or "auto".
        settings: Values for the parameters of a recipe or function, as text.

    Returns:
        What is done, and what failed for which reason: one failure stops nothing else.

    Raises:
        RunError: If the study has faults, ``out`` holds something else or another process works on it, or the disk is
            full.
        DataError: If a training set overlaps a test.
    """
    from ninefold.studies import folder, recipes
    from ninefold.studies.run import run

    described = recipes.find(study, settings) if isinstance(study, str) else study
    result = run(described, Path(out), jobs=jobs, cluster=cluster)
    if not folder.is_reported(Path(out)):
        report_study(out)
    return result


def report_study(folder: AnyPath, *, overwrite: bool = False) -> None:
    """Write the report of a study, its tables and its figures, from the files of its folder alone.

    Args:
        folder: The study folder.
        overwrite: Whether a page, table or figure that was edited is replaced.

    Raises:
        RunError: If the folder is not one of a study, or something that was edited would be replaced.
    """
    from ninefold.studies.report import write

    write(Path(folder), overwrite=overwrite)
