"""Downloads of images: each URL once, checked, and remembered whether it succeeds or fails."""

import asyncio
import ipaddress
import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx2
import xxhash

from ninefold import images, store
from ninefold.errors import DataError, first_line, printable
from ninefold.version import __version__

LARGEST = 50 << 20
"""Largest number of bytes of an image."""

DEADLINE = 60.0
"""Maximum seconds of a download, with its redirects and retries."""

CONNECT_TIMEOUT = 10.0
"""Maximum seconds until a connection is established."""

AT_ONCE = 16
"""Number of downloads at the same time."""

REDIRECTS = 5
"""Largest number of redirects that are followed."""

PAUSES = (1.0, 4.0)
"""Seconds before each retry, of a server that is busy or cannot be reached."""

UNREACHED = 64
"""Number of images in a row that cannot be reached at all, after which it is the own connection that is broken."""

FAILURES = "not_downloaded.jsonl"
"""The file of failures in the folder of images: one line of URL and reason each."""

_BUSY = {408, 425, 429, 500, 502, 503, 504}


def is_url(image: str) -> bool:
    """Whether an image is given by URL."""
    return image[:8].lower().startswith(("http://", "https://"))


def file_of(url: str, folder: Path) -> Path:
    """Return the file in a folder that an image is downloaded to: named by the hash of its URL."""
    name = xxhash.xxh3_128_hexdigest(url.encode(errors="backslashreplace"))
    return folder / name[:2] / name


class _Failed(NamedTuple):
    """Why an image is not had."""

    reason: str
    """In words."""
    is_busy: bool = False
    """Whether a retry may succeed."""
    is_answer: bool = True
    """Whether a server has answered."""


