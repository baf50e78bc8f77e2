import re
from pathlib import Path

import pytest

from ninefold import store
from ninefold.errors import RunError
from ninefold.runs import layout
from ninefold.runs.folder import is_finished, is_run_of, open_run
from ninefold.runs.outcome import changes, run_id
from ninefold.runs.records import State, Status


def test_a_run_goes_on_with_its_own_specification_only(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert open_run(run, {"model": "nano", "seed": 0}) is False
    assert open_run(run, {"seed": 0, "model": "nano"}) is False
    (run / layout.PREDICTIONS_LINES).write_text("{}\n")
    with pytest.raises(RunError, match=r"other settings \(seed 0, asked 1\); .*--overwrite"):
        open_run(run, {"model": "nano", "seed": 1})
    Status("done").write(run)
    assert open_run(run, {"model": "nano", "seed": 0}) is True


def test_a_run_is_found_under_other_names_of_the_same_content(tmp_path: Path) -> None:
    def spec(model: str, data: str, **changed: object) -> dict[str, object]:
        return {
            "model": {"name": model, "checkpoint": "c0ffee", "adapter": None},
            "data": {"name": data, "split": "test", "fingerprint": "f00d"},
        } | changed

    open_run(tmp_path, spec("a", "b"))
    Status("done").write(tmp_path)
    assert is_finished(tmp_path, spec("c", "d"))
    # What is recorded stays.
    assert store.read_json(tmp_path / layout.SPEC)["data"]["name"] == "b"
    (tmp_path / layout.METRICS).write_text("{}")
    with pytest.raises(RunError, match=r"other settings \(seed none, asked 1\)"):
        open_run(tmp_path, spec("c", "d", seed=1))
    # A served model is known by its name alone, and a split of training by its place.
    for one, other in (
        ({"model": {"name": "openai:a", "adapter": None}}, {"model": {"name": "openai:b", "adapter": None}}),
        ({"data": [{"name": "a", "train": ["t", "1"]}]}, {"data": [{"name": "a", "train": ["t", "2"]}]}),
    ):
        assert run_id(one) != run_id(other)
    assert run_id({"data": [{"name": "a", "train": ["t", "1"]}]}) == run_id(
        {"data": [{"name": "b", "train": ["t", "1"]}]}
    )


def test_a_run_of_an_earlier_version_which_hashed_names_is_found(tmp_path: Path) -> None:
    spec = {"data": {"name": "a", "fingerprint": "f00d"}}
    store.write_json(tmp_path / layout.SPEC, {"id": store.content_id(spec), **spec})
    assert store.content_id(spec) != run_id(spec) and is_run_of(tmp_path, spec)


def test_a_run_that_an_earlier_version_finished_is_done(tmp_path: Path) -> None:
    open_run(tmp_path, {"a": 1})
    assert Status.read(tmp_path).state == "planned"
    store.write_json(tmp_path / layout.DONE, {"done": True})
    assert is_finished(tmp_path, {"a": 1}) and not is_finished(tmp_path, {"a": 2})


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(RunError, match="not a run"):
        open_run(tmp_path, {})


def test_a_run_cut_off_before_its_specification_was_whole_can_begin(tmp_path: Path) -> None:
    (tmp_path / ".spec.json.x1y2").write_text("{")
    assert open_run(tmp_path, {"a": 1}) is False
    assert store.read_json(tmp_path / "spec.json")["a"] == 1


@pytest.mark.parametrize("state", ["planned", "running", "failed", "done"])
def test_a_run_without_any_result_gives_its_folder_to_another(tmp_path: Path, state: State) -> None:
    open_run(tmp_path, {"a": 1})
    Status(state).write(tmp_path)
    # A file of answers that was begun, and a plan of memory, are no results.
    (tmp_path / layout.PREDICTIONS_LINES).write_text("")
    store.write_json(tmp_path / layout.CHECKPOINTS / layout.PLAN, {})
    open_run(tmp_path, {"a": 2})
    assert {path.name for path in tmp_path.iterdir()} == {layout.SPEC}
    assert store.read_json(tmp_path / "spec.json")["a"] == 2
    Status(state).write(tmp_path)
    (tmp_path / layout.PREDICTIONS_LINES).write_text("{}\n")
    with pytest.raises(RunError, match=r"other settings \(a 2, asked 1\)"):
        open_run(tmp_path, {"a": 1})


def test_a_run_is_replaced_where_that_is_asked_for_and_nothing_else_ever(tmp_path: Path) -> None:
    run = tmp_path / "run"
    open_run(run, {"kind": "training", "a": 1})
    for name in (f"{layout.ADAPTER}/{layout.ADAPTER_WEIGHTS}", f"{layout.CHECKPOINTS}/checkpoint-1/rng.pth", ".lock"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("")
    with pytest.raises(RunError, match=r"another kind \(training, asked evaluation\)"):
        open_run(run, {"kind": "evaluation", "a": 1}, overwrite=True)
    for name in ("notes.txt", f"{layout.ADAPTER}/notes.txt", f"{layout.MODEL}/.git"):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text("")
        with pytest.raises(RunError, match=rf"{name}: is not of the run around it, and would be lost"):
            open_run(run, {"kind": "training", "a": 2}, overwrite=True)
        (run / name).unlink()
    open_run(run, {"kind": "training", "a": 2}, overwrite=True)
    assert {path.name for path in run.iterdir()} == {layout.SPEC, layout.LOCK}


def test_a_specification_that_was_edited_is_refused(tmp_path: Path) -> None:
    open_run(tmp_path, {"a": 1})
    store.write_json(tmp_path / layout.SPEC, store.read_json(tmp_path / layout.SPEC) | {"a": 2})
    for spec in ({"a": 1}, {"a": 2}):
        with pytest.raises(RunError, match=r"spec\.json: was edited"):
            open_run(tmp_path, spec)


def test_a_run_whose_results_are_gone_is_not_finished(tmp_path: Path) -> None:
    evaluation = {"kind": "evaluation"}
    open_run(tmp_path / "e", evaluation)
    Status("done").write(tmp_path / "e")
    assert not is_finished(tmp_path / "e", evaluation) and not open_run(tmp_path / "e", evaluation)
    (tmp_path / "e" / layout.PREDICTIONS).write_text("")
    assert is_finished(tmp_path / "e", evaluation)
    for lora, result in (({"rank": 8}, f"{layout.ADAPTER}/{layout.ADAPTER_WEIGHTS}"), (None, layout.MODEL)):
        run, training = tmp_path / str(lora), {"kind": "training", "lora": lora}
        open_run(run, training)
        Status("done").write(run)
        store.write_json(run / layout.METRICS, {})
        assert not is_finished(run, training)
        (run / result).parent.mkdir(exist_ok=True)
        (run / result).mkdir()
        assert is_finished(run, training)
        (run / layout.METRICS).unlink()
        assert not is_finished(run, training)


@pytest.mark.parametrize("text", ["[]", "null", "{}"])
@pytest.mark.parametrize("name", [layout.SPEC, layout.STATUS])
def test_a_broken_file_of_a_run_is_named(tmp_path: Path, name: str, text: str) -> None:
    open_run(tmp_path, {"a": 1})
    (tmp_path / name).write_text(text)
    with pytest.raises(RunError) as caught:
        open_run(tmp_path, {"a": 1})
        is_finished(tmp_path, {"a": 1})
    assert str(caught.value).startswith(f"{tmp_path / name}: ") and "\n" not in str(caught.value)


def test_other_settings_are_told_by_the_names_of_options_and_of_what_has_one() -> None:
    model = {"name": "nano", "family": "llava", "checkpoint": "a" * 32, "adapter": None, "dtype": "float32"}
    data = {"name": "test", "split": "test", "fingerprint": "b" * 12, "limit": None}
    spec = {"kind": "evaluation", "model": model, "data": data, "max_new_tokens": 15}
    assert changes(spec, spec | {"max_new_tokens": 9, "data": data | {"limit": 5}}) == (
        "limit none, asked 5; max-new-tokens 15, asked 9"
    )
    clip = model | {"name": "nano-clip", "checkpoint": "c" * 32, "pictures": "squeezed", "texts": "both"}
    assert changes(spec, spec | {"model": clip}) == "model nano, asked nano-clip"
    molmo = model | {"name": "nano-molmo", "family": "molmo", "checkpoint": "c" * 32}
    assert changes(spec, spec | {"model": molmo}) == "model nano, asked nano-molmo"
    assert changes(spec, spec | {"model": model | {"adapter": "d" * 32}}) == "adapter none, asked an adapter"
    assert re.fullmatch(
        r"data test \(\w{8}\), asked test \(\w{8}\)", changes(spec, spec | {"data": data | {"fingerprint": "e" * 12}})
    )
    assert changes(spec, spec | {"model": model | {"name": "other"}}) == ""
    training = {"model": model, "data": [{"name": "one", "train": ["train", "f"]}], "lora": {"rank": 32}}
    assert changes(training, training | {"data": [{"name": "two", "train": ["train", "g"]}]}) == "data one, asked two"
    assert changes(training, training | {"lora": None}) == "method lora, asked full; rank 32, asked none"
