from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_server import ChatServer, serving
from endpoint_examples import EXAMPLES, sees

from ninefold.data.format import dataset
from ninefold.data.format.card import About


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NINEFOLD_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(ChatServer(sees)) as script:
        yield script


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "eighteen"
    dataset.write(folder, {"test": EXAMPLES}, about=About("t", "d", {}))
    return folder
