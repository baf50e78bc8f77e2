import errno
import os
import re
import signal
import subprocess
import sys
from itertools import pairwise

import pytest

from ninefold import __version__, console, plugins
from ninefold.cli import main, options
from ninefold.errors import PluginError, RunError


@pytest.fixture(autouse=True)
def no_debugging_left(monkeypatch):
    monkeypatch.delenv(options.DEBUG, raising=False)
    monkeypatch.delenv(options.PLUGINS, raising=False)
    yield
    console.show_debugging(False)


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Write a plugin, and forget its module afterwards."""

    def write(text, name="my_own_things"):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        return path

    before = set(sys.modules)
    yield write
    for name in set(sys.modules) - before:
        if name.startswith("my_own"):
            del sys.modules[name]


def run(capsys, *arguments):
    """Return the exit code and what is said on standard error."""
    code = 0
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = int(stop.code or 0)
    return code, capsys.readouterr().err


def fail_with(monkeypatch, error):
    """Let `ninefold score` end in an error."""

    def score(folder):
        raise error

    monkeypatch.setattr("ninefold.evaluation.score.score", score)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_debug_shows_traceback_and_causes_wherever_it_stands(capsys, monkeypatch, at):
    error = RunError("runs/base: unfinished")
    error.__cause__ = KeyError("accuracy")
    fail_with(monkeypatch, error)
    arguments = ["score", "runs/base"]
    arguments.insert(at, "--debug")
    code, err = run(capsys, *arguments)
    assert code == 2
    assert "Traceback" in err
    assert "KeyError: 'accuracy'" in err
    assert "direct cause" in err
    assert "debug app: command Score" in err
    assert err.splitlines()[-1] == "ninefold: runs/base: unfinished"


def test_the_environment_can_ask_for_debugging(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv(options.DEBUG, "1")
    assert "Traceback" in run(capsys, "score", tmp_path / "nothing")[1]
    monkeypatch.setenv(options.DEBUG, "0")
    assert "Traceback" not in run(capsys, "score", tmp_path / "nothing")[1]


def test_an_error_of_the_operating_system_is_one_line_and_exit_code_2(capsys, tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("")
    code, err = run(capsys, "nano", "world", "--pictures", "1", "--out", file / "folder")
    assert code == 2
    assert err.startswith(f"ninefold: {file}")
    assert "is a file, not a folder" in err or "exists already" in err
    assert err.count("\n") == 1
    fail_with(monkeypatch, OSError(errno.ENOSPC, "No space left on device", "runs/base/scores.parquet"))
    code, err = run(capsys, "score", "runs/base")
    assert code == 2
    assert err == "ninefold: runs/base/scores.parquet: the disk is full; make room and run the same command again\n"


def test_what_ninefold_did_not_write_is_never_replaced(capsys, tmp_path):
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "to-mother.txt").write_text("dear")
    for command in (["nano", "world", "--pictures", "1"], ["data", "synthetic", "--split", "test"]):
        for out in (letters, letters / "to-mother.txt"):
            code, err = run(capsys, *command, "--out", out)
            assert code == 2
            assert "replaced; choose another --out" in err
    assert (letters / "to-mother.txt").read_text() == "dear"


def test_an_unexpected_error_is_one_line_that_names_it(capsys, monkeypatch):
    fail_with(monkeypatch, ZeroDivisionError("division by zero\nin many lines"))
    code, err = run(capsys, "score", "runs/base")
    assert code == 70
    assert err.startswith("ninefold: unexpected ZeroDivisionError: division by zero; repeat the command with --debug")
    assert err.count("\n") == 1
    code, err = run(capsys, "--debug", "score", "runs/base")
    assert code == 70
    assert "Traceback" in err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_command_says_how_to_go_on(capsys, monkeypatch, number, code):
    monkeypatch.setattr("ninefold.evaluation.score.score", lambda folder: os.kill(os.getpid(), number))
    before = signal.getsignal(signal.SIGTERM)
    try:
        found, err = run(capsys, "score", "runs/base")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (found, err) == (code, "ninefold: interrupted; run the same command again to go on\n")


@pytest.mark.parametrize(
    ("command", "code", "err"),
    [
        ("models > /dev/full", 2, "ninefold: the disk is full; make room and run the same command again\n"),
        ("modelz 2> /dev/full", 2, ""),
        ("models >&-", 0, ""),
        ("modelz 2>&-", 2, ""),
    ],
)
def test_streams_that_cannot_be_written_are_no_traceback(command, code, err):
    done = subprocess.run(
        f"{sys.executable} -m ninefold {command}", shell=True, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (code, err)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("evaluat", "evaluat: `ninefold` has no such command (did you mean evaluate?); see `ninefold --help`"),
        (
            "data synthtic",
            "synthtic: `ninefold data` has no such command (did you mean synthetic?); see `ninefold data",
        ),
        ("", "`ninefold` needs a command: demo, data, train,"),
        ("nano", "`ninefold nano` needs a command: world, pretrain; see `ninefold nano --help`"),
        (
            "verify x",
            "verify: `ninefold` has no such command (did you mean `ninefold data verify`?); see `ninefold --help`",
        ),
        ("train --lr 1", "--lr: `ninefold train` has no such option (did you mean --learning-rate?); see"),
        ("train --adapter x", "--adapter: `ninefold train` has no such option; see"),
        ("evaluate --model a --data b --out c --limit abc", "--limit abc: not a whole number; see"),
        ("evaluate --model a --data b --out c --max-new-tokens 1.5", "--max-new-tokens 1.5: not a whole number; see"),
        ("train --model a --data b --out c --learning-rate x", "--learning-rate x: not a number; see"),
        ("evaluate --model a --data b --out c --scoring x", "--scoring x: choose one of choice, generate; see"),
        ("evaluate --model a --data b c --out d", "c: one value too many (--data takes one); see"),
        ("evaluate --modle nano", "--modle: `ninefold evaluate` has no such option (did you mean --model?); see"),
        ("evaluate --model nano", "`ninefold evaluate` needs --out; see `ninefold evaluate --help`"),
        ("evaluate --model nano --out r", "name the questions with --data FOLDER, or with --benchmark NAME (vsr-"),
        ("data verify", "`ninefold data verify` needs FOLDER; see"),
        ("data synthetic --split tst --out x", "--split tst: choose one of test, train; see"),
        (
            "data synthetic --split test --grid x --out x",
            "--grid x: not a whole number; see",
        ),
        ("train --model", "--model: needs a value; see"),
        ("score", "`ninefold score` needs a run"),
        ("train --model nano --data a b --weights 0.5 x --out r", "--weights 0.5 x: must be numbers; see"),
        ("data verify a b", "b: one value too many; see"),
        ("train --model nano --data a --data=b --out r", "--data: is given twice; give it once, several values after"),
    ],
)
def test_what_was_typed_wrongly_is_one_line_with_the_nearest_name(capsys, arguments, said):
    code, err = run(capsys, *arguments.split())
    assert code == 2 and err.count("\n") == 1
    assert err.startswith(f"ninefold: {said}")


@pytest.mark.parametrize(
    "command", ["", "train", "evaluate", "report", "score", "data", "data synthetic", "data coco", "nano pretrain"]
)
def test_help_fits_a_terminal(capsys, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    text = capsys.readouterr().out
    assert all(len(line) <= 80 for line in text.splitlines())
    for word in ("Subcommand.", "model.shortcuts", "(1, 620", "default: None", "default: )", "[[", "docs/", "..."):
        assert word not in re.sub(r"(RUN|PATH|FLOAT|ID|report DIR) \.\.\.", "", text)
    # A description is one paragraph: the next word of a row would not fit beside the one before.
    rows = [line[1:-1] for line in text.partition("─ options")[2].splitlines() if line.startswith("│   ")]
    for row, after in pairwise(rows if command else []):
        if not row.rstrip().endswith((".", ")")):
            assert len(row.rstrip()) + 1 + len(after.split()[0]) > 77, row


def test_a_closed_pipe_is_no_error():
    head = subprocess.run(
        f"{sys.executable} -m ninefold models | true; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=True,
    )
    assert head.stdout == "0\n"
    assert head.stderr == ""


def test_version(capsys):
    main(["--version"])
    assert capsys.readouterr().out == f"ninefold {__version__}\n"


def test_a_folder_that_is_no_data_set_is_a_mistake_and_no_finding(capsys, tmp_path):
    code, err = run(capsys, "data", "verify", tmp_path)
    assert code == 2
    assert str(tmp_path) in err


def test_global_options_are_taken_from_anywhere():
    taken = options.take(["--plugin", "a.py", "data", "--plugin=b.py", "verify", "--debug", "x"], {})
    assert taken == options.Options(True, (options.Path("a.py"), options.Path("b.py")), False, ("data", "verify", "x"))
    named = options.take([], {options.PLUGINS: f"c.py{options.os.pathsep}d.py"})
    assert [path.name for path in named.plugins] == ["c.py", "d.py"]


def test_a_plugin_is_imported_before_the_command(capsys, plugin):
    path = plugin("from dataclasses import dataclass\n@dataclass\nclass Mine:\n    x: int\nprint('mine is here')")
    main(["--plugin", str(path), "data", "questions"])
    assert capsys.readouterr().out.startswith("mine is here\n")
    # A second command of the same process finds it imported.
    main(["--plugin", str(path), "data", "questions"])
    assert "mine is here" not in capsys.readouterr().out


def test_a_plugin_may_stand_where_python_looks_for_modules(capsys, plugin, monkeypatch):
    path = plugin("print('mine is here')")
    monkeypatch.syspath_prepend(str(path.parent))
    monkeypatch.chdir(path.parent)
    main(["--plugin", path.name, "data", "questions"])
    assert capsys.readouterr().out.startswith("mine is here\n")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("x = 1\ny = missing\n", "line 2: NameError: name 'missing' is not defined"),
        ("x = (\n", "line 1: SyntaxError"),
        ("from ninefold.errors import DataError\nraise DataError('no such row')", "line 2: no such row"),
    ],
)
def test_a_broken_plugin_is_one_line_that_names_the_line(capsys, plugin, text, hint):
    path = plugin(text)
    code, err = run(capsys, "models", "--plugin", path)
    assert code == 2
    assert err.startswith(f"ninefold: --plugin {path}: {hint}")
    assert err.count("\n") == 1


def test_a_plugin_needs_a_file_and_a_name_of_its_own(plugin, tmp_path):
    with pytest.raises(PluginError, match="no such file"):
        plugins.load_plugin(tmp_path / "nothing.py")
    with pytest.raises(PluginError, match="rename the file"):
        plugins.load_plugin(plugin("", name="numpy"))
    with pytest.raises(PluginError, match="such as my_models"):
        plugins.load_plugin(plugin("", name="my-own"))
    with pytest.raises(PluginError, match="name the Python file"):
        options.take(["models", "--plugin"], {})


@pytest.mark.parametrize("text", ['import sys\nsys.exit("a\\nb")', "raise SystemExit", "import sys\nsys.exit(0)"])
def test_a_plugin_that_ends_python_is_one_line(capsys, plugin, text):
    code, said = run(capsys, "--plugin", plugin(text), "models")
    assert code == PluginError.exit_code
    assert said.startswith("ninefold: --plugin") and "SystemExit" in said and said.count("\n") == 1


@pytest.fixture
def odd_paths(tmp_path, monkeypatch):
    """A working folder with a file, links that lead nowhere, a pipe and a folder of the user's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "thesis.tex").write_text("mine")
    return tmp_path


PATHS = ("file", "file/x", "dangling", "loop", "loop/x", "pipe", "/dev/full", "/proc/x", "n" * 300, "dir", ".", "/")
COMMANDS = (
    "data synthetic --split test --grid 3 --canvas 48 --out",
    "nano world --pictures 1 --out",
    "report nothing --out",
    "data verify",
    "data coco --images dir --out set --annotations",
    "data coco --annotations file --out set --images",
    "evaluate --model nano --out run --data",
    "evaluate --data dir --model nano --out",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_odd_paths_are_one_line_and_nothing_is_lost(capsys, odd_paths, command):
    before = sorted(path.name for path in odd_paths.iterdir())
    for path in PATHS:
        code, err = run(capsys, *command.split(), path)
        assert (code, err.count("\n")) == (2, 1) and err.startswith("ninefold: "), (path, err)
        assert "unexpected" not in err
    assert sorted(path.name for path in odd_paths.iterdir()) == before
    assert (odd_paths / "file").read_text() == (odd_paths / "dir" / "thesis.tex").read_text() == "mine"
