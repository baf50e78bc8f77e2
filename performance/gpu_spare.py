"""How fast SpaRE's trainings are on one GPU: pairs one by one, against all pairs of an image as one conversation.

Qwen2-VL at its true sizes in bf16 with random weights, with the settings of the recipes ``spare-2b`` (all weights,
AdamW with moments of 8 bits) and ``spare-7b`` (LoRA in vision and language). Images are ninefold's own, 672 x 672, each
with 8 questions; a step holds 64 pairs either way. Nothing is downloaded; where bitsandbytes is missing, AdamW has
moments of 32 bits::

    PYTHONPATH=src python performance/gpu_spare.py --out gpu-spare.json

``--smoke`` runs tiny models on a CPU, where its figures mean nothing.
"""

import argparse
import gc
import importlib.util
import json
import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from gpu_configs import TINY, TRUE, Scale
from gpu_models import opened, rows
from gpu_training import FOREVER, Clock, watching

from ninefold import store
from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.models.checkpoint.messages import quiet
from ninefold.models.protocol import Trainable
from ninefold.models.spec import ModelSpec
from ninefold.runs import layout
from ninefold.studies.recipes.spare import COMMON, SETTINGS
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train
from ninefold.types import Example

MODELS = {"2b": "qwen2-vl-2b", "7b": "qwen2-vl"}
PAIRS = 8
"""Pairs of an image; SpaRE has 7.4 on average."""
ASKED = (
    ("Where is the orange tiger?", "To the left of the rhino head"),
    ("What is on the leftmost side of the arrangement?", "The elephant"),
    ("Which figurine is in the middle?", "The tiger"),
    ("What is in the background?", "A floral wallpaper"),
    ("What is to the right of the tiger?", "The rhino head"),
    ("Where is the elephant facing?", "Toward the left side of the picture"),
    ("What stands in front of the wallpaper?", "The animal figurines"),
    ("Is the elephant above the shelf?", "Yes, it stands on top of it"),
)
"""Questions and answers as long as those of pairs."""


class Enough(Exception):
    """The end of a measurement, before anything is saved."""


class Stopping(Clock):
    """A clock that ends the training at once: a checkpoint of all weights takes longer than the measurement."""

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Count a step."""
        super().on_step_end(args, state, control, **more)
        if control.should_training_stop:
            raise Enough


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seconds", type=float, default=30, help="about how long each way is measured")
    parser.add_argument("--images", type=int, default=768, help="number of images, each with 8 pairs")
    parser.add_argument("--out", type=Path, default=Path("gpu-spare.json"))
    parser.add_argument("--smoke", action="store_true", help="tiny models, on a CPU")
    arguments = parser.parse_args()
    if arguments.images * PAIRS < 2 * batch_of(smoke=arguments.smoke):
        parser.error("--images: more are needed; the first step of each epoch is not counted")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if not (arguments.smoke or torch.cuda.is_available()):
        parser.error("no GPU here; --smoke runs tiny models on a CPU")
    device = platform.machine() if arguments.smoke else torch.cuda.get_device_name()
    lines: list[dict[str, Any]] = []
    for size in arguments.sizes:
        for line in measured(size, arguments):
            lines.append({"size": size, "device": device, "torch": torch.__version__, **line})
            print(json.dumps(lines[-1]), flush=True)
            arguments.out.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")
    print(table(lines))


def measured(size: str, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the figures of both ways of a model."""
    scale, on, dtype = (TINY, "cpu", torch.float32) if arguments.smoke else (TRUE, "cuda", torch.bfloat16)
    gc.collect()
    model = opened(MODELS[size], scale, device=on, dtype=dtype)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "data", arguments.images, scale)
        for conversations in (False, True):
            yield one_way(model, size, Path(folder), arguments, conversations=conversations)
            gc.collect()
            if on == "cuda":
                torch.cuda.empty_cache()


def batch_of(*, smoke: bool) -> int:
    """Return the number of pairs in a step."""
    return 2 * PAIRS if smoke else COMMON["batch"]


def one_way(
    model: Trainable, size: str, folder: Path, arguments: argparse.Namespace, *, conversations: bool
) -> dict[str, Any]:
    """Return the figures of training on pairs, or on conversations of as many pairs a step."""
    settings = dict(SETTINGS[size])
    if settings["optimizer"] == "adamw-8bit" and importlib.util.find_spec("bitsandbytes") is None:
        settings["optimizer"] = "adamw"
    pairs = PAIRS if conversations else 1
    spec = TrainSpec(
        ModelSpec(model.name),
        (folder / "data",),
        **{**settings, "epochs": FOREVER, "batch": batch_of(smoke=arguments.smoke) // pairs},
        patience=FOREVER,
        conversations=conversations,
    )
    out, clock = folder / ("conversations" if conversations else "pairs"), Stopping(arguments.seconds)
    found: dict[str, Any] = {"way": out.name, "optimizer": settings["optimizer"], "method": settings["method"]}
    try:
        with quiet(), watching(clock):
            train(spec, out, model=model)
    except Enough:
        plan = store.read_json(out / layout.CHECKPOINTS / layout.PLAN)
        found |= {"pairs_a_second": clock.samples * pairs / clock.spent, "tokens": plan["tokens"]}
        found |= {"peak_gib": clock.peak and clock.peak / 2**30, "recompute": plan["recompute"]}
    except Exception as error:  # Whatever it is, the other way goes on.
        found["error"] = f"{type(error).__name__}: {str(error)[:200]}"
    return found


def write(folder: Path, images: int, scale: Scale) -> None:
    """Write a data set of pairs: 8 questions about each of some images, and two for validation."""

    def asked(shown: Sequence[Example], prefix: str = "") -> Iterator[Example]:
        for example in shown:
            for number, (question, answer) in enumerate(ASKED):
                yield replace(
                    example,
                    id=f"{prefix}{example.id}/{number}",
                    question=question,
                    prompt=question,
                    options=(),
                    answer=answer,
                    answer_format="short_text",
                    factors={},
                )

    shown = rows(images, scale)
    splits = {"train": asked(shown), "validation": asked(shown[:2], "checked ")}
    dataset.write(folder, splits, about=About("pairs", "Pairs as long as SpaRE's.", {}, answer_format="short_text"))


def table(lines: Sequence[dict[str, Any]]) -> str:
    """Return the figures in Markdown, each way beside pairs one by one."""
    text = [
        "| model | training | way | pairs/s | ratio | peak GiB | |",
        "| --- | --- | --- | ---: | ---: | ---: | --- |",
    ]
    plain: dict[str, float] = {}
    for line in lines:
        begins = f"| Qwen2-VL-{line['size'].upper()} | {line['method']}, {line['optimizer']} | {line['way']} |"
        if "error" in line:
            text.append(f"{begins} | | | {line['error']} |")
            continue
        rate = line["pairs_a_second"]
        ratio = rate / plain.setdefault(line["size"], rate)
        memory = "" if line["peak_gib"] is None else f"{line['peak_gib']:.1f}"
        note = f"at most {line['tokens']:,} tokens a pass" + (", recompute" if line["recompute"] else "")
        text.append(f"{begins} {rate:.1f} | {ratio:.2f} | {memory} | {note} |")
    return "\n".join(text)


if __name__ == "__main__":
    main()
