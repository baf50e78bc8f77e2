"""What a run saw: a row for each size, without decoding a picture; and adapters that were trained on other pictures."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from ninefold.errors import DataError, ModelError
from ninefold.models import image_inputs
from ninefold.models.fake import FakeModel
from ninefold.runs import layout
from ninefold.types import Example


def photo(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


def asked(number: int, size: tuple[int, int], prompt: str = "Where is it?") -> Example:
    return Example(str(number), photo(*size), prompt, prompt, (), "center")


def record(examples: Sequence[Example]) -> dict:
    watch = image_inputs.Watch(FakeModel(str))
    assert list(watch.through(examples)) == list(examples)
    found = watch.record()
    assert found is not None
    return found


def test_a_row_for_each_size_with_the_shortest_and_the_longest_prompt() -> None:
    prompts = ["Where is it?", "Where is the big red ball?", "Where?"]
    assert record([asked(n, (64, 48), prompts[n % 3]) for n in range(5)] + [asked(9, (30, 30))]) == {
        "settings": {"size": "as it is"},
        "pictures": [
            {
                "picture": [64, 48], "examples": 5,
                "pixels": [64, 48], "tiles": 1, "share": 1.0, "image_tokens": 1, "prompt_tokens": [2, 7],
            },
            {
                "picture": [30, 30], "examples": 1,
                "pixels": [30, 30], "tiles": 1, "share": 1.0, "image_tokens": 1, "prompt_tokens": [4, 4],
            },
        ],
        "others": None,
    }  # fmt: skip


def test_of_many_sizes_the_most_frequent_the_smallest_and_the_largest_are_told() -> None:
    sizes = [(100, side) for side in range(51, 100)] + [(100, 70), (100, 80), (100, 80)]
    found = record([asked(number, size) for number, size in enumerate(sizes)])
    told = [row["picture"][1] for row in found["pictures"]]
    assert told == [80, 70, *range(51, 70), 71, 72, 99]
    assert found["others"] == {"sizes": 25, "examples": 25}


def test_of_very_many_prompts_the_shortest_and_the_longest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = [asked(n, (9 + n % 2, 9), "x " * ((7 * n) % 90)) for n in range(90)]
    known = record(examples)
    monkeypatch.setattr(image_inputs, "KEPT", 40)
    assert record(examples) == known
    watch = image_inputs.Watch(FakeModel(str))
    list(watch.through(examples))
    assert sum(map(len, watch._asked.values())) <= 64


def test_no_picture_is_decoded_and_a_broken_header_is_named() -> None:
    torn = photo(640, 480)[:100]
    assert record([Example("e1", torn, "?", "?", (), "center")])["pictures"][0]["picture"] == [640, 480]
    with pytest.raises(DataError, match="example e2: not readable as a picture"):
        record([Example("e2", b"no picture", "?", "?", (), "center")])


def test_what_only_a_server_knows_is_not_recorded() -> None:
    class Far(FakeModel):
        def image_input(self, example: Example) -> None:  # type: ignore[override]
            return None

    watch = image_inputs.Watch(Far(str))
    list(watch.through([asked(1, (9, 9))]))
    assert watch.record() is None


@pytest.mark.parametrize("given", ["run", "run/adapter"])
def test_an_adapter_trained_on_other_pictures_is_refused(tmp_path: Path, given: str) -> None:
    (tmp_path / "run" / "adapter").mkdir(parents=True)
    folder = tmp_path / given
    now = {"size": {"longest_edge": 100}, "resample": 3, "new_in_this_version": True}
    image_inputs.check_agreement(folder, now)  # nothing is known of it
    learned = {"size": {"longest_edge": 100}, "resample": 3, "gone_since": 1}
    (tmp_path / "run" / layout.SEES).write_text(json.dumps({"settings": learned}))
    image_inputs.check_agreement(folder, now)
    with pytest.raises(ModelError) as refusal:
        image_inputs.check_agreement(folder, now | {"size": {"longest_edge": 64}})
    assert str(refusal.value) == (
        f'{folder}: was trained on pictures prepared with size {{"longest_edge":100}}, and this model\'s has '
        '{"longest_edge":64}; use the base it was trained on'
    )
