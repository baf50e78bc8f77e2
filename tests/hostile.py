"""Files and command lines changed at random, and the one judgment of what a command makes of them.

A command ends with 0, or with one line on standard error and 1 (a broken fact) or 2 (a user's mistake). ``make fuzz``
tries many more inputs than a normal run, does not stop at the first fault, and prints what it counted.
"""

import contextlib
import copy
import faulthandler
import io
import json
import os
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from ninefold.cli import app
from ninefold.errors import NinefoldError

Result = TypeVar("Result")

INPUTS = int(os.environ.get("NINEFOLD_FUZZ", "0"))
"""Number of inputs of each test in the long form; 0 for the few of a normal run."""

SECONDS = 120
"""Time after which a command counts as one that does not end."""

DEEP = "[" * 9999 + "]" * 9999
"""Lists within lists. Tests draw its name, because hypothesis prints what it draws."""

ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 3, 1.0, 1.5, 10**6, 10**12, 2**63, -(2**70), 10**310),
    *(float("nan"), float("inf"), -float("inf"), 1e308, 5e-324),
    *("", " ", "x", "1", "01", "nan", "test", "Fish ", "\ud800", "a\nb", "\0", "\x1b[31m", "é", "x" * 300),
    *("../../x", "/etc/hosts", "sub\\0.png", "images/1.png", "%2e%2e/x", "0.png", "float12", "DEEP"),
    *([], {}, [None], [1], ["x"], {"a": 1}, {"a": None}, [[[]]], [0.1, 0.2, 0.3, 0.4], ["1", "2", "3", "4"]),
]
"""Values that a JSON file may hold where another was; "DEEP" stands for lists within lists.

The long ones stay short enough to be read in a report."""

TEXTS = [
    *(
        "",
        "null",
        "[]",
        "{}",
        "[1]",
        "3",
        '"x"',
        "NaN",
        '{"a": NaN}',
        '{"a":',
        "\0",
        "\ufeff{}",
        "not JSON",
        "---\n- - x",
    ),
    *("OPEN", "DEEP", '{"a": "DEEP"}'),
]
"""Whole contents of a text file."""

NOT_READ = {"vocab", "merges"}
"""Keys of JSON files whose thousands of entries are all alike."""


def fuzz(short: int) -> settings:
    """Return the settings of a test that tries a few inputs, always the same, or ``NINEFOLD_FUZZ`` of them."""
    return settings(
        max_examples=INPUTS or short,
        deadline=None,
        database=None,
        derandomize=not INPUTS,
        phases=[Phase.generate] if INPUTS else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


class Tally:
    """What was tried, and the faults of the long form: each kind once, with its number and its first input."""

    def __init__(self) -> None:
        self.inputs = 0
        self.codes: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()
        self.first: dict[str, str] = {}

    def fault(self, kind: str, what: str) -> None:
        """Count a fault; in the short form, it ends the test."""
        self.faults[kind] += 1
        self.first.setdefault(kind, what)
        assert INPUTS, f"{kind}\n{what}"


TALLY = Tally()


class Hanging(BaseException):
    """A command that does not end."""


def run(*arguments: object, about: str = "") -> tuple[int, str]:
    """Run a command in this process, and return its exit code and what it said on standard error.

    Args:
        arguments: The command line, without the program.
        about: What was changed before, for the message about a fault.
    """
    line = [str(argument) for argument in arguments]
    what = f"ninefold {line!r:.600} {about}"
    code, caught = 0, []
    # The standard streams as a process has them: of an encoding, and standard output strict.
    out, said = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors) for errors in ("strict", "backslashreplace"))
    explain, handler = app._explain, signal.signal(signal.SIGALRM, _hanging)
    term = signal.getsignal(signal.SIGTERM)
    app._explain = lambda error: (caught.append(error), explain(error))[1]
    signal.alarm(SECONDS)
    # Code in C does not hear the signal.
    faulthandler.dump_traceback_later(2 * SECONDS, exit=True, file=sys.__stderr__)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            app.main(line)
            out.flush()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 70
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        code, caught = 70, [error]
    finally:
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()
        app._explain = explain
        signal.signal(signal.SIGALRM, handler)
        signal.signal(signal.SIGTERM, term)
    said.flush()
    text = said.buffer.getvalue().decode("utf-8")
    TALLY.codes[code] += 1
    if code not in (0, 1, 2):
        TALLY.fault(_kind(caught), f"{what}\n{''.join(traceback.format_exception(caught[0])) if caught else text}")
    # What a command does is said before, such as "loading X"; the error is the last line.
    elif code and not (_last(text).startswith("ninefold: ") and text.count("ninefold: ") == 1 and len(text) < 2000):
        TALLY.fault(f"not one line: {_last(text):.60}", f"{what}\n{text:.3000}")
    return code, text


