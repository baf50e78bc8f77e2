"""The images of captions: found in a folder, or downloaded from a real server that also fails in every way."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scripted
from image_server import ImageServer, image_server, jpeg

import ninefold as nf
from ninefold import images
from ninefold.captions.caption import Caption, LeftOut
from ninefold.captions.engines import catalog
from ninefold.captions.sources import download
from ninefold.captions.sources.reading import read
from ninefold.captions.spec import CaptionsIn, CaptionsSpec
from ninefold.errors import DataError


@pytest.fixture(scope="module")
def server() -> Iterator[ImageServer]:
    with image_server() as running:
        yield running


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "DEADLINE", 0.5)
    monkeypatch.setattr(download, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(download, "LARGEST", 20_000)


def listed(path: Path, *values: Any) -> Path:
    rows = ({"text": f"A cat on mat {n}.", "image": value} for n, value in enumerate(values))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def outcomes(path: Path, **options: Any) -> list[str]:
    """Return for each caption the bytes' place, or why it is left out."""
    found = []
    for item in read(CaptionsIn((path,), "text", image_field="image", **options)):
        if isinstance(item, LeftOut):
            assert item.reason == "no image"
            found.append(item.detail)
        else:
            found.append(str(item.path.relative_to(path.parent)) if item.path else "without")
    return found


