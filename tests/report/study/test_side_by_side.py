"""Questions that the models of a study answer most differently, side by side."""

import shutil

import numpy as np

from ninefold.report.study.results import StudyResults
from ninefold.report.study.side_by_side import shown
from ninefold.web.thumbnails import Pictures


def test_each_test_shows_where_models_differ_with_the_seeds_that_are_right(results):
    pictures = Pictures()
    synthetic, coco = shown(results, pictures)
    assert (synthetic.test, coco.test) == ("Synthetic", "COCO")
    assert len(synthetic.examples) == len(coco.examples) == 6 and synthetic.missing == ""
    # Of 11 questions, the first 5 to 11 are right; most runs differ on those in the middle.
    first = synthetic.examples[0]
    answers = {answer.name: answer for answer in first.answers}
    assert list(answers) == [
        "Qwen2-VL, base", "Qwen2-VL, Synthetic", "Qwen2-VL, 9 & more", "nano-molmo, base", "nano-molmo, Synthetic",
    ]  # fmt: skip
    assert answers["Qwen2-VL, Synthetic"].note == "2 of 2 seeds" and answers["Qwen2-VL, base"].note == ""
    right = [answer.is_right for answer in first.answers]
    assert 1 < sum(right) < 5 and all(answer.text == first.answer for answer in first.answers if answer.is_right)
    assert len(pictures.thumbnails) == 12 and None not in {one.picture for one in coco.examples}
    spread = [np.var([answer.is_right for answer in one.answers]) for one in synthetic.examples]
    assert spread[0] == max(spread)


def test_a_study_whose_data_is_gone_shows_the_answers_and_says_so(study, tmp_path):
    folder = shutil.copytree(study, tmp_path / "study")
    for run in folder.glob("runs/*/provenance.json"):
        run.write_text(run.read_text().replace(str(study), str(tmp_path / "elsewhere")))
    shutil.rmtree(folder / "data" / "coco")
    synthetic, coco = shown(StudyResults.read(folder), Pictures())
    assert synthetic.missing == "" and coco.missing == f"the data set is no longer at {folder / 'data' / 'coco'}"
    assert len(coco.examples) == 6 and {one.picture for one in coco.examples} == {None}
