"""Reviews whose files were edited, cut or replaced, and verdicts of any content: an answer, or one line."""

from pathlib import Path

from hostile import attempt, check, copied, files_of, fuzz, run, spoil
from hypothesis import given
from hypothesis import strategies as st

from ninefold.captions.review.review import Review


@fuzz(8)
@given(data=st.data())
def test_reviews(judged: Path, tmp_path: Path, data: st.DataObject) -> None:
    with copied(judged, to=tmp_path / "one") as [folder]:
        own = [path for path in files_of(folder) if path.name == "captions.parquet" or path.parent.name == "review"]
        about = spoil(data.draw(st.sampled_from(own * 3 + files_of(folder))), data)
        code, said = run("captions", "review", folder, "--summary", "--export", folder.parent / "v.csv", about=about)
        check(code == 0 or str(folder) in said, "names the place", f"{about}\n{said}")
        review = attempt(lambda: Review.open(folder), about) if code == 0 else None
        if review is not None:
            # The page shows each pair, and what is judged now is read again.
            for at in range(len(review)):
                attempt(lambda at=at: (review.shown(at), review.image(at)), about)
            saved = attempt(lambda: (review.judge("ann", 0, "skip"), review.verdicts("ann"))[1], about)
            check(saved is None or saved[0].verdict == "skip", "read again", about)
