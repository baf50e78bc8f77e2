import base64
import hashlib
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.data.format.dataset import Dataset
from ninefold.errors import RunError
from ninefold.report.figures import files
from ninefold.report.page import report
from ninefold.types import Example

PLANTED = "<script>alert('planted')</script>"


class Page(HTMLParser):
    """What a browser would see: the elements, their attributes and all text outside styles and scripts."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.cdata_elem == "script":
            self.scripts.append(data)
        elif self.cdata_elem is None:
            self.text += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for _, attrs in self.elements if name in (attrs.get("class") or "").split()]


@pytest.fixture
def photos(tmp_path, answers):
    """A data set of 162 pictures of noise, and the table of its examples."""
    random = np.random.default_rng(0)
    table = answers(1.0, per_cell=2, looks=("cat", PLANTED))
    keys = ["id", "question", "prompt", "answer", "answer_format", "group"]
    table["category"] = table["question"].str.removeprefix("Where is the ").str.removesuffix("?")
    rows = table.to_dict("records")

    def examples():
        for row in rows:
            path = tmp_path / "pictures" / f"{row['id'][-7:].replace('/', '-')}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(random.integers(0, 256, (90, 160, 3), np.uint8)).save(path)
            factors = {name: row[name] for name in ("cell_row", "cell_col", "region", "category")}
            core = {name: row[name] for name in keys} | {"prompt": f"{row['question']} {', '.join(row['options'])}"}
            yield Example(image=path.read_bytes(), options=tuple(row["options"]), factors=factors, **core)

    folder = tmp_path / "photos"
    dataset.write(folder, {"test": examples()}, about=About("Noise", "Noise.", {}))
    return folder, table


@pytest.fixture
def page(tmp_path, evaluation, training, answers, photos, monkeypatch):
    """A report of everything, with a script planted wherever a model or a file has a say."""
    save = files.save

    def quick(drawing, stem, **options):
        # Maps take longest to save, which is a test of their own.
        if not stem.name.endswith("-maps"):
            return save(drawing, stem, **options)
        for suffix in files.PAGE:
            stem.with_name(f"{stem.name}.{suffix}").touch()

    monkeypatch.setattr(files, "save", quick)
    folder, table = photos
    bad = answers(0.4, **{"scene": "{}"})
    bad.loc[bad.index[5], "text"] = PLANTED
    photo_runs = []
    for name, skill in (("photo-base", 0.3), ("photo-tuned", 0.6)):
        told = table.assign(text=[text if k % 10 < 10 * skill else "" for k, text in enumerate(table["text"])])
        where = {"data": PLANTED, "fingerprint": Dataset.open(folder).fingerprint("test"), "data_folder": folder}
        photo_runs.append(evaluation(name, told, tuned="tuned" in name, **where))
    runs = [
        evaluation("base", bad),
        evaluation("tuned", answers(1.0, scene="{}"), tuned=True),
        *photo_runs,
        training("<script>alert('planted')<"),
    ]
    out = tmp_path / "out" / "report.html"
    report(runs, out)
    return out


def test_the_whole_page(page):
    content = page.read_text()
    seen = Page(content)

    # Nothing planted becomes an element, and one script runs: ours, by its hash.
    assert "<script>alert" not in content
    assert content.count("&lt;script&gt;alert(&#39;planted&#39;)") > 10
    assert len(seen.scripts) == 1
    digest = base64.b64encode(hashlib.sha256(seen.scripts[0].encode()).digest()).decode()
    policy = next(attrs["content"] for tag, attrs in seen.elements if tag == "meta" and "http-equiv" in attrs)
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" == policy

    # A change has one p-value, with the name of its test: in the set's card and in its table.
    assert content.count("exact McNemar test") + content.count("exact sign-flip test") == 4

    # Nothing is loaded from anywhere.
    loaded = [attrs[key] for tag, attrs in seen.elements for key in ("src", "href") if key in attrs and tag != "a"]
    assert all(value.startswith(("data:", "#")) for value in loaded)
    assert not re.search(r"@import|url\((?!#)", content)
    assert "http://" not in content.replace("http://www.w3.org", "")
    assert page.stat().st_size < 6_000_000

    # The headline, the notice, the maps, the gallery, the certificate, the command.
    sentence = "After fine-tuning, accuracy rose from 40\u202f% to 100\u202f% on synthetic (324 questions) and from "
    assert seen.text.count(sentence) == 2  # the title and the heading
    assert "say nothing about any real model" in seen.text
    assert len(seen.all("map")) == 2 * 5
    assert len(seen.all("cell")) == 2 * 5 * 81
    # Every cell links to its examples, which are all on the page; each picture is embedded once.
    identifiers = [attrs["id"] for _, attrs in seen.elements if attrs.get("id")]
    assert len(identifiers) == len(set(identifiers))
    links = {attrs["href"] for attrs in seen.all("cell")}
    assert links == {f"#{attrs['id']}" for attrs in seen.all("panel")} and len(links) == 2 * 81
    assert len(seen.all("question")) == 324 + 162 + 4 * 12
    assert len(seen.all("thumb")) == 162 + 2 * 12
    pictures = [attrs for tag, attrs in seen.elements if tag == "image"]
    assert len(pictures) == 162 and all({"width", "height", "href"} <= attrs.keys() for attrs in pictures)
    anchors = {attrs["href"] for tag, attrs in seen.elements if (attrs.get("href") or "").startswith("#")}
    assert anchors - {"#closed"} <= {f"#{name}" for name in identifiers}
    assert "Where is the cat?" in seen.text
    assert "Some images are missing: the run does not say where its data set is" in seen.text
    assert "What is proven about each data set" in seen.text
    assert "ninefold evaluate --model nano" in seen.text
    assert "a census of its scenes" in seen.text
    assert "The ring marks the epoch kept, 3" in seen.text

    # The figures lie beside the page, under plain names.
    figures = sorted(path.name for path in (page.parent / "report-figures").iterdir())
    assert len(figures) == 2 * (1 + 2 * 2 + 1)
    assert all(re.fullmatch(r"[a-z0-9-]+\.(pdf|png)", name) for name in figures)


def test_a_base_alone_is_reported_as_what_it_is(html, evaluation, answers):
    table = answers(0.4).drop(columns=["cell_row", "cell_col", "region"])
    seen = Page(html(evaluation("base", table, model="Qwen/Qwen2-VL-7B-Instruct")))
    assert "Qwen/Qwen2-VL-7B-Instruct (base) answers 40\u202f% right on synthetic (324 questions)." in seen.text
    assert "real model" not in seen.text
    assert seen.all("map") == []
    assert "McNemar" not in seen.text


def test_the_page_says_which_accuracy_means_nothing(html, evaluation, answers):
    photos = evaluation(
        "photos", answers(0.4, per_cell=1, category="dining table"), data="photos", fingerprint="photos"
    )
    drawn = evaluation("drawn", answers(0.4, per_cell=1, scene="{}"), data="drawn", fingerprint="drawn")
    text = Page(html(photos, drawn)).text
    assert "photos. This accuracy means nothing: nano models can read only drawn pictures" in text
    assert text.count("means nothing:") == 1


def test_odd_texts_are_shown_whole_or_cut_with_a_count(html, evaluation, answers):
    table = answers(0.5)
    table.loc[:3, "text"] = ["x" * 1_000_000, "\x00\x1b[31m", "\n" * 10, "\u202eleft \N{SLIGHTLY SMILING FACE}"]
    page = html(evaluation("base", table))
    assert len(page) < 1_000_000
    assert "(1,000 of 1,000,000 characters)" in page
    assert r"\x00\x1b[31m" in page and "\x1b" not in page
    assert r"&#39;\n\n\n" in page
    assert "<bdi>\u202eleft \N{SLIGHTLY SMILING FACE}</bdi>" in page


def test_a_page_shows_a_bounded_number_of_answers_and_says_how_many_it_leaves_out(
    html, evaluation, answers, monkeypatch
):
    monkeypatch.setattr("ninefold.report.page.ANSWERS", 500)
    small = evaluation("small", answers(0.5, per_cell=1), data="small", fingerprint="small")
    large = [
        evaluation(f"large-{k}", answers(0.5, per_cell=8), data="large", fingerprint="large", tuned=k and f"run-{k}")
        for k in range(2)
    ]
    text = " ".join(Page(html(small, *large)).text.split())
    assert "This page holds all 81." in text
    # (500 - 81) // 2 examples of two answers each: two of each cell's eight, and three of a few.
    assert "This page holds 209 of all 648; the others are left out to keep it small." in text
    assert text.count("5 of them are not shown, to keep this page small.") == 47
    assert text.count("6 of them are not shown, to keep this page small.") == 34


def test_a_table_of_many_runs_is_divided(html, evaluation, answers):
    runs = [evaluation(f"run-{k}", answers(0.3 + 0.1 * k, per_cell=1), tuned=k and f"tuning-{k}") for k in range(6)]
    seen = Page(html(*runs))
    assert "By region (1 of 2)." in seen.text and "By region (2 of 2)." in seen.text
    columns = [int(attrs["style"].removeprefix("--columns:")) for tag, attrs in seen.elements if tag == "table"]
    assert max(columns) <= 11


def test_a_training_alone_is_reported(html, training):
    assert "it has not been evaluated yet" in html(training())


def test_a_report_replaces_reports_alone_and_loses_no_run(tmp_path, training, monkeypatch):
    runs = [training(name, model=name) for name in ("a", "b")]
    metrics = tmp_path / "a" / "metrics.json"
    thesis = tmp_path / "thesis.html"
    thesis.write_text("<h1>years of work</h1>")
    (tmp_path / "link.html").symlink_to(thesis)
    before = metrics.read_bytes()
    for out, why in (
        (metrics, "is an HTML file"),
        (thesis, "something else than a report"),
        (tmp_path / "link.html", "something else than a report"),
        (tmp_path / "a", "is a folder"),
    ):
        with pytest.raises(RunError, match=why):
            report(runs, out, overwrite=True)
    assert (metrics.read_bytes(), thesis.read_text()) == (before, "<h1>years of work</h1>")
    out, figure = tmp_path / "report.html", tmp_path / "report-figures" / "training-a.pdf"
    figure.parent.mkdir()
    figure.write_text("mine")
    with pytest.raises(RunError, match=r"training-a\.pdf: is no figure of a report"):
        report(runs[:1], out)
    assert not out.exists()
    figure.unlink()
    report(runs[:1], out)
    files.check(figure.parent, ["training-a"])
    monkeypatch.setattr(files, "save", lambda *_: None)
    report(runs[:1], out)
    report(runs, out)
    with pytest.raises(RunError, match=r"holds a report of other runs \(a not named now\).*--overwrite"):
        report(runs[1:], out)
    report(runs[1:], out, overwrite=True)


def test_a_report_that_was_edited_is_replaced_by_overwrite_alone(tmp_path, training):
    run, out = training(), tmp_path / "report.html"
    report([run], out)
    written = out.read_bytes()
    report([run], out)
    assert out.read_bytes() == written
    for edited in (
        written.replace(b"</body>", b"<p>my note</p></body>"),
        written + b"<p>my note</p>",
        written[: written.rindex(b"<!--")],
    ):
        out.write_bytes(edited)
        with pytest.raises(RunError, match=r"report\.html: was edited.*--overwrite"):
            report([run], out)
        assert out.read_bytes() == edited
    report([run], out, overwrite=True)
    assert out.read_bytes() == written
    figures = tmp_path / "report-figures"
    for figure in figures.iterdir():
        drawn = figure.read_bytes()
        figure.write_bytes(drawn.replace(files.MAKER.encode(), files.MAKER.encode() + b"!"))
        with pytest.raises(RunError, match=rf"{figure.name}: was edited.*--overwrite"):
            files.check(figures, ["training-tuning"])
        files.check(figures, ["training-tuning"], overwrite=True)
        figure.write_bytes(drawn)
    files.check(figures, ["training-tuning"])
    with Image.open(figures / "training-tuning.png") as image:
        image.load()
        assert len(image.text["sha256"]) == 64
