"""VLMEvalKit itself: its loader reads our table, and its scoring agrees with ours on a scripted model."""

from pathlib import Path

import tools

import ninefold
from ninefold import EvaluateSpec, ExportSpec, SyntheticSpec, images
from ninefold.models.fake import FakeModel

SCRIPT = """
import json, sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from unittest.mock import MagicMock

class Absent(ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return MagicMock()

class Finder:
    # The kit imports torchvision for other benchmarks; no build of it fits every torch.
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self, is_package=True) if name.split(".")[0] == "torchvision" else None

    def create_module(self, spec):
        return Absent(spec.name)

    def exec_module(self, module):
        pass

import transformers
sys.meta_path.append(Finder())
from vlmeval.dataset import build_dataset

name = sys.argv[1]
data = build_dataset(name)
asked = data.build_prompt(0)
rows = data.data.drop(columns="image")
rows["prediction"] = [f"A. {option}" for option in rows["A"]]
rows.to_excel(f"scripted_{name}.xlsx", index=False)
scores = data.evaluate(f"scripted_{name}.xlsx", model="exact_matching", nproc=1)
print(json.dumps([len(data), asked[0]["value"], asked[1]["value"], float(scores["Overall"][0])]))
"""


def test_it_reads_our_table_and_agrees_on_a_scripted_model(tmp_path):
    tools.python_of("vlmevalkit")
    data = ninefold.make(SyntheticSpec(split="train", canvas=90, subset=18), tmp_path / "data")
    ninefold.export(ExportSpec(data, "vlmevalkit", split="train"), tmp_path / "LMUData")
    place = {"LMUData": str(tmp_path / "LMUData")}
    found = tools.run("vlmevalkit", SCRIPT, "ninefold_data_train", cwd=tmp_path, variables=place)
    rows, image, prompt, accuracy = found
    model = FakeModel(lambda example: f"A. {example.options[0]}")
    ours = ninefold.evaluate(EvaluateSpec("fake", data, split="train"), tmp_path / "run", model=model)
    assert (rows, accuracy) == (18, ours["accuracy"])
    first = next(data.read("train"))
    assert prompt.startswith(f"Question: {first.question}\nOptions:\nA. {first.options[0]}\nB. {first.options[1]}\n")
    assert (images.open_rgb(Path(image)) == images.open_rgb(first.image)).all()
