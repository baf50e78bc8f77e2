"""The installer of other people's tools: each gets an environment of its own, because their requirements conflict.

``python tests/tools/install.py [NAME ...]`` makes those named, or all. An environment that is complete is left as it
is; one of other requirements, or one that was interrupted, is made again.
"""

import json
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("NINEFOLD_TOOLS") or ROOT / ".tools")
CONSTRAINTS = ROOT / "constraints.txt"


@dataclass(frozen=True)
class Tool:
    """One environment."""

    packages: tuple[str, ...]
    """What pip installs, the tool by its exact version."""
    alone: tuple[str, ...] = ()
    """What pip installs without dependencies, because those conflict or are of no use here."""
    constrained: bool = False
    """Whether all versions are those of ``constraints.txt``."""
    removed: tuple[str, ...] = ("torchvision", "torchaudio")
    """Packages that are removed again: builds for other processors, which break the import of models beside torch."""
    checkout: tuple[str, str] | None = None
    """Repository and commit of a tool that is imported from a clone, because what pip makes of it lacks parts; its
    requirements are those of its ``requirements.txt``."""
    ninefold: bool = False
    """Whether ninefold is installed there, with its own dependencies."""


TOOLS = {
    "trl": Tool(("trl==1.16.0", "peft", "pillow", "webdataset==1.0.2"), constrained=True),
    "llama-factory": Tool(("llamafactory==0.9.5",)),
    "ms-swift": Tool(("ms-swift==4.6.0",)),
    # Of its other requirements, several are for GPUs only; its reading of data needs none of them.
    "axolotl": Tool(
        (
            "transformers==5.16.1",
            "datasets==4.8.4",
            "trl==1.9.0",
            "peft==0.20.0",
            "accelerate==1.13.0",
            "pillow",
            "pydantic",
            "addict",
            "PyYAML",
        ),
        ("axolotl==0.19.0",),
    ),
    "lmms-eval": Tool(("lmms-eval==0.7.3", "decord"), ninefold=True),
    "vlmevalkit": Tool(
        ("rouge_score",),
        checkout=("https://github.com/open-compass/VLMEvalKit", "e8e78f05f3080fe28154f2130321f17951c3be94"),
    ),
}
"""The tools by the name of their environment."""


def install(name: str) -> None:
    """Make the environment of a tool, unless it is there already."""
    tool, folder = TOOLS[name], FOLDER / name
    wanted = {**asdict(tool), "torch": torch()}
    ready = folder / "ready"
    if ready.exists() and json.loads(ready.read_text()) == json.loads(json.dumps(wanted)):
        print(f"{name}: ready in {folder}")
        return
    print(f"{name}: installing in {folder}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    constraints = ("-c", CONSTRAINTS) if tool.constrained else ()
    # torch comes first and by its exact version: whatever depends on it then takes the build that is at hand.
    pip(folder, "install", torch(), *constraints)
    requirements = () if tool.checkout is None else ("-r", clone(folder, *tool.checkout) / "requirements.txt")
    pip(folder, "install", torch(), *tool.packages, *requirements, *constraints)
    if tool.alone:
        pip(folder, "install", "--no-deps", *tool.alone)
    if tool.removed:
        pip(folder, "uninstall", "-y", *tool.removed)
    if tool.ninefold:
        pip(folder, "install", "-e", ROOT, torch())
    ready.write_text(json.dumps(wanted))
    print(f"{name}: ready", flush=True)


def torch() -> str:
    """Return the requirement of torch, which all environments share."""
    return next(line for line in CONSTRAINTS.read_text().splitlines() if line.startswith("torch=="))


def clone(folder: Path, repository: str, commit: str) -> Path:
    """Clone a repository at a commit into an environment, which then imports from it."""
    place = folder / "checkout"
    subprocess.run(["git", "clone", "-q", "--no-checkout", repository, place], check=True)
    subprocess.run(["git", "-C", place, "checkout", "-q", commit], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "checkout.pth").write_text(f"{place}\n")
    return place


def pip(folder: Path, *arguments: object) -> None:
    """Run pip in an environment."""
    python = folder / "bin" / "python"
    quiet = ("-q", "--disable-pip-version-check")
    subprocess.run([python, "-m", "pip", *map(str, arguments[:1]), *quiet, *map(str, arguments[1:])], check=True)


if __name__ == "__main__":
    for tool in sys.argv[1:] or TOOLS:
        if tool not in TOOLS:
            sys.exit(f"{tool}: no such tool; choose from {', '.join(TOOLS)}")
        install(tool)