def attempt(function: Callable[[], Result], about: str) -> Result | None:
    """Call a function of the library; an error must be one of ninefold's, in one line."""
    try:
        return function()
    except NinefoldError as error:
        if "\n" in str(error):
            TALLY.fault("not one line", f"{about}\n{error}")
    except Exception as error:
        TALLY.fault(_kind([error]), f"{about}\n{''.join(traceback.format_exception(error))}")
    return None


def check(holds: object, what: str, about: str) -> None:
    """Count a fault unless something holds."""
    if not holds:
        TALLY.fault(f"not so: {what}", about)


def _last(text: str) -> str:
    return text.strip().rpartition("\n")[2]


def _kind(caught: list[BaseException]) -> str:
    """Return an error's type and the last place in ninefold that it came through."""
    if not caught:
        return "another exit code"
    frames = [at for at in traceback.extract_tb(caught[0].__traceback__) if "/ninefold/" in at.filename]
    place = f"{frames[-1].filename.rpartition('/ninefold/')[2]} {frames[-1].name}" if frames else ""
    return f"{type(caught[0]).__name__} at {place}"


def _hanging(number: int, frame: object) -> None:
    raise Hanging(f"not ended after {SECONDS} s")


@contextlib.contextmanager
def copied(*folders: Path, to: Path) -> Iterator[list[Path]]:
    """Copy folders for one input, and remove the copies afterwards, with all else that was written beside them."""
    TALLY.inputs += 1
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    try:
        yield [Path(shutil.copytree(folder, to / folder.name, symlinks=True)) for folder in folders]
    finally:
        shutil.rmtree(to, ignore_errors=True)


