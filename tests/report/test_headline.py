import pytest

from ninefold.report.headline import _details, sentences
from ninefold.report.test_sets import group, read_runs


@pytest.fixture
def said(evaluation, answers):
    """What is said of runs, each a name and (model, set, skill, tuned by)."""

    def say(**runs: tuple[str, str, float, str | bool]) -> list[str]:
        folders = [
            evaluation(name, answers(skill), model=model, data=data, fingerprint=data, tuned=tuned)
            for name, (model, data, skill, tuned) in runs.items()
        ]
        return [sentence.replace("\u202f", " ") for sentence in sentences(group(read_runs(folders)[0]))]

    return say


def test_what_rose_what_fell_and_what_is_not_clear(said):
    assert said(
        a=("nano", "scenes", 0.4, False), b=("nano", "scenes", 1.0, True),
        c=("nano", "photos", 0.9, False), d=("nano", "photos", 0.4, True),
        e=("nano", "clips", 0.5, False), f=("nano", "clips", 0.51, True),
    ) == [
        "After fine-tuning, accuracy rose from 40 % to 100 % on scenes (324 questions); it fell from 90 % to 40 % on"
        " photos (324 questions); it moved without clear change from 50 % to 51 % on clips (324 questions)."
    ]  # fmt: skip


def test_several_tuned_models_and_several_bases(said):
    assert said(
        a=("nano", "scenes", 0.4, False), b=("nano", "scenes", 0.8, "one"), c=("nano", "scenes", 1.0, "two"),
        d=("other", "scenes", 0.2, False), e=("other", "scenes", 0.9, True),
    ) == [
        "After fine-tuning, the accuracy of nano rose from 40 % to between 80 % and 100 % on scenes"
        " (324 questions, in 2 tuned models).",
        "After fine-tuning, the accuracy of other rose from 20 % to 90 % on scenes (324 questions).",
    ]  # fmt: skip


def test_a_part_of_a_set_says_its_number_once():
    assert _details("test", 486) == " (486 questions)"
    assert _details("test", 486, "in 2 tuned models") == " (486 questions, in 2 tuned models)"
    assert _details("first 486 of test", 486, "in 2 tuned models") == " (in 2 tuned models)"
    assert _details("486 of test", 486) == ""
