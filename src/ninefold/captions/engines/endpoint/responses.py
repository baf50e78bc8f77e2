"""The responses of a served model, kept in a file as they come: what was paid once is never asked again."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

from ninefold.captions.spec import Serving
from ninefold.errors import DataError, first_line

VERSION = 1
"""Version of the file's form."""

LONGEST_WAIT = 60.0
"""Maximum seconds to wait while another process writes to the file."""

_TABLE = """
CREATE TABLE IF NOT EXISTS responses (
    key TEXT PRIMARY KEY, text TEXT NOT NULL, truncated INTEGER NOT NULL, refused TEXT,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, paid INTEGER NOT NULL
)
"""
_READ = "SELECT text, truncated, refused, prompt_tokens, completion_tokens FROM responses WHERE key = ?"
_WRITE = """
INSERT INTO responses VALUES (?, ?, ?, ?, ?, ?, 1) ON CONFLICT (key) DO UPDATE SET
    text = excluded.text, truncated = excluded.truncated, refused = excluded.refused, paid = paid + 1,
    prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    completion_tokens = completion_tokens + excluded.completion_tokens
"""
_ABSORB = """
INSERT INTO responses SELECT * FROM part.responses WHERE true ON CONFLICT (key) DO UPDATE SET
    text = excluded.text, truncated = excluded.truncated, refused = excluded.refused, paid = paid + excluded.paid,
    prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    completion_tokens = completion_tokens + excluded.completion_tokens
"""
_TOTAL = "SELECT TOTAL(paid), TOTAL(prompt_tokens), TOTAL(completion_tokens) FROM responses"


@dataclass(frozen=True, slots=True)
class Response:
    """What a served model has answered to a request."""

    text: str
    """Its text; lone surrogates are replaced."""
    truncated: bool = False
    """Whether the token limit cut it off."""
    refused: str | None = None
    """Why there is no answer, or None."""
    prompt_tokens: int = 0
    """Number of tokens of the prompt, as the server tells it."""
    completion_tokens: int = 0
    """Number of generated tokens, as the server tells it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What requests have cost in this process."""

    paid: int = 0
    """Number of requests that the server has answered."""
    reused: int = 0
    """Number of requests that were answered from the file, or by an equal request."""
    prompt_tokens: int = 0
    """Number of prompt tokens of the paid requests."""
    completion_tokens: int = 0
    """Number of generated tokens of the paid requests."""

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(**{name: value + getattr(other, name) for name, value in asdict(self).items()})

    def cost(self, served: Serving) -> float | None:
        """Return the price of the paid requests; None if no price of tokens is given."""
        if served.price_in is None and served.price_out is None:
            return None
        return (self.prompt_tokens * (served.price_in or 0) + self.completion_tokens * (served.price_out or 0)) / 1e6

    def sentence(self, served: Serving) -> str:
        """Return the numbers in words, with the price where prices of tokens are given."""
        cost = self.cost(served)
        return (
            f"{self.paid:,} requests paid ({self.prompt_tokens:,} prompt tokens, {self.completion_tokens:,} generated"
            f" tokens{'' if cost is None else f', at a price of {cost:,.4f}'}),"
            f" {self.reused:,} answered from responses kept before"
        )


