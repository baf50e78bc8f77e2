"""Run folders whose files were edited, cut or replaced: commands go on, or say in one line what is wrong."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from benchmark_figures import figures_of
from hostile import copied, files_of, fuzz, run, spoil
from hypothesis import given
from hypothesis import strategies as st

from ninefold.models import registry
from ninefold.models.fake import FakeModel
from ninefold.training import train
from ninefold.training.trainer import AnswerTrainer

FIT = train._fit
"""The training itself, which other tests stop."""


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "_fit", FIT)


def evaluate(data: Path) -> list[object]:
    return ["evaluate", "--model", "first-option", "--data", data, "--limit", "12"]


def tune(model: Path, data: Path) -> list[object]:
    splits = ["--train-split", "test", "--validation-split", "test"]
    steps = ["--limit", "4", "--batch", "4", "--epochs", "2", "--checkpoint-steps", "1"]
    return ["train", "--model", model, "--data", data, *splits, *steps]


@pytest.fixture(scope="module")
def evaluations(made: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A finished evaluation with figures of a benchmark, and one that was interrupted after five answers."""
    folder = tmp_path_factory.mktemp("fuzz")
    answers: Iterator[int] = iter(range(5))

    def first(row: object) -> str:
        if next(answers, None) is None:
            raise KeyboardInterrupt
        return row.options[0]

    for name, answer in (("interrupted", first), ("finished", lambda row: row.options[0])):
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(registry.REGISTERED, "first-option", lambda spec, answer=answer: FakeModel(answer))
            run_quietly(*evaluate(made), "--out", folder / name)
    assert (folder / "interrupted" / "predictions.jsonl").exists() and (folder / "finished" / "metrics.json").exists()
    metrics = folder / "finished" / "metrics.json"
    metrics.write_text(json.dumps({**json.loads(metrics.read_text()), "benchmark": figures_of("3dsrbench", "3D", 0.5)}))
    return [folder / "finished", folder / "interrupted"]


@pytest.fixture(scope="module")
def trainings(made: Path, tiny_llava: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A finished training, and one that was interrupted in its second epoch."""
    folder = tmp_path_factory.mktemp("fuzz")
    step = AnswerTrainer.training_step

    def interrupted(self: AnswerTrainer, *arguments: object, **options: object) -> object:
        if self.state.global_step == 1:
            raise KeyboardInterrupt
        return step(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "_fit", FIT)
        run_quietly(*tune(tiny_llava, made), "--out", folder / "finished")
        patch.setattr(AnswerTrainer, "training_step", interrupted)
        run_quietly(*tune(tiny_llava, made), "--out", folder / "interrupted")
    assert [*folder.glob("interrupted/checkpoints/checkpoint-1/*")] and (folder / "finished" / "metrics.json").exists()
    return [folder / "finished", folder / "interrupted"]


def run_quietly(*arguments: object) -> None:
    """Run a command whose interruption is wanted."""
    from ninefold.cli import main

    with suppress(SystemExit):
        main([str(argument) for argument in arguments])


@fuzz(8)
@given(data=st.data())
def test_evaluations(evaluations: list[Path], made: Path, tmp_path: Path, data: st.DataObject) -> None:
    with copied(data.draw(st.sampled_from(evaluations)), to=tmp_path / "one") as [folder]:
        about = spoil(data.draw(st.sampled_from(files_of(folder))), data)
        page = ["report", folder, "--out", folder.parent / "page.html"]
        commands = [["score", folder], page, [*evaluate(made), "--out", folder], page]
        for command in commands[data.draw(st.integers(0, 1)) :]:
            run(*command, about=about)


@fuzz(3)
@given(data=st.data())
def test_trainings(
    trainings: list[Path], training: None, made: Path, tiny_llava: Path, tmp_path: Path, data: st.DataObject
) -> None:
    with copied(data.draw(st.sampled_from(trainings)), to=tmp_path / "one") as [folder]:
        about = spoil(data.draw(st.sampled_from(files_of(folder))), data)
        page = ["report", folder, "--out", folder.parent / "page.html"]
        tuned = ["evaluate", "--model", tiny_llava, "--adapter", folder, "--data", made, "--limit", "2"]
        commands = [page, [*tune(tiny_llava, made), "--out", folder], [*tuned, "--out", folder.parent / "tuned"]]
        for command in data.draw(st.sampled_from([commands, commands[1:2], commands[2:]])):
            run(*command, about=about)
