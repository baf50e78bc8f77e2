"""Time limits on what comes with a checkpoint and runs: regular expressions and chat templates. No torch here.

Neither can be interrupted in a thread of this process, and a template can also fill its memory. Each is first tried in
a process of its own, which is killed after `SECONDS`. The limit holds for the tried inputs: a template written to be
slow for one certain question only is not found. The regular expressions of a tokenizer need no limit of ours: the
library tokenizers gives up by itself after ten million steps, and the encoder reports that.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from ninefold.errors import ModelError

SECONDS = 10
"""Time limit of a trial, which normally takes a fraction of a second."""

_PATTERNS = """
import json, re, sys
patterns, names = json.load(sys.stdin)
for pattern in patterns:
    for form in (pattern, r"(.*\\.)?(" + pattern + ")"):
        for name in names:
            re.fullmatch(form, name)
"""

_REPEATED_GROUP = re.compile(r"\)[*+{]")
_REPETITION = re.compile(r"[*+{]")


def check_patterns(where: str, patterns: Sequence[str], names: Sequence[str]) -> None:
    """Refuse regular expressions that take too long to match names of modules.

    Args:
        where: The option or file that they come from.
        patterns: The regular expressions; what is no valid one is left to others.
        names: The names of modules.

    Raises:
        ModelError: If the trial takes longer than `SECONDS`.
    """
    # Without a repeated group, one or two repetitions take no time.
    risky = [each for each in patterns if _REPEATED_GROUP.search(each) or len(_REPETITION.findall(each)) > 2]
    if risky and not _ends(["-I", "-S", "-c", _PATTERNS], json.dumps([risky, list(names)])):
        raise ModelError(
            f"{where}: the regular expression {risky[0][:60]!r} takes longer than {SECONDS} seconds on the names of "
            "modules; repeat nothing inside a repetition"
        )


def check_template(where: str, template: str) -> None:
    """Refuse a chat template that takes too long, or too much memory, for ordinary questions.

    Args:
        where: The name of the model.
        template: The template; one with an error is left to others.

    Raises:
        ModelError: If the trial takes longer than `SECONDS`.
    """
    if not _renders(template):
        raise ModelError(
            f"{where}: its chat template takes over {SECONDS} seconds for one question, or too much memory; take "
            "the template of another release"
        )


@cache
def _renders(template: str) -> bool:
    return _ends(["-I", str(Path(__file__).with_name("template_trial.py"))], json.dumps(template))


def _ends(arguments: Sequence[str], given: str) -> bool:
    """Whether a trial ends in time and within its memory."""
    try:
        ended = subprocess.run(
            [sys.executable, *arguments], input=given.encode(), capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode in (0, 1)  # neither killed nor out of memory
