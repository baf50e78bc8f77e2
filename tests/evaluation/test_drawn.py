"""What tells that all pictures of some questions are drawn, which nano models can read."""

from ninefold.evaluation.drawn import is_drawn


def test_things_that_are_colored_shapes_are_drawn_whatever_asks_about_them() -> None:
    assert is_drawn(["id", "scene"], {})
    assert is_drawn(["category"], {"category": ["red circle", "blue star"]})
    assert is_drawn(["subject", "object"], {"subject": ["red circle"], "object": ["white plus"]})
    assert not is_drawn(["subject", "object"], {"subject": ["red circle"], "object": ["dog"]})
    assert not is_drawn(["id"], {})
