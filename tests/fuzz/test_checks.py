"""Sets of pairs, lists of words and sentence encoders changed at random: counts, verdicts, or one line of error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile import attempt, check, copied, files_of, fuzz, spoil
from hypothesis import given
from hypothesis import strategies as st
from pair_sets import save
from tiny import save_tiny_bert

from ninefold.captions.caption import Caption
from ninefold.captions.checks.chain import Chain
from ninefold.captions.checks.models import identities
from ninefold.captions.pair import Pair
from ninefold.captions.spec import ChecksSpec
from ninefold.captions.statistics import tables
from ninefold.captions.statistics.reading import read
from ninefold.errors import DataError, system_error

QUESTIONS = ("Where is the cup?", "Where is the cup in the image?", "What does the text say of it?", "What is on it?")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(save(tmp_path_factory.mktemp("fuzz") / "pairs"))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "models"
    save_tiny_bert(folder / "bert")
    (folder / "words.txt").write_text("# own\nsay of\n")
    return folder


def with_system_errors(function: Callable[[], Any]) -> Any:
    """Call a function; an error of the operating system is told as the command line tells it."""
    try:
        return function()
    except OSError as error:
        raise DataError(str(system_error(error))) from error


@fuzz(10)
@given(data=st.data())
def test_statistics(pairs: Path, tmp_path: Path, data: st.DataObject) -> None:
    with copied(pairs, to=tmp_path / "one") as [folder]:
        about = spoil(data.draw(st.sampled_from(files_of(folder))), data)
        found = attempt(lambda: with_system_errors(lambda: read(folder)), about)
        if found is not None:
            check("Table 11" in tables.text([found], "all"), "all that can be read has tables", about)


@fuzz(10)
@given(data=st.data())
def test_checks(models: Path, tmp_path: Path, data: st.DataObject) -> None:
    with copied(models, to=tmp_path / "one") as [folder]:
        about = spoil(data.draw(st.sampled_from(files_of(folder))), data)
        spec = ChecksSpec(embedding_model=str(folder / "bert"), reference_words=folder / "words.txt")
        attempt(lambda: with_system_errors(lambda: identities(spec)), about)
        items = [(Caption("a", "A cup is on a table."), [Pair(question, "a cup", "on") for question in QUESTIONS])]
        found = attempt(lambda: with_system_errors(lambda: list(Chain(spec).run(items))), about)
        check(found is None or len(found[0][1]) == len(QUESTIONS), "each pair has a verdict", about)
