"""Every fuzz test fails for the faults that it counted; the long form prints them and the figures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import review_set
from hostile import INPUTS, TALLY

from ninefold.captions.review.review import Review
from ninefold.captions.review.verdicts import CHOICES
from ninefold.cli import main
from ninefold.errors import RunError
from ninefold.models import registry
from ninefold.models.fake import FakeModel


@pytest.fixture(autouse=True)
def no_faults() -> Iterator[None]:
    before = sum(TALLY.faults.values())
    yield
    assert sum(TALLY.faults.values()) == before, "see the faults below"


@pytest.fixture(autouse=True)
def first_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registered model that answers with the first option; and pages without figures, which take longest."""
    monkeypatch.setitem(registry.REGISTERED, "first-option", lambda spec: FakeModel(lambda row: row.options[0]))
    monkeypatch.setattr("ninefold.report.page._figures", lambda sections, losses: {})


@pytest.fixture
def without_long_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that end where long work would begin."""

    def stop(*arguments: object, **options: object) -> None:
        raise RunError("stopped by the test")

    monkeypatch.setattr("ninefold.nano.photos.track", lambda numbers, *about, **options: numbers[:2])
    monkeypatch.setattr("webbrowser.open", stop)
    for name in (
        "captions.review.server.Page.serve",
        "studies.demo.run",
        "nano.pretraining.pretraining",
        "training.train._fit",
    ):
        monkeypatch.setattr(f"ninefold.{name}", stop)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 432 drawn images with a test split."""
    folder = tmp_path_factory.mktemp("fuzz") / "made"
    question = ["--question", "color", "--grid", "3", "--canvas", "36"]
    main(["data", "synthetic", "--split", "test", *question, "--out", str(folder)])
    return folder


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of pairs from captions with a review by two judges."""
    folder = tmp_path_factory.mktemp("fuzz") / "pairs"
    review_set.make(folder, [review_set.row(number, name) for number, name in enumerate(["left", "on", "on"])])
    review = Review.open(folder)
    for judge in ("ann", "bob"):
        for at in range(3):
            review.judge(judge, at, CHOICES[at], "odd", 1.0)
    return folder


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two photos with their annotations in COCO's format."""
    folder = tmp_path_factory.mktemp("fuzz") / "world"
    main(["nano", "world", "--pictures", "2", "--out", str(folder)])
    return folder


@pytest.fixture(scope="session")
def photos(world: Path) -> Path:
    """A data set of the questions about these photos."""
    folder = world.parent / "photos"
    annotations, images = world / "annotations.json", world / "images"
    main(["data", "coco", "--annotations", str(annotations), "--images", str(images), "--out", str(folder)])
    return folder


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not INPUTS:
        return
    write = terminalreporter.write_line
    write(f"{TALLY.inputs:,} inputs, {sum(TALLY.codes.values()):,} commands, by exit code: {dict(TALLY.codes)}")
    write(f"{sum(TALLY.faults.values()):,} faults of {len(TALLY.faults)} kinds")
    for kind, number in TALLY.faults.most_common():
        write(f"--- {number} x {kind}; the first:\n{TALLY.first[kind]}")