class Downloads:
    """Downloads to a folder; all work is done in one event loop.

    Files appear whole. A failure is remembered in the folder, and its URL is asked for again only if that is wished.
    """

    def __init__(self, folder: Path, *, retry: bool) -> None:
        """Prepare; nothing is downloaded yet.

        Args:
            folder: The folder of images.
            retry: Whether URLs that have failed before are asked for again.

        Raises:
            DataError: If the environment names a proxy that cannot be used.
        """
        self._folder = folder
        self._failed = {} if retry else _failures(folder / FAILURES)
        self._unreached: list[tuple[str, str]] = []
        self._is_offline = self._is_answered = False
        self._free = asyncio.Semaphore(AT_ONCE)
        try:
            self._http = httpx2.AsyncClient(
                # Images are compressed already, and a small compressed body may be a huge one.
                headers={"Accept-Encoding": "identity", "User-Agent": f"ninefold/{__version__}"},
                limits=httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE),
                timeout=httpx2.Timeout(DEADLINE, connect=CONNECT_TIMEOUT),
            )
        except (ImportError, ValueError, httpx2.InvalidURL) as error:
            raise DataError(
                "the proxy that the environment names (HTTP_PROXY, HTTPS_PROXY or ALL_PROXY) cannot be used; unset it"
            ) from error

    async def get(self, url: str) -> Path | str:
        """Return the file of an image, downloaded if it is not there, or why it cannot be had.

        Raises:
            DataError: If the last images could not be reached at all.
            OSError: If the file cannot be written.
        """
        path = file_of(url, self._folder)
        if await asyncio.to_thread(path.is_file):
            return path
        if url in self._failed:
            return self._failed[url]
        async with self._free:
            found = await self._tried(url)
            if isinstance(found, bytes):
                reason = await asyncio.to_thread(_why_no_image, found)
                found = _Failed(reason) if reason else found
            if isinstance(found, bytes):
                await asyncio.to_thread(store.write_bytes, path, found)
        self._note(url, found)
        return found.reason if isinstance(found, _Failed) else path

    async def close(self) -> None:
        """Close all connections, and write down the last failures, unless nobody has answered at all."""
        if self._is_answered:
            self._write_failures()
        await self._http.aclose()

    def _note(self, url: str, found: bytes | _Failed) -> None:
        """Remember a failure. Those that may come from the own connection are written only when a server answers."""
        if isinstance(found, _Failed):
            self._failed[url] = found.reason
            self._unreached.append((url, found.reason))
        if isinstance(found, bytes) or found.is_answer:
            self._is_answered = True
            self._write_failures()
        elif len(self._unreached) >= UNREACHED:
            self._is_offline = True
            raise DataError(
                f"the last {UNREACHED} images could not be reached (the last: {found.reason}, {url:.200}); check the"
                " connection and run the same command again, or leave images out"
            )

    def _write_failures(self) -> None:
        if self._unreached and not self._is_offline:
            self._folder.mkdir(parents=True, exist_ok=True)
            # The line break comes first: a line that a crash has cut short spoils no other.
            lines = (f"\n{json.dumps({'url': url, 'reason': reason})}" for url, reason in self._unreached)
            with (self._folder / FAILURES).open("a", encoding="utf-8") as file:
                file.write("".join(lines))
            self._unreached.clear()

    async def _tried(self, url: str) -> bytes | _Failed:
        found: bytes | _Failed = _Failed(f"no complete answer within {DEADLINE:g} s", is_answer=False)
        with suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE):
                for pause in (*PAUSES, None):
                    found = await self._once(url)
                    if isinstance(found, bytes) or not found.is_busy or pause is None:
                        break
                    await asyncio.sleep(pause)
        return found

    async def _once(self, url: str) -> bytes | _Failed:
        try:
            return await self._answer(url)
        except httpx2.HTTPError as error:
            unreachable = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError)
            told = printable(first_line(error))[:200] if str(error) else type(error).__name__
            return _Failed(f"cannot be reached ({told})", is_busy=True, is_answer=not unreachable)
        except (httpx2.InvalidURL, ValueError, OSError) as error:
            return _Failed(f"not a usable URL ({printable(first_line(error))[:200]})")

    async def _answer(self, url: str) -> bytes | _Failed:
        at = url
        for _ in range(REDIRECTS + 1):
            async with self._http.stream("GET", at) as response:
                following = (
                    response.headers.get("location") if response.status_code in (301, 302, 303, 307, 308) else None
                )
                if following is None:
                    return await _content(response)
            at = urljoin(at, following)
            if not is_url(at) or not await _may_follow(url, at):
                return _Failed(f"a redirect to {printable(at)[:200]}, which is not followed")
        return _Failed(f"more than {REDIRECTS} redirects")


async def _content(response: httpx2.Response) -> bytes | _Failed:
    if response.status_code != 200:
        phrase = printable(response.reason_phrase)[:60]
        return _Failed(f"{response.status_code} {phrase}".strip(), is_busy=response.status_code in _BUSY)
    parts, size = [], 0
    async for part in response.aiter_raw():
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            return _Failed(f"larger than {LARGEST >> 20} MiB")
    return b"".join(parts)


async def _may_follow(origin: str, target: str) -> bool:
    """Whether a redirect may lead there: into a private network only from within it, where the user has named it."""
    return not await _is_private(target) or await _is_private(origin)


async def _is_private(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        found = [ipaddress.ip_address(host)]
    except ValueError:
        try:
            answers = await asyncio.get_running_loop().getaddrinfo(host, None)
        except (OSError, UnicodeError):
            return False  # The request itself fails too, or a proxy knows the name.
        found = [ipaddress.ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]
    return any(not address.is_global for address in found)


def _why_no_image(content: bytes) -> str:
    try:
        images.open_rgb(content, name="the answer")
    except DataError as error:
        return f"not an image ({str(error).removeprefix('the answer: ')})"
    return ""


def _failures(path: Path) -> dict[str, str]:
    """Return the reasons of earlier failures by URL; a line that a crash has cut short is passed over."""
    found = {}
    with suppress(FileNotFoundError), path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            with suppress(ValueError, KeyError, TypeError):
                row = json.loads(line)
                found[str(row["url"])] = str(row["reason"])
    return found
