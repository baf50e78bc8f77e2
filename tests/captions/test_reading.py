"""Captions read from files: every row is a caption or left out with its reason, whatever the file is like."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ninefold.captions.caption import Caption, LeftOut
from ninefold.captions.sources.reading import read
from ninefold.captions.sources.seen import Seen, UniqueIds
from ninefold.captions.sources.text import cleaned
from ninefold.captions.spec import CaptionsIn
from ninefold.errors import DataError


def captions(*files: Path, **options: Any) -> list[Caption]:
    return [item for item in read(CaptionsIn(files, **options)) if isinstance(item, Caption)]


def left_out(*files: Path, **options: Any) -> list[tuple[str, str, str]]:
    found = [item for item in read(CaptionsIn(files, **options)) if isinstance(item, LeftOut)]
    return [(item.id, item.reason, item.detail) for item in found]


def lines(path: Path, *rows: Any) -> Path:
    path.write_bytes(b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows))
    return path


def refused(*files: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        list(read(CaptionsIn(files, **options)))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_each_line_is_a_caption_or_counted(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "a.jsonl",
        b'\xef\xbb\xbf{"id": "one", "text": "A cat on a mat."}',
        b'{"id": "two", "text": "A cat',
        b"",
        b'{"id": "three", "text": "A c\x00t"}',
        b'{"id": "four", "text": "caf\xe9"}',
        b"[1, 2]",
        b'{"id": "six", "text": "A dog.", "text": "A cow."}',
        b'{"id": "seven", "text": ' + b"[" * 100_000,
        {"id": "eight", "text": None},
        {"id": "nine", "other": 1},
        {"id": "ten", "text": 10},
        {"id": "eleven", "text": " \n\t<p></p> "},
        {"id": "twelve", "text": "word " * 100_000 + "end"},
        b'{"id": "thirteen", "text": "A tree.", "id2": ' + b"1" * 5000 + b"}",
        b'{"id": "last", "text": "\\u0000A bird.\\ud800"}\r\n',
    )  # fmt: skip
    found = captions(path, text_field="text", id_field="id")
    assert [(each.id, each.text[-9:]) for each in found] == [
        ("one", "on a mat."), ("twelve", " word end"), ("last", "A bird."),
    ]  # fmt: skip
    assert len(found[1].text.split()) == 100_001
    reasons = left_out(path, text_field="text", id_field="id")
    assert Counter(reason for _, reason, _ in reasons) == {"broken row": 7, "no text": 3, "empty": 1}
    assert [each[0] for each in reasons][:6] == [f"a.jsonl line {n}" for n in (2, 4, 5, 6, 7, 8)]
    other = lines(tmp_path / "b.jsonl", b'{"text": "text", "more": {"x": 1, "x": 2, "text": 1}, "x": 1, "x": 2}')
    assert len(captions(other, text_field="text")) == 1
    details = {id_: detail for id_, _, detail in reasons}
    assert details["a.jsonl line 5"] == "not UTF-8 (byte 28 of the line)"
    assert details["a.jsonl line 6"] == "not a JSON object, but a list"
    assert details["a.jsonl line 7"] == "not a JSON object (field 'text' is given twice)"
    assert details["ten"] == "field 'text' holds int, not text"


def test_a_line_that_is_too_long_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ninefold.captions.sources.json_lines.LONGEST_ROW", 100)
    path = lines(
        tmp_path / "a.jsonl", {"text": "x " * 300}, {"text": "A cat."}, {"text": "y " * 48}, {"text": "A dog."}
    )
    assert [each.id for each in captions(path, text_field="text")] == ["a.jsonl:2", "a.jsonl:4"]
    assert len(left_out(path, text_field="text")) == 2


def test_the_same_captions_from_every_form(tmp_path: Path) -> None:
    rows = [{"key": f"k{n}", "text": f'A "cat", on\nmat {n}.', "picture": 100 + n} for n in range(5)]
    one = lines(tmp_path / "a.jsonl", *rows)
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(one.read_bytes()))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=2)
    quoted = ['"' + str(row["text"]).replace('"', '""') + '"' for row in rows]
    for name, mark, end in (("a.csv", ";", "\r\n"), ("a.tsv", "\t", "\n"), ("b.csv", "|", "\n"), ("c.csv", ",", "\n")):
        records = [f"k{n}{mark}{text}{mark}{100 + n}" for n, text in enumerate(quoted)]
        (tmp_path / name).write_text("\ufeff" + end.join([f"key{mark}text{mark}picture", *records]), newline="")
    options = {"text_field": "text", "id_field": "key"}
    expected = captions(one, **options)
    assert [each.id for each in expected] == ["k0", "k1", "k2", "k3", "k4"]
    for name in ("a.jsonl.gz", "a.parquet", "a.csv", "a.tsv", "b.csv", "c.csv"):
        assert captions(tmp_path / name, **options) == expected, name
    packed.write_bytes(packed.read_bytes()[:-20])
    broken = left_out(packed, **options)
    assert broken[-1][1] == "broken row" and "broken from here on" in broken[-1][2]


def test_rows_of_a_csv_file_that_are_broken(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'id,text\n1,A cat.\n2\n3,caf\xe9\n4,"A "dog".\n5,A bird.\n\n6,"open\n7,lost')
    assert [each.id for each in captions(path, text_field="text", id_field="id")] == ["1", "5"]
    found = left_out(path, text_field="text", id_field="id")
    assert [each[0] for each in found] == [f"a.csv line {n}" for n in (3, 4, 5, 8)]
    assert found[1][2] == "not UTF-8"


def test_errors_name_the_fields(tmp_path: Path) -> None:
    pq.write_table(pa.table({"caption": [1, 2], "words": ["a b", "c d"]}), tmp_path / "a.parquet")
    assert "no field 'captoin'" in refused(tmp_path / "a.parquet", text_field="captoin")
    assert "caption, words; did you mean 'caption'?" in refused(tmp_path / "a.parquet", text_field="captoin")
    assert "holds int64, not text" in refused(tmp_path / "a.parquet", text_field="caption")
    assert "such as --text-field 'words'" in refused(tmp_path / "a.parquet")
    assert "(--image-field)" in refused(tmp_path / "a.parquet", text_field="words", image_field="image")
    assert "none of 2 rows" in refused(lines(tmp_path / "b.jsonl", b"x", b"[]"), text_field="text")
    assert "no rows" in refused(lines(tmp_path / "c.jsonl"), text_field="text")
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "d.parquet")
    assert "no rows" in refused(tmp_path / "d.parquet", text_field="text")
    assert "no such file" in refused(tmp_path / "none.jsonl", text_field="text")
    assert "is a folder" in refused(tmp_path, text_field="text")
    (tmp_path / "e.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-9])
    assert "not readable as parquet" in refused(tmp_path / "e.parquet", text_field="text")
    assert ".jsonl" in refused(lines(tmp_path / "f.txt", {"text": "A cat."}), text_field="text")
    for shard in ("1/1", "-1/2", "x", "2/1", "0/0"):
        assert "--shard" in refused(tmp_path / "b.jsonl", text_field="text", shard=shard)


def test_fields_within_objects_and_with_odd_names(tmp_path: Path) -> None:
    rows = [{"a": {"b": "A cat.", "c.d": "A dog."}, "a.e": "A cow.", "image/key": "x"}]
    path = lines(tmp_path / "a.jsonl", *rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for file in (path, tmp_path / "a.parquet"):
        for field, text in (("a.b", "A cat."), ("a.c.d", "A dog."), ("a.e", "A cow.")):
            [found] = captions(file, text_field=field, id_field="image/key")
            assert (found.id, found.text) == ("x", text)


def test_duplicates_and_ids(tmp_path: Path) -> None:
    rows = [("a", "A cat."), ("a", "A dog."), ("a", "A cat."), ("a#2", "A cow."), ("a", "A bird."), ("b", "A cat.")]
    path = lines(tmp_path / "a.jsonl", *({"i": id_, "text": text} for id_, text in rows))
    options = {"text_field": "text", "id_field": "i"}
    assert [each.id for each in captions(path, **options)] == ["a", "a#2", "a#2#2", "a#3"]
    assert left_out(path, **options) == [
        ("a", "duplicate caption", "a.jsonl line 3"), ("b", "duplicate caption", "a.jsonl line 6"),
    ]  # fmt: skip
    of_images = lines(tmp_path / "b.jsonl", *({"i": float(n), "text": "A cat."} for n in (1, 2, 1)))
    assert [each.id for each in captions(of_images, image_field="i", text_field="text", allow_missing=True)] == [
        "b.jsonl:1", "b.jsonl:2",
    ]  # fmt: skip
    seen, ids = Seen(), UniqueIds()
    assert sum(seen.add(str(n % 5000)) for n in range(9000)) == 5000
    assert len({ids.unique(str(n % 7)) for n in range(100)}) == 100


def test_known_corpora_need_no_fields(tmp_path: Path) -> None:
    rows = {
        "docci": {"example_id": "test_1", "image_file": "test_1.jpg", "description": "A cat.", "split": "test"},
        "narrative": {"dataset_id": "mscoco_val2017", "image_id": "139", "annotator_id": 9, "caption": "In this."},
        "pixmo": {"image_url": "https://example.org/a.jpg", "caption": "A room.", "transcripts": ["a room"]},
        "iiw": {"IIW": "A detailed cat.", "image/key": "x_1", "IIW-P5B": "A model's cat."},
        "both": {"DOCCI": "A cat.", "IIW": "A detailed cat.", "image": "test_2"},
    }
    found = {}
    for name, row in rows.items():
        [each] = captions(lines(tmp_path / f"{name}.jsonl", row))
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / f"{name}.jsonl.parquet")
        [same] = captions(tmp_path / f"{name}.jsonl.parquet")
        assert (same.corpus, same.image, same.text) == (each.corpus, each.image, each.text)
        found[name] = (each.corpus, each.id, each.image, each.text)
    assert found == {
        "docci": ("docci", "test_1", "test_1.jpg", "A cat."),
        "narrative": ("localized-narratives", "mscoco_val2017/139/9", "000000000139.jpg", "In this."),
        "pixmo": ("pixmo-cap", "pixmo.jsonl:1", "https://example.org/a.jpg", "A room."),
        "iiw": ("iiw", "x_1", "x_1", "A detailed cat."),
        "both": ("docci", "test_2", "test_2", "A cat."),
    }
    [other] = captions(tmp_path / "both.jsonl", text_field="IIW")
    assert (other.corpus, other.text) == ("iiw", "A detailed cat.")
    [other] = captions(tmp_path / "iiw.jsonl", text_field="IIW-P5B")
    assert (other.corpus, other.id) == ("", "iiw.jsonl:1")


def test_descriptions_of_objects(tmp_path: Path) -> None:
    cat = {"label": "cat", "description": "It is on a mat.", "normalized_coords": ["0", "0", "9", "9"]}
    row = {"id": "x", "text": "A cat.", "objects": [cat, {**cat, "description": ""}, 5, {"label": "dog"}, cat]}
    path = lines(tmp_path / "a.jsonl", row, {"id": "y", "text": "A dog."}, row)
    assert len(captions(path, text_field="text", id_field="id")) == 2
    found = captions(path, text_field="text", id_field="id", descriptions=True)
    assert [(each.id, each.label, each.described) for each in found] == [
        ("x", "", None), ("x#object-0", "cat", 0), ("x#object-4", "cat", 4), ("y", "", None),
    ]  # fmt: skip
    reasons = [each[1] for each in left_out(path, text_field="text", id_field="id", descriptions=True)]
    objects = ["empty", "broken row", "no text"]
    assert reasons == [*objects, "duplicate caption", "duplicate caption", *objects, "duplicate caption"]


def test_shards_are_the_whole(tmp_path: Path) -> None:
    rows = [{"id": n % 40, "image": f"{n % 7}.jpg" if n % 3 else None, "text": f"Cat {n % 30}."} for n in range(60)]
    path = lines(tmp_path / "a.jsonl", *rows, b"broken")
    options: dict[str, Any] = {"text_field": "text", "id_field": "id"}
    whole = list(read(CaptionsIn((path,), **options)))
    shards = [list(read(CaptionsIn((path,), shard=f"{n}/3", **options))) for n in range(3)]
    assert sorted(map(str, whole)) == sorted(str(item) for shard in shards for item in shard)
    assert all(shards)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b and c > d, x<y", "a < b and c > d, x<y"),
        ("<p>A <b class='x'>cat</b></p><p>on a&nbsp;mat</p>", "A cat\n\non a\xa0mat"),
        ("A cat<!-- hidden --> sits<script>if (a < b) {}</script>.", "A cat  sits ."),
        ("AT&T &amp; R&D &lt;b&gt; &#39;x&#x27; &nosuch;", "AT&T & R&D <b> 'x' &nosuch;"),
        ("It's 'a <cat' <br/>left", "It's 'a <cat' \nleft"),
        ("A\x00 c\x1bat\x0bon\ttop\r\nof\u202e it\ufeff", "A cat on\ttop\r\nof it"),
        ('<img alt="a > b" src=x>A cat', "A cat"),
        ("<!-- open A cat", "<!-- open A cat"),
        ("<|image|> <unk> 3 <5", "<|image|> <unk> 3 <5"),
        ("猫はマットの上にいる。", "猫はマットの上にいる。"),
    ],
)  # fmt: skip
def test_text_without_markup(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize("piece", ["<!--", "<a '", "<script>", "&amp", "<b ", "<style", '<p "<', "\x00"])
def test_cleaning_takes_linear_time(piece: str) -> None:
    cleaned(piece * 30_000)
