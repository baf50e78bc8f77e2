"""Command lines of any options and values, and paths that are no files: one line where that is a mistake."""

import contextlib
import io
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hostile import ODD, check, copied, fuzz, run
from hypothesis import given
from hypothesis import strategies as st

from ninefold.cli import main

PATHS = [
    *(
        "file",
        "file/x",
        "dangling",
        "dangling/x",
        "loop",
        "loop/x",
        "pipe",
        "folder",
        "folder/mine.txt",
        ".",
        "..",
        "new",
    ),
    *("/dev/full", "/dev/null", "/dev/null/x", "/proc/x", "n" * 300, "d/" * 3000 + "x", os.fsdecode(b"caf\xe9"), "~/x"),
]
VALUES = [
    *PATHS,
    *(f"{value}" for value in ODD if isinstance(value, int | float)),
    *(
        "",
        " ",
        "x",
        "a\nb",
        "\ud800",
        "\0",
        "é",
        "--",
        "-1e999",
        "1_0",
        "１",
        "None",
        "[]",
        "first-option",
        "nano",
        "cuda",
    ),
    *(
        "openai:",
        "openai:http://127.0.0.1:1/v1",
        "openai:http://[",
        "openai:ftp://x",
        "test",
        "train",
        "float16",
        "x" * 5000,
    ),
]


@cache
def options(*command: str) -> list[str]:
    """Return the options that a command's help lists."""
    with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.suppress(SystemExit):
        main([*command, "--help"])
    return sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", shown.getvalue())) - {"--help"})


@pytest.fixture
def commands(
    without_long_work: None, made: Path, judged: Path, world: Path, tiny_llava: Path, tmp_path: Path
) -> list[list[Any]]:
    """Commands that work; each writes to the last argument where it writes anything."""
    done = tmp_path / "done"
    run("evaluate", "--model", "first-option", "--data", made, "--limit", "6", "--out", done)
    splits = ["--train-split", "test", "--validation-split", "test", "--limit", "4"]
    return [
        [
            "data",
            "synthetic",
            "--split",
            "test",
            "--question",
            "color",
            "--grid",
            "3",
            "--canvas",
            "36",
            "--out",
            "new",
        ],
        *(
            ["data", *source, "--annotations", world / "annotations.json", "--images", world / "images", "--out", "new"]
            for source in (
                ["coco"],
                ["flawed", "--subset", "2", "--split", "test"],
                ["general", "--subset", "2", "--question", "naming"],
                ["relations", "--subset", "4", "--form", "words"],
            )
        ),
        ["data", "verify", made],
        ["data", "overlap", made, made],
        ["data", "questions"],
        ["train", "--model", tiny_llava, "--data", made, *splits, "--out", "new"],
        ["evaluate", "--model", "first-option", "--data", made, "--limit", "4", "--orders", "all", "--out", "new"],
        ["evaluate", "--model", tiny_llava, "--data", made, "--limit", "1", "--max-new-tokens", "2", "--out", "new"],
        ["probe", "--model", tiny_llava, "--data", made, "--limit", "30", "--out", "new"],
        ["export", made, "--to", "llama-factory", "--out", "new"],
        ["export", made, "--to", "openai-batch", "--model", "m", "--out", "new"],
        ["score", done],
        ["report", done, "--out", "page.html"],
        ["models"],
        ["captions", "review", judged],
        ["demo", "--out", "new"],
        ["nano", "world", "--pictures", "1", "--out", "new"],
        ["nano", "pretrain", "--vision-steps", "1", "--out", "new"],
    ]


@fuzz(20)
@given(data=st.data())
def test_command_lines(commands: list[list[Any]], tmp_path: Path, data: st.DataObject) -> None:
    line = [str(word) for word in data.draw(st.sampled_from(range(len(commands))).map(commands.__getitem__))]
    names = options(*(word for word in line[:2] if word.isalpha() and not Path(word).exists()))
    for _ in range(data.draw(st.integers(1, 3))):
        value = data.draw(st.sampled_from(VALUES))
        how = data.draw(st.sampled_from(["option", "option", "option", "replaced", "word", "removed"]))
        if how == "option" and names:
            line += [data.draw(st.sampled_from(names)), *([value] if data.draw(st.integers(0, 9)) else [])]
        elif how == "replaced":
            line[data.draw(st.integers(1, len(line))) - 1] = value
        elif how == "removed":
            del line[data.draw(st.integers(1, max(1, len(line)))) - 1 :][:1]
        else:
            line.append(value)
    with copied(to=tmp_path / "one"):
        # Deep enough for a relative path that leads out of it.
        here = tmp_path / "one" / "a" / "b"
        (here / "folder").mkdir(parents=True)
        os.chdir(here)
        for name in ("file", "folder/mine.txt"):
            Path(name).write_text("mine")
        Path("dangling").symlink_to("nowhere")
        Path("loop").symlink_to("loop")
        os.mkfifo("pipe")
        try:
            run(*line)
            kept = [name for name in ("file", "folder/mine.txt") if Path(name).read_text() == "mine"]
            check(len(kept) == 2, "what stood there stays", f"{line}")
        finally:
            os.chdir(tmp_path)
