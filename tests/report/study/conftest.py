"""A study folder whose runs were made by scripted models."""

import io
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from ninefold import store
from ninefold.api import report_study
from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.fake import FakeModel
from ninefold.models.spec import ModelSpec
from ninefold.questions.prompt import prompt
from ninefold.report.study import output
from ninefold.report.study.paper_figures import paper_figures
from ninefold.report.study.results import StudyResults
from ninefold.runs.folder import open_run
from ninefold.runs.probing import LayerAccuracy, Probed, ProbeMetrics, write_probes
from ninefold.runs.records import Status
from ninefold.runs.study import STUDY, StudiedCondition, StudiedModel, StudiedRun, StudiedTest, StudyRecord
from ninefold.space import LABELS, Cell, label_of_cell
from ninefold.types import Example

CELLS = [Cell(row, col) for row in (0, 4, 8) for col in (0, 4, 8)] + [Cell(row, col) for row in (1, 5) for col in (1,)]
"""Cells of the objects; a test has one question for each."""

RIGHT: Mapping[tuple[str, str, int | None], Mapping[str, int]] = {
    ("qwen2-vl", "base", None): {"synthetic": 5, "coco": 4},
    ("qwen2-vl", "synthetic", 0): {"synthetic": 11, "coco": 6},
    ("qwen2-vl", "synthetic", 1): {"synthetic": 10, "coco": 8},
    ("qwen2-vl", "scaling-9", 0): {"synthetic": 7, "coco": 5},
    ("nano-molmo", "base", None): {"synthetic": 2, "coco": 1},
    ("nano-molmo", "synthetic", 0): {"synthetic": 9, "coco": 3},
}
"""Right answers of each finished run, of 11; all others are absent."""


def make_data(folder: Path, shade: int) -> Path:
    """Write a small data set."""
    rows = []
    for index, cell in enumerate(CELLS):
        buffer = io.BytesIO()
        Image.new("RGB", (27, 18), (shade, 20 * index, 0)).save(buffer, "PNG")
        label, question = label_of_cell(cell), f"Where is object {index} & co_{shade}?"
        factors = {"region": label, "cell_row": cell.row, "cell_col": cell.col}
        rows.append(
            Example(
                f"{index:02}", buffer.getvalue(), question, prompt(question, LABELS), LABELS, label, group=str(index),
                factors=factors,
            )
        )  # fmt: skip
    dataset.write(folder, {"test": rows}, about=About("t", "d", {}))
    return folder


def answering(right: int, name: str, adapter: str | None) -> FakeModel:
    """Return a model that answers the first ``right`` questions; of the others one with nothing, the rest wrongly."""

    def answer(example: Example) -> str:
        index = int(example.id)
        if index < right:
            return example.answer
        return "" if index == len(CELLS) - 1 else LABELS[LABELS.index(example.answer) - 1]

    return FakeModel(answer, name=name, adapter=adapter)


def probe(folder: Path, seed: int | None) -> None:
    """Write a finished probe run of two layers and three folds."""
    open_run(folder, {"kind": "probe", "seed": seed})
    first = 0.3 if seed is None else 0.5 + 0.2 * seed
    means = {layer: first + 0.1 * layer for layer in (1, 2)}
    write_probes(
        folder, [Probed(layer, fold, mean + 0.02 * (fold - 2)) for layer, mean in means.items() for fold in (1, 2, 3)]
    )
    by_layer: list[LayerAccuracy] = [{"layer": layer, "accuracy": mean, "sd": 0.0} for layer, mean in means.items()]
    metrics = ProbeMetrics(n=11, folds=3, stratified="", most_frequent=0.2, by_layer=by_layer)
    store.write_json(folder / "metrics.json", metrics.to_json())
    Status("done").write(folder)


@pytest.fixture(scope="session")
def results(study: Path) -> StudyResults:
    """The results of that study."""
    return StudyResults.read(study)


@pytest.fixture(scope="session")
def reported(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of that study with its page, all tables and one figure; a test that changes a file restores it."""
    folder = shutil.copytree(study, tmp_path_factory.mktemp("reported") / "study")
    with pytest.MonkeyPatch.context() as patch:
        drawings = paper_figures(StudyResults.read(folder))
        patch.setattr(output, "paper_figures", lambda results: {"figure-3a": drawings["figure-3a"]})
        report_study(folder)
    return folder


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study folder; tests do not change it."""
    folder = tmp_path_factory.mktemp("study") / "study"
    tests = [StudiedTest(name, title, f"data/{name}") for name, title in (("synthetic", "Synthetic"), ("coco", "COCO"))]
    for shade, test in enumerate(tests, start=100):
        make_data(folder / test.data, shade)
    runs = []
    for model, condition, seed in [
        *RIGHT, ("qwen2-vl", "scaling-9", 1), ("nano-molmo", "scaling-9", 0), ("nano-molmo", "synthetic", 1),
    ]:  # fmt: skip
        stem = f"runs/{model}-{condition}-{seed}"
        if seed is not None:
            runs.append(StudiedRun("training", model, condition, seed, None, stem))
        for test in tests:
            run = StudiedRun("evaluation", model, condition, seed, test.name, f"{stem}-on-{test.name}")
            runs.append(run)
            if found := RIGHT.get((model, condition, seed)):
                adapter = None if seed is None else f"{condition} {seed}"
                fake = answering(found[test.name], model, adapter)
                spec = EvaluateSpec(ModelSpec(model), folder / test.data)
                evaluate(spec, folder / run.folder, model=fake, progress=False)
    for condition, seed in (("base", None), ("synthetic", 0), ("synthetic", 1)):
        run = StudiedRun("probe", "qwen2-vl", condition, seed, "coco", f"runs/probe-{condition}-{seed}")
        runs.append(run)
        probe(folder / run.folder, seed)
    failed = folder / "runs" / "nano-molmo-synthetic-1"
    failed.mkdir()
    Status("failed", reason="out of memory").write(failed)
    record = StudyRecord(
        "small", "A small study",
        [StudiedModel("qwen2-vl", "Qwen2-VL"), StudiedModel("nano-molmo", "nano-molmo", True)],
        [
            StudiedCondition("base", "base"), StudiedCondition("synthetic", "Synthetic", rows=1296),
            StudiedCondition("scaling-9", "9 & more", "scaling", rows=9),
        ],
        [0, 1], tests, runs,
    )  # fmt: skip
    store.write_json(folder / STUDY, record.to_json())
    return folder
