import base64
import io
from collections import Counter

import numpy as np
from PIL import Image

from ninefold.report.gallery import gallery, thumbnail
from ninefold.report.test_sets import group, read_runs


def test_cells_take_turns_and_give_what_the_tuned_model_has_wrong_first(evaluation, answers):
    base, tuned = answers(0.5, per_cell=6), answers(1.0, per_cell=6)
    astray = tuned["id"].iloc[[10, 300]]
    tuned.loc[astray.index, "text"] = ["somewhere", "top left or center"]
    folders = [evaluation("base", base), evaluation("tuned", tuned, tuned=True)]
    (test_set,) = group(read_runs(folders)[0])
    shown = gallery(test_set, 100)
    assert {exhibit.id for exhibit in shown.exhibits[:2]} == set(astray)
    assert [answer.kind for answer in shown.exhibits[0].answers][1] in {"no label", "several labels"}
    wrong = [
        sum(2**k * (not answer.is_right) for k, answer in enumerate(exhibit.answers)) for exhibit in shown.exhibits
    ]
    assert wrong == sorted(wrong, reverse=True)
    assert Counter(Counter(exhibit.cell for exhibit in shown.exhibits).values()) == {1: 62, 2: 19}
    assert shown.total == 486
    assert gallery(test_set, 100) == shown
    assert len(gallery(test_set, 1000).exhibits) == 486


def test_pictures_of_another_data_set_are_not_shown(evaluation, answers, tmp_path):
    (test_set,) = group(read_runs([evaluation("base", answers(0.5), data_folder=tmp_path / "gone")])[0])
    shown = gallery(test_set, 10)
    assert shown.missing == f"the data set is no longer at {tmp_path / 'gone'}"
    assert all(exhibit.picture is None for exhibit in shown.exhibits)
    # A set without boxes frames the cell: one ninth of each side.
    row, col = shown.exhibits[0].cell
    assert np.allclose(shown.exhibits[0].frame, (100 * col / 9, 100 * row / 9, 100 / 9, 100 / 9))


def test_a_thumbnail_is_small_whatever_the_picture():
    noise = np.random.default_rng(0).integers(0, 256, (600, 900, 3), np.uint8)
    uri = thumbnail(Image.fromarray(noise))
    kind, _, content = uri.partition(",")
    assert kind == "data:image/webp;base64"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (160, 107)
    assert len(uri) < 16_000
