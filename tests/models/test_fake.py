from ninefold.models.fake import FakeModel
from ninefold.models.protocol import Model
from ninefold.types import Example, Prediction

EXAMPLES = [
    Example(f"e{i}", b"", "q", "p", ("center", "top left"), answer) for i, answer in enumerate(["center", "top left"])
]


def test_answers_by_script_in_the_order_asked():
    model: Model = FakeModel(lambda example: f"{example.id} is at the {example.answer}")
    assert model.predict(EXAMPLES[::-1]) == [
        Prediction("e1", "e1 is at the top left"),
        Prediction("e0", "e0 is at the center"),
    ]


def test_words_past_the_limit_are_cut():
    model = FakeModel(lambda example: "one two  three")
    assert model.predict(EXAMPLES[:1], max_new_tokens=2) == [Prediction("e0", "one two", truncated=True)]
    assert model.predict(EXAMPLES[:1], max_new_tokens=4) == [Prediction("e0", "one two  three")]


def test_scores_the_option_it_would_say():
    assert FakeModel(lambda example: example.answer).choice_scores(EXAMPLES) == [(0, -1), (-1, 0)]


def test_says_what_it_is():
    assert FakeModel(str, name="tuned", adapter="abc").identity == {"name": "tuned", "adapter": "abc"}
