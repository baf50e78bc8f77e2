import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from ninefold.errors import DesignError, ModelError, NinefoldError
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.spec import ModelSpec
from ninefold.specs import check_choices
from ninefold.training.spec import TrainSpec

NANO = ModelSpec("nano")


@dataclass(frozen=True)
class Spec:
    plain: str = "x"
    kind: Literal["a", "b"] = "a"
    perhaps: Literal["c"] | None = None
    free: Literal["d"] | str = "any"

    def __post_init__(self) -> None:
        check_choices(self)


def test_a_field_with_choices_holds_one_of_them():
    assert Spec("anything", "b", "c", "else").kind == "b"
    with pytest.raises(DesignError, match=r"--kind 'c': choose one of a, b$"):
        Spec(kind="c")
    with pytest.raises(DesignError, match="--kind None"):
        Spec(kind=None)
    with pytest.raises(DesignError, match=r"--kind \['a'\]"):
        Spec(kind=["a"])
    with pytest.raises(DesignError, match=r"--perhaps 'a': choose one of c$"):
        Spec(perhaps="a")


@pytest.mark.parametrize(
    "made",
    [
        lambda: TrainSpec(NANO, ("d",), method="x"),
        lambda: TrainSpec(NANO, ("d",), lora_scope="vision"),
        lambda: TrainSpec(NANO, ("d",), features="yes"),
        lambda: TrainSpec(NANO, ("d",), learning_rate=math.inf),
        lambda: TrainSpec(NANO, ("d",), weight_decay=math.nan),
        lambda: TrainSpec(NANO, ("d",), clip=math.inf),
        lambda: TrainSpec(NANO, (3,)),
        lambda: TrainSpec(None, ("d",)),
        lambda: EvaluateSpec(NANO, "d", scoring="x"),
        lambda: EvaluateSpec(NANO, "d", max_new_tokens=0),
        lambda: EvaluateSpec(NANO, None),
        lambda: EvaluateSpec(3, "d"),
        lambda: ModelSpec("nano", dtype="float8"),
    ],
)
def test_a_specification_of_nonsense_is_refused_in_one_line(made):
    with pytest.raises(NinefoldError) as caught:
        made()
    assert "\n" not in str(caught.value)


def test_a_model_may_be_its_name_and_data_a_folder_or_an_open_set():
    class Opened:
        folder = Path("d")

    assert EvaluateSpec("nano", Opened()) == EvaluateSpec(NANO, Path("d"))
    assert TrainSpec("nano", "d") == TrainSpec(NANO, (Path("d"),)) == TrainSpec(NANO, [Opened()])
    assert ModelSpec.of(Path("a/b")) == ModelSpec("a/b")
    with pytest.raises(ModelError, match="name it by a string"):
        ModelSpec.of(None)
