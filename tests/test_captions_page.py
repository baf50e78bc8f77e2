"""docs/captions.md: its blocks are valid shell, and every command of ninefold in them has options that exist."""

import re
import shlex
import subprocess
from pathlib import Path

from ninefold.cli import app

PAGE = Path(__file__).parents[1] / "docs" / "captions.md"


def test_the_commands_of_the_page_exist():
    code = "".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)).replace("\\\n", " ")
    assert subprocess.run(["bash", "-n"], check=False, input=code, text=True, capture_output=True).stderr == ""
    commands = [shlex.split(line, comments=True) for line in re.findall(r"\bninefold (?:captions|train) .*", code)]
    parsed = [type(getattr(one := app._parse(words[1:]), "command", one)).__name__ for words in commands]
    assert {"Run", "Merge", "Stats", "CheckGeometry", "Review", "Filter", "Train"} == set(parsed)
