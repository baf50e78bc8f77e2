"""The page of a large study: time and memory to write it, its size, and the time in which Chromium opens it.

The study is made up: 6 models x 14 conditions x 5 seeds x 4 tests. The page is opened several times in a browser
without a window, and times are those that the browser itself measures (navigation and paint timing).
"""

import argparse
import fcntl
import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from fabricated_study import Fabricated, make

from ninefold.report.study.page import write_page

TIMES = """(() => {
  const [page] = performance.getEntriesByType("navigation");
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return {ready: page.domContentLoadedEventEnd, load: page.loadEventEnd, paint: paint ? paint.startTime : null,
          elements: document.querySelectorAll("*").length};
})()"""
"""What the browser is asked for: milliseconds since the page was asked for."""


class Browser:
    """A Chromium without a window, which takes commands of the DevTools protocol through pipes."""

    def __init__(self, program: str, profile: str) -> None:
        answers, self._commands = os.pipe()
        self._answers, events = os.pipe()
        # The browser reads its descriptor 3 and writes 4; the ends here must be others.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (answers, events)]
        options = ["--headless=new", "--no-sandbox", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}', "bash", program, *options, "about:blank"],
            pass_fds=ends, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for end in (answers, events, *ends):
            os.close(end)
        self._left, self._number, self._session = b"", 0, ""
        target = next(one for one in self.ask("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self._session = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        self.ask("Page.enable")

    def ask(self, method: str, **params: Any) -> Any:
        """Return the result of a command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        return self._wait(lambda found: found.get("id") == self._number)["result"]

    def open(self, path: Path) -> dict[str, float]:
        """Open a page and return its times."""
        self.ask("Page.navigate", url=path.resolve().as_uri())
        self._wait(lambda found: found.get("method") == "Page.loadEventFired")
        time.sleep(1)
        found: dict[str, float] = self.ask("Runtime.evaluate", expression=TIMES, returnByValue=True)["result"]["value"]
        return found

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        self.ask("Browser.close")
        self._process.wait(20)

    def _wait(self, wanted: Any) -> Any:
        while True:
            while b"\0" not in self._left:
                more = os.read(self._answers, 1 << 20)
                if not more:
                    raise SystemExit("the browser ended before it answered; is --chromium the program?")
                self._left += more
            message, _, self._left = self._left.partition(b"\0")
            found = json.loads(message)
            if wanted(found):
                return found


def main() -> None:
    """Make the study, write its page, open it, and print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="folder of the study; a temporary one without it")
    parser.add_argument("--models", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--chromium", default="chromium", help="program of the browser; empty to leave it out")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.out or Path(scratch) / "study"
        record = make(folder, Fabricated(models=given.models, seeds=given.seeds))
        wall, processor = time.perf_counter(), time.process_time()
        page = write_page(folder)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{len(list(record.select('evaluation')))} evaluations of {len(record.runs)} runs")
        print(f"written in {wall:.1f} s ({processor:.1f} s of processor time), at most {peak:.0f} MiB in memory")
        print(f"{page.stat().st_size / 1e6:.2f} MB")
        if given.chromium:
            browser = Browser(given.chromium, f"{scratch}/profile")
            times = [browser.open(page) for _ in range(5)]
            browser.close()
            for name in ("paint", "ready", "load"):
                print(f"{name}: {statistics.median(one[name] for one in times):.0f} ms (median of {len(times)})")
            print(f"{times[0]['elements']:.0f} elements")


if __name__ == "__main__":
    main()
