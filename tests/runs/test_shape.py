"""Files of a run that were edited: what is read again is of the type that ninefold writes, or named."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from ninefold.errors import RunError
from ninefold.runs.record import read_part
from ninefold.runs.records import Provenance, Status
from ninefold.runs.shape import Epoch, ImageInputs, Measure, misfit

SEES: dict[str, Any] = {
    "settings": {"size": 252},
    "pictures": [
        {
            "picture": [96, 96], "examples": 12, "pixels": None, "tiles": 1, "share": 1, "image_tokens": 196,
            "prompt_tokens": [242, 242],
        }
    ],
    "others": None,
}  # fmt: skip
EPOCHS = [{"epoch": 1, "step": 2, "train_loss": 0.5, "validation_loss": 1.0, "learning_rate": 1e-3}]


def edits(value: Any) -> list[tuple[str, Any]]:
    """Return a copy of a JSON value for each of its entries, with that entry of another type or gone."""
    made: list[tuple[str, Any]] = []

    def walk(path: list[Any], part: Any) -> None:
        entries = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        for key, inner in entries:
            for wrong in ("gone", [[]], "x", True, -1.5):
                if type(wrong) is type(inner) or (wrong == -1.5 and type(inner) is int and key == "share"):
                    continue
                copy = json.loads(json.dumps(value))
                there = copy
                for step in path:
                    there = there[step]
                if wrong != "gone":
                    there[key] = wrong
                elif isinstance(there, dict):
                    del there[key]
                made.append((".".join(map(str, [*path, key])), copy))
            walk([*path, key], inner)

    walk([], value)
    return made


@pytest.mark.parametrize(("value", "shape"), [(SEES, ImageInputs), (EPOCHS, Sequence[Epoch])])
def test_every_edit_is_seen(value: Any, shape: Any) -> None:
    assert misfit(value, shape) is None
    seen = [(path, misfit(copy, shape)) for path, copy in edits(value) if copy != value]
    # The settings of an image processor are its own.
    missed = {path for path, wrong in seen if wrong is None and not path.startswith("settings.")}
    assert missed == set() and len(seen) > 20


def test_types_are_read_as_written() -> None:
    assert misfit({"a": [1, 2.5]}, dict[str, list[float]]) is None
    assert misfit({"a": [1, None]}, dict[str, list[float]]) == "a[1]"
    assert misfit("x", Literal["x", "y"]) is None and misfit("z", Literal["x", "y"], "state") == "state"
    assert misfit(True, int, "n") == "n" and misfit(1, bool, "b") == "b"
    assert misfit({"pictures": 1}, ImageInputs | None, "sees") in ("sees.settings", "sees.pictures")


@pytest.mark.parametrize(
    "text", ["[]", "null", "3", '"x"', "{", "", "[" * 9999, '{"peak_memory_mib": 3}', '{"data": {}}']
)
def test_a_broken_file_is_one_line_that_names_it(tmp_path: Path, text: str) -> None:
    for name, read in (
        ("provenance.json", Provenance.read),
        ("status.json", Status.read),
        ("sees.json", lambda folder: read_part(folder / "sees.json", ImageInputs)),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(RunError) as caught:
            read(tmp_path)
        assert str(caught.value).startswith(f"{tmp_path / name}: ") and "\n" not in str(caught.value)


def test_an_entry_may_be_left_out_but_not_be_of_another_type():
    figure = {"n": 14, "value": 1467.9, "ci95": None}
    assert misfit(figure, Measure) is misfit({**figure, "most": 2000}, Measure) is None
    assert misfit({**figure, "most": "2000"}, Measure) == "most" and misfit({"n": 14, "value": 1.0}, Measure) == "ci95"
