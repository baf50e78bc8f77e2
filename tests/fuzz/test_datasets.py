"""Data sets whose files were edited, cut or replaced: each command works, or says in one line what is wrong."""

from pathlib import Path

from hostile import check, copied, files_of, fuzz, run, spoil
from hypothesis import given
from hypothesis import strategies as st

FORMS = ["trl", "llava", "lmms-eval", "vlmevalkit", "webdataset"]


@fuzz(10)
@given(data=st.data())
def test_data_sets(
    made: Path, photos: Path, tiny_llava: Path, without_long_work: None, tmp_path: Path, data: st.DataObject
) -> None:
    good = data.draw(st.sampled_from([made, photos, photos, photos]))
    with copied(good, to=tmp_path / "one") as [folder]:
        out, model = folder.parent / "run", ["--model", "first-option", "--limit", "6"]
        reported = data.draw(st.integers(0, 3)) == 0
        if reported:
            run("evaluate", *model, "--data", folder, "--out", out)
        about = spoil(data.draw(st.sampled_from(files_of(folder))), data)
        splits = ["--train-split", "test", "--validation-split", "test"]
        training = ["train", "--model", tiny_llava, *splits, "--limit", "4"]
        commands = [
            ["report", out, "--out", folder.parent / "page.html"] if reported else ["data", "verify", folder],
            ["evaluate", *model, "--data", folder, "--out", out],
            ["data", "overlap", good, folder],
            ["export", folder, "--to", data.draw(st.sampled_from(FORMS)), "--out", folder.parent / "exported"],
            [*training, "--data", folder, "--out", folder.parent / "training"],
        ]
        for command in commands[: data.draw(st.sampled_from([2, 3, 4, 5]))]:
            code, said = run(*command, about=about)
            places = (str(folder), "example ", "row ", "stopped by the test")
            check(code == 0 or any(place in said for place in places), "names the place", f"{command} {about}\n{said}")