def test_files_are_found_in_their_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(jpeg())
    folder = tmp_path / "photos"
    for name in ("a.jpg", "b.PNG", "sub/c.jpeg", "000000000139.jpg", "val2017/000000000285.jpg",
                 "train2014/COCO_train2014_000000000009.jpg"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(jpeg())
    (folder / "broken.jpg").write_bytes(jpeg()[:300])
    (folder / "page.jpg").write_text("<html></html>")
    coco = "http://127.0.0.1:1/val2017/000000000139.jpg"
    values = ["a.jpg", "a", "b", "sub/c", 139, "285", 9, str(folder / "a.jpg"), coco]
    bad = [
        "../secret.jpg",
        str(tmp_path / "secret.jpg"),
        "broken",
        "page.jpg",
        "none",
        None,
        "",
        "ftp://a/b.jpg",
        "a\0",
    ]
    path = listed(tmp_path / "a.jsonl", *values, *bad)
    found = outcomes(path, images=folder)
    assert found[:9] == [
        "photos/a.jpg", "photos/a.jpg", "photos/b.PNG", "photos/sub/c.jpeg", "photos/000000000139.jpg",
        "photos/val2017/000000000285.jpg", "photos/train2014/COCO_train2014_000000000009.jpg", "photos/a.jpg",
        "photos/000000000139.jpg",
    ]  # fmt: skip
    assert all("is not in" in each for each in (*found[9:11], found[13], found[16]))
    assert all("not readable as a picture" in each for each in found[11:13])
    assert found[14:16] == ["the row names no image"] * 2
    assert found[17] == "photos/a.jpg"
    kept = outcomes(path, images=folder, allow_missing=True)
    assert kept[:9] == found[:9] and set(kept[9:17]) == {"without"}
    # Without a folder, names are those of files beside the captions.
    assert outcomes(listed(tmp_path / "b.jsonl", "secret.jpg", "photos/a", "/etc/hostname"))[:2] == [
        "secret.jpg", "photos/a.jpg",
    ]  # fmt: skip


def test_without_an_image_field_images_play_no_part(tmp_path: Path) -> None:
    path = listed(tmp_path / "a.jsonl", "none.jpg")
    [found] = read(CaptionsIn((path,), "text"))
    assert isinstance(found, Caption) and found.path is None
    with pytest.raises(
        DataError, match=r"none of 1 captions .* the first: a.jsonl:1: none.jpg is not in .*--allow-miss"
    ):
        outcomes(path)
    with pytest.raises(DataError, match="--images"):
        outcomes(listed(tmp_path / "b.jsonl", "https://example.org/a.jpg"))
    with pytest.raises(DataError, match=r"with --image-field, or leave out --images \(its fields are text, image\)"):
        list(read(CaptionsIn((path,), "text", images=tmp_path)))
    with pytest.raises(DataError, match="is no folder"):
        outcomes(path, images=path)


def test_downloads_and_their_failures(tmp_path: Path, server: ImageServer) -> None:
    kinds = (
        "red",
        "blue",
        "moved",
        "busy",
        "red",
        "none",
        "page",
        "cut",
        "slow",
        "huge",
        "loop",
        "elsewhere",
        "dropped",
    )
    path = listed(tmp_path / "a.jsonl", *(f"{server.url}/{kind}-a" for kind in kinds))
    found = outcomes(path, images=tmp_path / "photos")
    assert all((tmp_path / each).is_file() for each in found[:5]) and len(set(found[:5])) == 4
    assert images.open_rgb(tmp_path / found[1])[0, 0].argmax() == 2
    reasons = [
        "404 Not Found", "not an image", "not an image", "no complete answer within 0.5 s", "larger than 0 MiB",
        "more than 5 redirects", "a redirect to file:///etc/hostname", "cannot be reached",
    ]  # fmt: skip
    assert [each.startswith(reason) for each, reason in zip(found[5:], reasons, strict=True)] == [True] * 8, found[5:]
    assert server.asked["/red-a"] == 1 and server.asked["/busy-a"] == 2 and server.asked["/dropped-a"] == 3
    before = server.asked.total()
    assert outcomes(path, images=tmp_path / "photos") == found
    assert server.asked.total() == before
    # A line that was cut short is passed over, and its URL asked for again.
    failures = tmp_path / "photos" / "not_downloaded.jsonl"
    lines = sorted(failures.read_text().split("\n"))
    assert len(lines) == 9 and "cut-a" in lines[1]
    failures.write_text("\n".join([*lines[:1], *lines[2:], lines[1][:50]]))
    assert outcomes(path, images=tmp_path / "photos") == found
    assert outcomes(path, images=tmp_path / "photos") == found
    assert server.asked.total() - before == 1 and server.asked["/cut-a"] == 2
    again = listed(tmp_path / "b.jsonl", *(f"{server.url}/{kind}-a" for kind in ("none", "red")))
    assert outcomes(again, images=tmp_path / "photos", retry_images=True) == [found[5], found[0]]
    assert server.asked["/none-a"] == 2 and server.asked["/red-a"] == 1


def test_a_broken_connection_is_not_taken_for_missing_images(
    tmp_path: Path, server: ImageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "UNREACHED", 3)
    closed = [f"http://127.0.0.1:1/{n}.jpg" for n in range(5)]
    with pytest.raises(DataError, match="the last 3 images could not be reached"):
        outcomes(listed(tmp_path / "a.jsonl", *closed), images=tmp_path / "photos")
    assert not (tmp_path / "photos" / "not_downloaded.jsonl").exists()
    with pytest.raises(DataError, match="none of 1 captions"):
        outcomes(listed(tmp_path / "a.jsonl", *closed[:1]), images=tmp_path / "photos")
    assert not (tmp_path / "photos" / "not_downloaded.jsonl").exists()
    found = outcomes(listed(tmp_path / "b.jsonl", *closed[:1], f"{server.url}/red-b"), images=tmp_path / "photos")
    assert found[0].startswith("cannot be reached")


def test_a_reader_that_stops_leaves_nothing_behind(tmp_path: Path, server: ImageServer) -> None:
    path = listed(tmp_path / "a.jsonl", f"{server.url}/red-c", *(f"{server.url}/slow-c{n}" for n in range(30)))
    stream = read(CaptionsIn((path,), "text", image_field="image", images=tmp_path / "photos"))
    assert isinstance(next(iter(stream)), Caption)
    stream.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("origin", "target", "allowed"),
    [
        ("http://93.184.216.34/a", "http://93.184.216.35/b", True),
        ("http://93.184.216.34/a", "http://127.0.0.1/b", False),
        ("http://93.184.216.34/a", "http://169.254.169.254/latest", False),
        ("http://93.184.216.34/a", "http://[::1]/b", False),
        ("http://127.0.0.1/a", "http://127.0.0.1:9/b", True),
    ],
)
def test_redirects_lead_into_no_private_network(origin: str, target: str, allowed: bool) -> None:
    assert asyncio.run(download._may_follow(origin, target)) == allowed


def test_a_finished_run_asks_again_for_images(
    tmp_path: Path, server: ImageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalog.REGISTERED, "scripted", scripted.Scripted)
    rows = ({"text": f"A cup is {side} of a plate.", "image": f"{server.url}/{side}"} for side in ("left", "right"))
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    server.there.add("/left")
    photos, out, given = tmp_path / "photos", tmp_path / "out", ((path,), "text", None, "image")
    assert nf.run_captions(CaptionsSpec(CaptionsIn(*given, photos), "scripted"), out).captions_left_out == {
        "no image": 1
    }
    server.there.add("/right")
    assert nf.run_captions(CaptionsSpec(CaptionsIn(*given, photos), "scripted"), out).captions_left_out == {
        "no image": 1
    }
    again = CaptionsSpec(CaptionsIn(*given, photos, retry_images=True), "scripted")
    assert nf.run_captions(again, out).captions_left_out == {}
    assert server.asked["/left"] == 1 and server.asked["/right"] == 2
