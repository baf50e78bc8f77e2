import base64
import csv
import hashlib
import io
import json
import re
import shutil
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from ninefold import store
from ninefold.errors import RunError
from ninefold.report.figures import palette
from ninefold.report.study import provenance
from ninefold.report.study.page import write_page
from ninefold.space import LABELS
from ninefold.web.wording import percent

PLANTED = "</script><script>alert('planted')</script>"


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, cells of tables with their text, and scripts."""

    def __init__(self, path):
        super().__init__()
        self.content = path.read_text(encoding="utf-8")
        self.elements, self.scripts, self.text = [], {}, ""
        self.row, self.rows, self.is_cell, self.open = {}, [], False, None
        self.feed(self.content)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.elements.append((tag, attrs))
        if tag == "tr":
            self.row = attrs
        if tag in ("td", "th"):
            self.is_cell = True
            self.rows.append((self.row, attrs, ""))
        if tag == "script":
            self.open = attrs.get("type", "code")

    def handle_endtag(self, tag):
        self.is_cell = self.is_cell and tag not in ("td", "th")

    def handle_data(self, data):
        if self.cdata_elem == "script":
            self.scripts[self.open] = self.scripts.get(self.open, "") + data
        elif self.cdata_elem is None:
            self.text += data
            if self.is_cell:
                row, attrs, text = self.rows[-1]
                self.rows[-1] = (row, attrs, text + data)

    def links(self, name):
        return [attrs["href"] for tag, attrs in self.elements if tag == "a" and attrs.get("download") == name]


def table(uri):
    return list(csv.DictReader(io.StringIO(unquote(uri.removeprefix("data:text/csv;charset=utf-8,")))))


@pytest.fixture(scope="module")
def page(reported):
    return Page(reported / "report.html")


def test_the_overview_has_the_accuracies_of_the_runs(page, results):
    shown = {
        (row["data-model"], row["data-condition"], cell["data-test"]): (cell, text)
        for row, cell, text in page.rows
        if "data-value" in cell and "data-test" in cell
    }
    model = {one.name: one.title for one in results.record.models}
    expected = {}
    for one in results.evaluations:
        key = model[one.of.model], results.conditions[one.of.condition].title, results.tests[one.of.test].title
        metrics = store.read_json(one.run.folder / "metrics.json")
        expected.setdefault(key, []).append(metrics["accuracy"])
    assert shown.keys() == expected.keys()
    for key, values in expected.items():
        cell, text = shown[key]
        assert float(cell["data-value"]) == pytest.approx(np.mean(values), abs=1e-6)
        assert percent(np.mean(values), 1) in text and all(percent(value, 1) in cell["title"] for value in values)
    assert "1 seed of 2" in shown["Qwen2-VL", "9 & more", "COCO"][1]
    assert "+18.2" in shown["Qwen2-VL", "9 & more", "Synthetic"][1]


def test_what_is_absent_is_a_gap_with_its_reason(page):
    gaps = [
        (row["data-condition"], cell["data-test"], text.strip())
        for row, cell, text in page.rows
        if row.get("data-model") == "nano-molmo" and "data-test" in cell and "gap" in (cell.get("class") or "")
    ]
    assert set(gaps) == {("9 & more", "Synthetic", "to come"), ("9 & more", "COCO", "to come")}
    assert "out of memory" in page.text and "This study is not complete." in page.text


def test_the_files_hold_all_runs(page, results):
    (overview,), (runs,) = page.links("overview.csv"), page.links("runs.csv")
    row = next(row for row in table(overview) if (row["condition"], row["test"]) == ("Synthetic", "COCO"))
    assert (row["model"], row["seeds"], row["questions"], row["training_examples"]) == ("Qwen2-VL", "2", "11", "1296")
    assert [float(value) for value in row["values"].split()] == pytest.approx([6 / 11, 8 / 11], abs=1e-4)
    assert float(row["accuracy"]) == pytest.approx(7 / 11, abs=1e-4)
    assert float(row["change"]) == pytest.approx(3 / 11, abs=1e-4)
    assert [float(row["accuracy"]) for row in table(runs)] == pytest.approx(results.table["accuracy"].tolist())


def test_maps_have_the_numbers_of_the_runs_and_their_links_lead_somewhere(page, results):
    maps = json.loads(page.scripts["application/json"])["maps"]
    found = maps["map--qwen2-vl--synthetic--coco"]
    for seed, right in zip(results.select("qwen2-vl", "synthetic", "coco"), found["right"], strict=True):
        accuracy = np.array(seed.run.metrics["by_cell"], float).ravel()
        counts = np.array(found["n"])
        assert np.array(right)[counts > 0] == pytest.approx((accuracy * counts)[counts > 0])
    assert found["votes"][0][8 * 9] == [5, 6] and found["votes"][0][1] == []
    runs = "runs/qwen2-vl-base-None-on-coco runs/qwen2-vl-synthetic-0-on-coco"
    assert found["command"] == f"ninefold report {runs} --out examples.html"
    assert maps[found["base"]]["title"] == ["Qwen2-VL", "base", "COCO"]
    names = [attrs["id"] for _, attrs in page.elements if attrs.get("id")]
    assert len(names) == len(set(names)) and maps.keys() <= set(names)
    targets = {attrs["href"] for tag, attrs in page.elements if tag == "a" and attrs["href"].startswith("#")}
    assert targets <= {f"#{name}" for name in names} and {f"#{name}" for name in maps} <= targets


def test_a_thumbnail_has_the_colors_of_its_map(page):
    cell = page.content.split('id="map--qwen2-vl--synthetic--coco"')[1]
    accuracy, change, votes = re.findall(r'src="data:image/png;base64,([^"]*)"', cell)[:3]
    pixels = [
        np.array(Image.open(io.BytesIO(base64.b64decode(one))).convert("RGBA")) for one in (accuracy, change, votes)
    ]
    assert {one.shape for one in pixels} == {(29, 29, 4)}

    def color(picture, row, col):
        return "#" + picture[row, col, :3].astype(np.uint8).tobytes().hex()

    assert color(pixels[0], 0, 0) == palette.accuracy_color(1)
    assert color(pixels[0], 27, 0) == palette.accuracy_color(0.5)
    assert pixels[0][9, 9, 3] == 0  # between two regions
    assert color(pixels[1], 27, 0) == palette.difference_color(0.5)
    assert color(pixels[2], 26, 0) != color(pixels[2], 27, 0)  # a tie


def test_all_parts_are_there(page):
    parts = {attrs["id"] for tag, attrs in page.elements if tag == "section"}
    assert parts == {
        *("overview", "maps", "tables", "scaling", "probes", "side-by-side", "failures", "costs", "certificates"),
        *("missing", "runs"),
    }  # fmt: skip
    assert "nano-molmo is trained from scratch to demonstrate this system. Its scores say nothing" in page.text
    # One size is no curve.
    curves = [attrs["data-model"] for tag, attrs in page.elements if tag == "g" and "data-model" in attrs]
    assert set(curves) == {"Qwen2-VL"}
    assert "layer 2: 80.0\u202f% ± 14.1" in page.text
    assert "Trained on Synthetic, accuracy" in page.text
    loaded = [attrs[key] for tag, attrs in page.elements for key in ("src", "href") if key in attrs and tag != "a"]
    assert all(value.startswith(("data:", "#")) for value in loaded)


def test_tables_without_results_are_named_and_left_out(page):
    assert "Left out: Table 3 and Table 6, of which this study has no runs." in page.text
    assert "Table 2" in page.text and "Table 3\n" not in page.text


def test_a_page_with_text_of_others_a_broken_table_and_all_orders(study, tmp_path):
    folder = shutil.copytree(study, tmp_path / "study")
    record = store.read_json(folder / "study.json")
    for one in [record, *record["models"], *record["conditions"][1:], *record["tests"]]:
        one["title"] = f"{one['title']} {PLANTED}"
    record["models"][0]["caution"] = f"A caution. {PLANTED}"
    store.write_json(folder / "study.json", record)
    store.write_json(folder / "runs" / "nano-molmo-synthetic-1" / "status.json", {"state": "failed", "reason": PLANTED})
    (folder / "runs" / "qwen2-vl-synthetic-1-on-coco" / "scores.parquet").write_bytes(b"broken")
    metrics = folder / "runs" / "qwen2-vl-synthetic-0-on-coco" / "metrics.json"
    rate = {"n": 11, "accuracy": 0.5, "ci95": [0.2, 0.8]}
    orders = [{"options": LABELS, **rate, "accuracy": value} for value in (0.4, 0.7)]
    slots = [{**rate, "accuracy": value, "given": 0.5} for value in (0.3, 0.9)]
    consistency = {"items": 11, "orders": 2, "all_right": rate, "changed": rate, "by_order": orders, "by_slot": slots}
    store.write_json(metrics, {**store.read_json(metrics), "orders": consistency})
    page = Page(write_page(folder))
    assert "<script>alert" not in page.content and page.text.count("alert('planted')") > 20
    policy = next(attrs["content"] for tag, attrs in page.elements if attrs.get("http-equiv"))
    digest = base64.b64encode(hashlib.sha256(page.scripts["code"].encode()).digest()).decode()
    assert policy.endswith(f"script-src 'sha256-{digest}'")
    assert len(json.loads(page.scripts["application/json"])["maps"]) == 10
    assert "A caution." in page.text and "scores.parquet: not readable as parquet" in page.text
    in_orders = page.text[page.text.index("Right in every order") :]
    assert all(text in in_orders for text in ("40.0–70.0\u202f%", "30.0–90.0\u202f%", "20.0–80.0\u202f%"))


def test_a_study_without_runs_has_a_page_and_one_that_was_edited_is_not_replaced(study, tmp_path):
    store.write_json(tmp_path / "study.json", store.read_json(study / "study.json"))
    out = write_page(tmp_path)
    page = Page(out)
    assert "No run is evaluated yet." in page.text and json.loads(page.scripts["application/json"])["maps"] == {}
    out.write_bytes(out.read_bytes().replace(b"</body>", b"<p>my note</p></body>"))
    with pytest.raises(RunError, match=r"report\.html: was edited"):
        write_page(tmp_path)
    assert "my note" not in write_page(tmp_path, overwrite=True).read_text(encoding="utf-8")


def test_a_fact_that_some_runs_lack_is_no_fault():
    shown = provenance._table("Runs", "Nano", {"one": {"name": "a"}, "two": {"name": "a", "parent.adapter": None}})
    assert (shown.shared, shown.head) == ({"name": "a", "parent.adapter": None}, ())