class Responses:
    """The responses by key; shared by threads, and the file by processes of one machine.

    A response is on the disk, past the system's buffers, before it is used. While a request is under way, an equal one
    waits for its response instead of being sent.
    """

    def __init__(self, path: Path | None, *, earlier: Path | None = None) -> None:
        """Open a file, or make it with its folder; without one, responses are kept in memory.

        What other machines have kept in its parts (see `part_of`) is moved to it.

        Args:
            path: The file.
            earlier: File that is read too, but not written, and that nobody writes meanwhile.

        Raises:
            DataError: If the file cannot be read as one of responses.
        """
        self._path = path
        # Taken in this order where several are needed.
        self._lock = threading.Lock()
        self._file_lock = threading.Lock()
        self._batch_lock = threading.Lock()
        self._under_way: dict[str, Future[Response]] = {}
        self._unwritten: list[tuple[str, Response]] = []
        self._asked_again: set[str] = set()
        self._usage = Usage()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        with self._explained():
            self._file = sqlite3.connect(path or ":memory:", timeout=LONGEST_WAIT, check_same_thread=False)
            self._file.execute("PRAGMA synchronous=FULL")
            # A journal beside the file, unlike a write-ahead log, works on every file system.
            self._file.execute("PRAGMA journal_mode=DELETE")
            version = self._file.execute("PRAGMA user_version").fetchone()[0]
            if version not in {0, VERSION}:
                raise sqlite3.DatabaseError(f"its version is {version}")
            if version == 0:
                with self._file:
                    self._file.execute(_TABLE)
                    self._file.execute(f"PRAGMA user_version={VERSION}")
            self._files = [self._file]
            if earlier is not None and earlier.exists():
                address = f"{earlier.absolute().as_uri()}?immutable=1"
                self._files.append(sqlite3.connect(address, uri=True, check_same_thread=False))
        if path is not None:
            self._absorb_parts(path)

    @property
    def usage(self) -> Usage:
        """What the requests of this process have cost so far."""
        with self._lock:
            return self._usage

    def total(self) -> Usage:
        """Return what all responses of the file have cost, also those of earlier processes."""
        with self._file_lock, self._explained():
            row = self._file.execute(_TOTAL).fetchone()
        return Usage(paid=int(row[0]), prompt_tokens=int(row[1]), completion_tokens=int(row[2]))

    def get_or_ask(
        self, key: str, ask: Callable[[], Response], *, is_good: Callable[[Response], bool] = lambda response: True
    ) -> Response:
        """Return the response of a key; ``ask`` is called if there is none, and none is under way.

        Args:
            key: What determines the response.
            ask: Asks for it.
            is_good: Whether a response that was kept before is to be used; if not, it is asked for once more.

        Raises:
            Exception: What ``ask`` raises; threads that wait for the same key raise it too.
            DataError: If the file cannot be read or written.
        """
        with self._lock:
            under_way = self._under_way.get(key)
            if under_way is None:
                known = self._known(key)
                if known is not None and (key in self._asked_again or is_good(known)):
                    return self._reused(known)
                if known is not None:
                    self._asked_again.add(key)
                mine = self._under_way[key] = Future()
        if under_way is not None:
            response = under_way.result()
            with self._lock:
                return self._reused(response)
        try:
            response = self.keep(key, ask())
        except BaseException as error:
            mine.set_exception(error)
            raise
        else:
            mine.set_result(response)
            return response
        finally:
            with self._lock:
                del self._under_way[key]

    def kept(self, key: str, *, is_good: Callable[[Response], bool] = lambda response: True) -> Response | None:
        """Return the response that is kept under a key and is to be used; None if there is none."""
        with self._lock:
            known = self._known(key)
            return None if known is None or not is_good(known) else self._reused(known)

    def close(self) -> None:
        """Close the file; it may be left open when the process ends, too."""
        for file in self._files:
            file.close()

    def _absorb_parts(self, path: Path) -> None:
        folder = part_of(path, 0).parent
        if not folder.is_dir():
            return
        for part in sorted(folder.glob("*.sqlite")):
            Responses(part).close()  # Rolls back what a killed process has left, or refuses what is no such file.
            with self._explained():
                self._file.execute("ATTACH ? AS part", (str(part),))
                # Both files change together: a crash must not count a payment twice.
                with self._file:
                    self._file.execute(_ABSORB)
                    self._file.execute("DELETE FROM part.responses")
                self._file.execute("DETACH part")
            part.unlink()
        with suppress(OSError):
            folder.rmdir()

    def _known(self, key: str) -> Response | None:
        with self._file_lock, self._explained():
            rows = (file.execute(_READ, (key,)).fetchone() for file in self._files)
            row = next(filter(None, rows), None)
        return None if row is None else Response(row[0], bool(row[1]), *row[2:])

    def _reused(self, response: Response) -> Response:
        self._usage += Usage(reused=1)
        return response

    def keep(self, key: str, response: Response) -> Response:
        """Write a response to the disk; those that came meanwhile are written with it."""
        with self._lock:
            self._usage += Usage(1, 0, response.prompt_tokens, response.completion_tokens)
        with self._batch_lock:
            self._unwritten.append((key, response))
        with self._file_lock:
            with self._batch_lock:
                rows, self._unwritten = self._unwritten, []
            try:
                with self._explained(), self._file:
                    self._file.executemany(_WRITE, map(_row, rows))
            except BaseException:
                with self._batch_lock:
                    self._unwritten = rows + self._unwritten
                raise
        return response

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise the errors of SQLite as one line."""
        try:
            yield
        except sqlite3.Error as error:
            raise DataError(f"{self._path or 'responses'}: {_explanation(error)}") from error


def part_of(path: Path, block: int) -> Path:
    """Return the file in which a machine of a cluster keeps the responses of one block, until they are moved."""
    return path.with_name(f"{path.name}.blocks") / f"{block:06d}.sqlite"


def _row(kept: tuple[str, Response]) -> tuple[object, ...]:
    key, response = kept
    return (key, *astuple(response))


def _explanation(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return f"another process has been writing to it for {LONGEST_WAIT:.0f} s; end that one, or wait for it"
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}:
        return f"cannot be read or written ({first_line(error)}); check the disk and the permissions, and run it again"
    return (
        f"not readable as the file of paid responses ({first_line(error)}); move it away, and the same command asks for"
        " its responses again"
    )
