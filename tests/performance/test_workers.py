"""Workers answer line by line, say why they fail, and those of peers need nothing of ninefold."""

import ast
import sys
from pathlib import Path

import pytest
import workers

ECHO = """
import workers

def make(*, word):
    print("a library prints this")
    return lambda times: {"text": word * times}

workers.serve(make)
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PYTHONPATH", str(Path(workers.__file__).parent))
    path = tmp_path / "echo.py"
    path.write_text(ECHO)
    return str(path)


def test_a_worker_answers_each_question(script: str) -> None:
    worker = workers.Worker(script, {"word": "ab"}, python=sys.executable)
    answers = [worker.ask({"times": times}) for times in (1, 3)]
    worker.close()
    assert [answer["text"] for answer in answers] == ["ab", "ababab"]
    assert all(answer["peak"] > 1 for answer in answers)


def test_a_worker_that_fails_says_why(script: str) -> None:
    with pytest.raises(SystemExit, match="unexpected keyword argument 'sentence'"):
        workers.Worker(script, {"sentence": "ab"})


@pytest.mark.parametrize("name", ["workers", "trl_worker", "lmms_worker"])
def test_what_runs_in_a_peers_environment_imports_nothing_of_ninefold(name: str) -> None:
    tree = ast.parse(Path(workers.__file__).with_name(f"{name}.py").read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names} | {
        str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
    }
    assert not any(module.partition(".")[0] == "ninefold" for module in imported)
    ours = {path.stem for path in Path(workers.__file__).parent.glob("*.py")}
    assert imported & ours <= {"workers"}
