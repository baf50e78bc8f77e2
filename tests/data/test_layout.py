"""A folder is verified as `datasets.load_dataset` reads it: no file that it would read goes unchecked."""

import shutil

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tampering import change, edit_json, part_about, rows_of

from ninefold.data.checks.certificate import verify
from ninefold.data.format import dataset
from ninefold.data.sources.synthetic import SyntheticSpec, examples
from ninefold.errors import DataError


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two looks of the synthetic test set, in two splits by look."""
    folder = tmp_path_factory.mktemp("sets") / "made"
    rows = list(examples(SyntheticSpec("test", canvas=108))["test"])
    parts = {
        look.split()[0]: [row for row in rows if row.factors["object"] == look]
        for look in ("red square", "blue circle")
    }
    dataset.write(folder, parts, about=part_about(canvas=108))
    return folder


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made, tmp_path / "set")
    return tmp_path / "set"


def rewrite(folder, edit, split="red"):
    """Replace a split's table."""
    path, table = rows_of(folder, split)
    pq.write_table(edit(table), path)


def null_split(folder):
    path = folder / "manifest.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[0]["split"] = None
    pq.write_table(pa.Table.from_pylist(rows, schema=pq.read_schema(path)), path)


def test_hidden_files_are_not_read_and_no_fault(folder):
    for name in (".DS_Store", ".gitattributes", "data/.DS_Store", f"data/._{rows_of(folder)[0].name}"):
        (folder / name).write_text("hidden")
    verify(folder)
    loaded = datasets.load_dataset(str(folder), cache_dir=str(folder.parent / "cache"))
    assert {split: len(rows) for split, rows in loaded.items()} == {"red": 162, "blue": 162}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda f: shutil.copy(rows_of(f)[0], f / "data" / "red-extra.parquet"), "red-extra.parquet: no file of"),
        (lambda f: shutil.copy(rows_of(f)[0], f / "data" / "red-00001-of-00001.parquet"), "red-00001.*too many"),
        (lambda f: shutil.copy(rows_of(f)[0], f / "data" / "red-00001-of-00002.parquet"), "too many"),
        (lambda f: rows_of(f)[0].rename(f / "data" / "red-00000-of-00002.parquet"), "red-00001-of-00002.*missing"),
        (lambda f: (f / "data" / "more").mkdir(), "more: no file of"),
        (lambda f: (f / "data" / "metadata.csv").write_text("a"), "metadata.csv: no file of"),
        (lambda f: (f / ".huggingface.yaml").write_text("configs: []"), "would change what `datasets` reads"),
        (lambda f: (f / "README.md").unlink(), "README.md: the card is missing"),
        (lambda f: (f / "README.md").write_text("# no front matter"), "README.md: the card is missing or not"),
        (lambda f: replace_in(f / "README.md", "path: data/red-", "path: forged/red-"), "front matter .configs."),
        (lambda f: replace_in(f / "README.md", "num_examples: 162", "num_examples: 1"), "front matter .dataset_info."),
        (lambda f: replace_in(f / "README.md", "name: slot", "name: slut"), "front matter .dataset_info."),
        (lambda f: rewrite(f, lambda t: t.append_column("more", t["id"])), "columns are not those of the other"),
        (lambda f: [rewrite(f, lambda t: t.drop_columns(["order"]), s) for s in ("red", "blue")], "missing: order"),
        (lambda f: [rewrite(f, lambda t: t.drop_columns(["scene"]), s) for s in ("red", "blue")], "missing: scene"),
        (lambda f: change(f, lambda rows: rows[3].update(answer_format=None)), "answer_format is None, not a name"),
        (
            lambda f: rewrite(
                f, lambda t: t.set_column(t.column_names.index("answer_format"), "answer_format", t["slot"])
            ),
            "column answer_format: of type int64|columns are not those",
        ),
        (lambda f: edit_json(f / "manifest.json", lambda m: m.update(source=["synthetic"])), "the value of source"),
        (lambda f: edit_json(f / "manifest.json", lambda m: m.update(source={})), "the value of source"),
        (lambda f: edit_json(f / "manifest.json", lambda m: m.update(clustering="x")), "the value of clustering"),
        (null_split, "manifest.parquet: lists rows of splits that manifest.json lacks: None"),
    ],
)
def test_files_that_would_be_read_and_are_not_those_checked_are_found(folder, edit, said):
    edit(folder)
    with pytest.raises(DataError, match=said) as error:
        verify(folder)
    assert "\n" not in str(error.value)


def replace_in(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
