"""The review page in a real browser."""

import json
import threading

import browser
import pytest
import review_set

from ninefold.captions.review.review import Review
from ninefold.captions.review.server import Page
from ninefold.types import NO_IMAGE

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="no `chromium` on PATH")

SHOWN = "document.querySelector('#question').textContent"


def lines(folder, judge):
    path = folder / "review" / f"verdicts-{judge}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser.opened(tmp_path_factory.mktemp("browser")) as tab:
        yield tab


@pytest.fixture
def page(tmp_path):
    rows = [review_set.row(number, name) for number, name in enumerate(["left", "right", "above", "left"])]
    rows.append(review_set.row(4, "on", subject=review_set.HOSTILE, image=NO_IMAGE))
    review_set.make(tmp_path / "set", rows)
    served = Page.of(Review.open(tmp_path / "set"))
    thread = threading.Thread(target=served.serve)
    thread.start()
    yield served
    served.stop()
    thread.join()


def test_pairs_are_judged_by_keys_and_go_on_after_a_reload(page, tab, tmp_path):
    folder = tmp_path / "set"
    ids = [pair["id"] for pair in json.loads((folder / "review" / "sample.json").read_text())["pairs"]]
    tab.open(page.link)
    # The name is asked for once.
    tab.wait("document.activeElement.id === 'name'")
    tab.call("Input.insertText", text="ann")
    tab.press("Enter")
    tab.wait(SHOWN)
    assert tab.value("document.activeElement.id") == "work"

    # Digits and letters judge; the disk has a verdict before the next pair is shown.
    for at, (key, verdict) in enumerate([("1", "right"), ("w", "wrong relation"), ("3", "wrong object")]):
        tab.press(key)
        tab.wait(f"location.hash === '#{at + 2}'")
        assert (lines(folder, "ann")[-1]["id"], lines(folder, "ann")[-1]["verdict"]) == (ids[at], verdict)
    assert tab.value("document.querySelector('#count').textContent") == "3 of 5 judged."
    assert tab.value("document.querySelector('#done').value") == 3
    assert tab.value("document.querySelector('#status').textContent").startswith("Pair 4 of 5: Where is the")

    # The image of the pair is shown, and its words are marked.
    tab.wait("document.querySelector('#image').naturalWidth === 40")
    assert "of the desk" in tab.value("document.querySelector('mark').textContent")

    # Back, another verdict, and undo.
    tab.press("ArrowLeft")
    tab.wait("location.hash === '#3'")
    assert tab.value("document.querySelector('[aria-pressed=true]').dataset.verdict") == "wrong object"
    tab.press("u")
    tab.wait("!document.querySelector('[aria-pressed=true]')")
    assert (lines(folder, "ann")[-1]["id"], lines(folder, "ann")[-1]["verdict"]) == (ids[2], "")

    # A note is saved as it is written, and its letters are no verdicts.
    tab.press("m")
    tab.call("Input.insertText", text="worn")
    tab.press("Escape")
    tab.wait("document.activeElement.id === 'work'")
    tab.press("4")
    tab.wait("location.hash === '#4'")
    assert (lines(folder, "ann")[-1]["verdict"], lines(folder, "ann")[-1]["note"]) == ("not spatial", "worn")

    # A reload goes on where the judge was, and the end is told.
    tab.open(tab.value("location.href"))
    tab.wait(SHOWN)
    assert tab.value("document.querySelector('#count').textContent") == "3 of 5 judged."
    tab.press("5")
    tab.wait("location.hash === '#5'")
    tab.press("r")
    tab.wait("document.querySelector('#count').textContent === 'All 5 pairs are judged.'")
    assert len({line["id"] for line in lines(folder, "ann")}) == 5

    # Text of captions, questions and notes is never markup.
    assert tab.value("typeof window.hit") == "undefined"
    tab.value("document.querySelector('#to-summary').click()")
    tab.wait("document.title.endsWith('summary') && document.readyState === 'complete'")
    assert "5 sampled pairs judged" in tab.value("document.body.innerText")
    assert tab.value("typeof window.hit") == "undefined"


def test_a_verdict_that_cannot_be_saved_is_told_and_its_pair_stays(page, tab, tmp_path):
    tab.open(page.link + "&judge=bob")
    tab.wait(SHOWN)
    page.stop()
    tab.wait("fetch('/').then(() => false, () => true)")
    tab.press("1")
    tab.wait("!document.querySelector('#alert').hidden")
    assert "The server does not answer" in tab.value("document.querySelector('#alert').textContent")
    assert tab.value("location.hash") == "#1"
    assert lines(tmp_path / "set", "bob") == []
