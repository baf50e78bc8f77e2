import subprocess
import sys
from pathlib import Path

import pytest

import ninefold
from ninefold import specs

NAMES = {
    "AdapterExportSpec",
    "Answer",
    "AnswerFormat",
    "CaptionsIn",
    "CaptionsSpec",
    "ChecksSpec",
    "CocoSpec",
    "Condition",
    "DataError",
    "Dataset",
    "DescriptionsSpec",
    "DesignError",
    "EvaluateSpec",
    "Example",
    "ExportSpec",
    "FactError",
    "Fitted",
    "FlawedSpec",
    "GeneralSpec",
    "Model",
    "ModelError",
    "ModelSpec",
    "NinefoldError",
    "Photos",
    "PluginError",
    "Prediction",
    "Probe",
    "ProbeSpec",
    "Question",
    "RealWorldQaSpec",
    "RelationsSpec",
    "RunError",
    "Scene",
    "Source",
    "Split",
    "Study",
    "StudyModel",
    "SyntheticSpec",
    "Test",
    "Thing",
    "ThreeDsrBenchSpec",
    "TrainSpec",
    "VsrSpec",
    "WhatsUpSpec",
    "WorldSpec",
    "__version__",
    "check_geometry",
    "demo",
    "evaluate",
    "export",
    "export_adapter",
    "leakage",
    "list_models",
    "load_model",
    "make",
    "merge_captions",
    "open_dataset",
    "overlap",
    "probe",
    "prompt",
    "register_engine",
    "register_format",
    "register_model",
    "register_question",
    "register_source",
    "report_study",
    "run_captions",
    "run_study",
    "score",
    "train",
    "verify",
    "write_report",
}
HEAVY = {"accelerate", "matplotlib", "numpy", "pandas", "peft", "pyarrow", "scipy", "torch", "transformers"}
LIBRARIES = HEAVY | {"datasets", "huggingface_hub", "jinja2", "PIL", "rich", "safetensors", "tokenizers", "tyro"}


def test_the_exported_names():
    assert set(ninefold.__all__) == NAMES
    assert len(ninefold.__all__) == len(NAMES)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_exported_name_resolves(name):
    assert getattr(ninefold, name) is not None
    assert name in dir(ninefold)
    assert not hasattr(sys.modules.get(f"ninefold.{name}"), "__path__"), "a package of this name would hide it"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="evaluat'"):
        _ = ninefold.evaluat


def test_type_checkers_know_every_name(tmp_path):
    pytest.importorskip("mypy")
    use = tmp_path / "use.py"
    lines = [f"from ninefold import {name}" for name in sorted(NAMES)]
    use.write_text(
        "\n".join([*lines, "reveal_type(train)", "reveal_type(Example)", "import ninefold", "ninefold.nothing"])
    )
    # Reading the types of large libraries would take three quarters of the time.
    config = tmp_path / "mypy.ini"
    config.write_text(
        f"[mypy]\nstrict = True\nfollow_imports = silent\n[mypy-{','.join(f'{name}.*' for name in LIBRARIES)}]\n"
        "follow_imports = skip\nignore_missing_imports = True\n"
    )
    mypy = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", config, "--cache-dir", tmp_path / "cache", use],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(ninefold.__file__).parents[2],
    )
    said = mypy.stdout
    assert "def (spec: ninefold.training.spec.TrainSpec, out: str | pathlib.Path, *, overwrite: bool =" in said
    assert 'has no attribute "nothing"' in said
    assert said.count("error:") == 1


@pytest.mark.parametrize(
    "script",
    [
        "import ninefold",
        "import ninefold; ninefold.train, ninefold.SyntheticSpec, ninefold.TrainSpec, ninefold.EvaluateSpec",
        "from ninefold.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass",
        "from ninefold.cli import main\ntry:\n    main(['data', 'synthetic', '--help'])\nexcept SystemExit:\n    pass",
    ],
)
def test_nothing_heavy_is_imported(script):
    script = f"import sys\n{script}\nprint('HEAVY', sorted({HEAVY!r} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.endswith("HEAVY []\n")


def test_paths_may_be_strings():
    model = ninefold.ModelSpec("nano", adapter="runs/tuning")
    spec = specs.with_paths(ninefold.EvaluateSpec(model=model, data="data/a"))
    assert spec == ninefold.EvaluateSpec(ninefold.ModelSpec("nano", adapter=Path("runs/tuning")), Path("data/a"))
    training = specs.with_paths(ninefold.TrainSpec(ninefold.ModelSpec("nano"), data=("data/a", Path("data/b"))))
    assert training.data == (Path("data/a"), Path("data/b"))
    assert training.features_folder is None


def test_a_report_is_a_file(tmp_path):
    with pytest.raises(ninefold.RunError, match="is a folder; name the HTML file"):
        ninefold.write_report([tmp_path], tmp_path)
    with pytest.raises(ninefold.RunError, match="not a run"):
        ninefold.write_report(str(tmp_path), tmp_path / "report.html")
