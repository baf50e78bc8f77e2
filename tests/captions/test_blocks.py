"""Blocks of captions: those of one image together, done once, by one process or several, whatever is killed."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import scripted
from scripted import spec_of, written

import ninefold as nf
from ninefold import plugins
from ninefold.captions import layout, processes, spool, work
from ninefold.captions.blocks import Block
from ninefold.captions.caption import Caption, LeftOut
from ninefold.captions.engines import catalog
from ninefold.captions.pair import Generated, Pair
from ninefold.errors import ModelError, RunError

PLUGIN = """
import os, signal, sys
sys.path.insert(0, {tests!r})
import scripted
from ninefold.captions.engines.catalog import register_engine

class Deadly(scripted.Scripted):
    def _of(self, caption):
        if "kill" in caption.text:
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._of(caption)

register_engine("scripted_in_processes", Deadly)
"""


@pytest.fixture
def small(monkeypatch):
    """Blocks of two captions."""
    monkeypatch.setattr(spool, "BLOCK_CAPTIONS", 2)


@pytest.fixture
def engine(monkeypatch, small):
    made = scripted.Scripted()
    monkeypatch.setitem(catalog.REGISTERED, "scripted", lambda spec: made)
    return made


def caption(number, image=""):
    return Caption(f"c{number}", f"caption {number}", image)


def texts(count):
    return [(f"c{number}", f"A cup is left of a plate{number}.", "") for number in range(count)]


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != layout.TIMING
    }


def filled(folder, items, limit=None):
    spool.fill(folder, items, limit)
    return spool.Spool(folder)


def test_captions_of_one_image_come_together_and_no_block_parts_them(tmp_path, small):
    images = ["x", "", "y", "x", "z", "", "y", "x"]
    found = filled(tmp_path, [caption(number, image) for number, image in enumerate(images)])
    given = [[each.id for each in found.block(number).captions] for number in range(len(found))]
    assert given == [["c0", "c3", "c7"], ["c1", "c2", "c6"], ["c4", "c5"]]
    assert [found.size(number) for number in range(len(found))] == [3, 3, 2]


def test_a_spool_gives_back_what_it_was_given(tmp_path):
    whole = Caption("é", 'A "cup"\nleft of it\u2028', "1.png", tmp_path / "1.png", "docci", "cup", 3)
    found = filled(tmp_path, [LeftOut("a", "empty", "no\nletters"), whole, LeftOut("b", "empty")])
    assert found.block(0).captions == (whole,)
    assert list(found.rows_left_out()) == [LeftOut("a", "empty", "no\nletters"), LeftOut("b", "empty")]


def test_a_limit_takes_the_first_captions_and_reads_no_further(tmp_path):
    def items():
        yield from (caption(0), LeftOut("a", "empty"), caption(1))
        raise AssertionError("read on")

    found = filled(tmp_path, items(), limit=2)
    assert (found.captions, found.left_out) == (2, 1)


def test_what_an_engine_makes_comes_back_from_disk(tmp_path):
    made = [
        Generated((Pair("Where?", "left", "left", "image", "a", "b", 1, 2, 3, "where", True),), tokens={"prompt": 3}),
        Generated(is_spatial=False),
        Generated(failed="cut off", broken="half", raw="[{\ud800"),
    ]
    kept = work.Work(tmp_path / "set", "identity")
    kept.save(7, made)
    assert kept.outcome(7)[:2] == made[:2]
    assert kept.outcome(7)[2].raw == "[{?"
    path = kept.folder / "blocks" / "000007.jsonl.gz"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(RunError, match=r"000007\.jsonl\.gz: is broken .*delete its folder"):
        kept.outcome(7)


def test_a_server_that_is_gone_ends_the_run_and_nothing_is_asked_twice(tmp_path, engine, monkeypatch):
    captions = written(tmp_path / "captions.jsonl", texts(7))
    spec = spec_of(captions)

    def gone(captions):
        if len(engine.seen) >= 4:
            raise ModelError("http://there: is gone")
        return scripted.Scripted.generate(engine, captions)

    monkeypatch.setattr(engine, "generate", gone, raising=False)
    with pytest.raises(ModelError, match="is gone"):
        nf.run_captions(spec, tmp_path / "pairs")
    monkeypatch.undo()
    monkeypatch.setattr(spool, "BLOCK_CAPTIONS", 2)
    monkeypatch.setitem(catalog.REGISTERED, "scripted", lambda spec: engine)
    counts = nf.run_captions(spec, tmp_path / "pairs")
    assert counts.pairs_out == 7
    assert sorted(engine.seen) == [f"c{number}" for number in range(7)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["captions.jsonl", "pairs"]


def test_an_interrupted_run_of_other_settings_is_begun_anew(tmp_path, engine, monkeypatch):
    captions = written(tmp_path / "captions.jsonl", texts(3))
    kept = work.Work(tmp_path / "pairs", "another")
    kept.save(0, [Generated()])
    assert nf.run_captions(spec_of(captions), tmp_path / "pairs").pairs_out == 3


@pytest.fixture
def in_processes(tmp_path, monkeypatch):
    """The name of an engine that workers find by a plugin."""
    file = tmp_path / "plugin_of_blocks.py"
    file.write_text(PLUGIN.format(tests=str(Path(scripted.__file__).parent)))
    monkeypatch.setattr(plugins, "LOADED", [])
    plugins.load_plugin(file)
    yield "scripted_in_processes"
    catalog.REGISTERED.pop("scripted_in_processes")
    del sys.modules["plugin_of_blocks"]


def test_several_processes_give_the_same_bytes(tmp_path, small, in_processes):
    captions = written(tmp_path / "captions.jsonl", texts(9))
    spec = replace(spec_of(captions), engine=in_processes)
    nf.run_captions(spec, tmp_path / "one")
    nf.run_captions(spec, tmp_path / "two", jobs=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_killed_worker_is_told(tmp_path, in_processes):
    spec = replace(spec_of(tmp_path / "captions.jsonl"), engine=in_processes)
    block = Block(0, (Caption("c9", "The kill is left of it."),))
    with pytest.raises(RunError, match=r"a worker process was killed, .* run the same command again"):
        list(processes.in_processes([block], spec, 1))
