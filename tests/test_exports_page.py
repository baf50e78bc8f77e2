"""docs/exports.md: the commands in it exist, and it names every form."""

import re
import shlex
import subprocess
from pathlib import Path

from ninefold.cli import app
from ninefold.data.export.catalog import EXPORTERS

PAGE = Path(__file__).parents[1] / "docs" / "exports.md"


def test_the_commands_of_the_page_exist():
    code = "".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL))
    assert subprocess.run(["bash", "-n"], check=False, input=code, text=True, capture_output=True).stderr == ""
    commands = [shlex.split(line, comments=True) for line in re.findall(r"\bninefold (?:export|evaluate) .*", code)]
    assert [type(app._parse(words[1:])).__name__ for words in commands] == ["Export"] * 3 + ["Evaluate"]


def test_the_page_names_every_form():
    assert all(f"`{name}`" in PAGE.read_text() for name in EXPORTERS)