def files_of(folder: Path) -> list[Path]:
    """Return the files under a folder, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def spoil(path: Path, data: st.DataObject) -> str:
    """Change one file in a way that fits its kind, and return a description."""
    how = data.draw(st.sampled_from(["value"] * 8 + ["bytes", "bytes", "text", "another kind of file"]))
    whole = path.read_bytes()
    if how == "another kind of file":
        how = data.draw(st.sampled_from(["gone", "folder", "dangling link", "circle", "pipe"]))
        path.unlink()
        if how == "folder":
            path.mkdir()
        elif how == "pipe":
            os.mkfifo(path)
        elif how != "gone":
            path.symlink_to("nowhere" if how == "dangling link" else path.name)
        return f"{path.name}: {how}"
    if how == "text" or path.suffix in (".jinja", ".md"):
        text = data.draw(st.sampled_from(TEXTS))
        path.write_text(text.replace('"DEEP"', DEEP).replace("DEEP", DEEP).replace("OPEN", "[" * 99_999))
        return f"{path.name}: {text!r}"
    if how == "value" and path.suffix in (".json", ".jsonl", ".parquet", ".safetensors"):
        change = {".json": _json, ".jsonl": _lines, ".parquet": _parquet, ".safetensors": _tensors}[path.suffix]
        with contextlib.suppress(ValueError, RecursionError):  # Another change has spoiled it before.
            content, told = change(whole, data)
            path.write_bytes(content)
            return f"{path.name}: {told}"
    content = data.draw(mutated_bytes(whole))
    path.write_bytes(content)
    return f"{path.name}: bytes, {len(whole)} before, {len(content)} now"


@st.composite
def mutated_bytes(draw: st.DrawFn, whole: bytes) -> bytes:
    """Draw a content that is cut short, or that has some bytes replaced, removed or put in."""
    at = draw(st.integers(0, max(0, len(whole) - 1)))
    if draw(st.booleans()):
        return whole[:at]
    return whole[:at] + draw(st.binary(max_size=6)) + whole[at + draw(st.integers(0, 6)) :]


@st.composite
def mutated_tree(draw: st.DrawFn, tree: Any, most: int = 2) -> tuple[Any, str]:
    """Draw a JSON value with a few of its values set to odd ones, removed or repeated, and what was changed."""
    holder = {"": copy.deepcopy(tree)}
    told = []
    for _ in range(draw(st.integers(1, most))):
        path = draw(st.sampled_from([*_places(holder)]))
        inner: Any = holder
        for key in path[:-1]:
            inner = inner[key]
        how = draw(st.sampled_from(["set", "set", "set", "remove", "repeat"]))
        if how == "remove" and len(path) > 1:
            del inner[path[-1]]
        elif how == "repeat" and isinstance(inner, list):
            inner.append(copy.deepcopy(inner[path[-1]]))
        else:
            how = value = draw(st.sampled_from(ODD))
            inner[path[-1]] = copy.deepcopy(value)
        told.append(f"{'/'.join(map(str, path))} {how!r:.40}")
    return holder[""], ", ".join(told)


def dumped(tree: Any) -> bytes:
    """Return a JSON text, with lists within lists where the tree says "DEEP"."""
    return json.dumps(tree).replace('"DEEP"', DEEP).encode()


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*path, key)
        if key not in NOT_READ:
            yield from _places(inner, (*path, key))


def _json(whole: bytes, data: st.DataObject) -> tuple[bytes, str]:
    tree, told = data.draw(mutated_tree(json.loads(whole)))
    return dumped(tree), told


def _lines(whole: bytes, data: st.DataObject) -> tuple[bytes, str]:
    lines = whole.splitlines(keepends=True) or [b"null"]
    at = data.draw(st.integers(0, len(lines) - 1))
    content, told = _json(lines[at], data)
    return b"".join([*lines[:at], content, b"\n", *lines[at + 1 :]]), f"line {at + 1}, {told}"


def _tensors(whole: bytes, data: st.DataObject) -> tuple[bytes, str]:
    size = int.from_bytes(whole[:8], "little")
    header, told = _json(whole[8 : 8 + size], data)
    length = data.draw(st.sampled_from([len(header)] * 5 + [0, 1, len(header) + 1, 2**40, 2**63]))
    return length.to_bytes(8, "little") + header + whole[8 + size :], f"header of {length}, {told}"


OTHER_TYPES = [
    pa.int32(), pa.float64(), pa.string(), pa.large_string(), pa.binary(), pa.bool_(), pa.timestamp("s"), pa.null(),
    pa.list_(pa.int8()), pa.list_(pa.string()), pa.struct({"bytes": pa.binary(), "path": pa.string()}),
    pa.dictionary(pa.int32(), pa.string()),
]  # fmt: skip

ODD_CELLS: list[Any] = [
    *(None, "", "x", "\0", "a\nb", "DEEP", '{"things": [{}]}', "x" * 5000, "empty", "labels"),
    *(-1, 0, 9, 2**62, float("nan"), float("inf"), True, b"", b"\xff", [], [None], ["x", "x"], [0.5, float("nan")]),
    *({"bytes": None, "path": None}, {"bytes": b"", "path": None}, {"bytes": b"no picture", "path": None}),
    *({"bytes": None, "path": "nowhere.png"}, {"bytes": None, "path": "/"}, {"bytes": None, "path": "a\0b"}),
]


def _parquet(whole: bytes, data: st.DataObject) -> tuple[bytes, str]:
    table = pq.read_table(io.BytesIO(whole))
    index = data.draw(st.integers(0, table.num_columns - 1))
    field = table.schema.field(index)
    how = data.draw(st.sampled_from(["cell", "cell", "cell", "gone", "nulls", "type", "renamed", "rows", "order"]))
    told = f"{field.name} {how}"
    match how:
        case "cell":
            at = data.draw(st.integers(0, len(table) - 1))
            cells = table.column(index).to_pylist()
            cells[at] = value = data.draw(st.sampled_from(ODD_CELLS))
            if value == "DEEP":
                cells[at] = DEEP
            if not _fits(cells, field.type):
                cells[at] = None
            table = table.set_column(index, pa.field(field.name, field.type), pa.array(cells, field.type))
            told = f"{field.name} row {at} {value!r:.40}"
        case "gone":
            table = table.remove_column(index)
        case "nulls":
            table = table.set_column(index, field.name, pa.nulls(len(table), field.type))
        case "type":
            kind = data.draw(st.sampled_from(OTHER_TYPES))
            table = table.set_column(index, field.name, pa.nulls(len(table), kind))
            told = f"{field.name} of type {kind}"
        case "renamed":
            table = table.rename_columns([*table.column_names[:index], "odd", *table.column_names[index + 1 :]])
        case "rows":
            start, count = data.draw(st.integers(0, len(table))), data.draw(st.sampled_from([0, 1, len(table)]))
            table = pa.concat_tables([table.slice(start, count), table.slice(0, data.draw(st.sampled_from([0, 3])))])
            told = f"rows {start} to {start + count}, and more"
        case "order":
            table = table.take(list(reversed(range(len(table)))))
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue(), told


def _fits(cells: list[Any], kind: pa.DataType) -> bool:
    try:
        pa.array(cells, kind)
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        return False
    return True
