"""How fast models of true size, 7 to 8 billion parameters in bf16, are trained and evaluated on one GPU.

Weights are random and made on the card, so that nothing is downloaded; classes, configurations, image settings and
the lengths of prompts are those of the released models, images are ninefold's own, 672 x 672. All ways of doing a
thing are measured one after the other in one process. Needs torch >= 2.11, transformers, peft, accelerate, datasets,
Pillow and numpy; trl is compared with where it can be imported. Nothing has to be installed of ninefold itself::

    PYTHONPATH=src python performance/gpu.py --families llava-next qwen2-vl --out gpu.jsonl

Every row is appended to the file as soon as it is measured, and the table of all rows in it is printed and written
beside it, ``gpu.md``. A row that fails is named with its reason, and the others go on. A family has 12 rows (CLIP: 6),
each of which takes ``--seconds`` and what it needs to begin; ``--families`` and ``--parts`` divide the whole into calls
of any length. ``--smoke`` runs the same code with tiny models on a CPU, where its figures mean nothing.

TFLOP/s are those that a way needs, after the formulas of `gpu_flops`, beside the card's dense bf16 peak by its data
sheet and beside what one large matrix product reaches on it.
"""

import argparse
import gc
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import gpu_evaluation
import gpu_training
import torch
from gpu_configs import TINY, TRUE
from gpu_flops import peak, product
from gpu_measured import Job, Measured
from gpu_models import MODELS, opened, rows

from ninefold.models.checkpoint.messages import quiet

Line = dict[str, Any]
"""A measurement as the file keeps it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--families",
        nargs="+",
        choices=MODELS,
        default=[name for name in MODELS if name != "qwen2-vl-2b"],
        metavar="NAME",
        help=", ".join(MODELS),
    )
    parser.add_argument("--parts", nargs="+", choices=("evaluation", "training"), default=["evaluation", "training"])
    parser.add_argument("--seconds", type=float, default=10, help="about how long each row is measured")
    parser.add_argument("--out", type=Path, default=Path("gpu.jsonl"), help="where rows are appended")
    parser.add_argument("--smoke", action="store_true", help="tiny models, on a CPU")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.seconds = min(arguments.seconds, 0.1)
    elif not torch.cuda.is_available():
        parser.error("no GPU here; --smoke runs tiny models on a CPU")
    elif torch.cuda.device_count() > 1:
        parser.error("several GPUs here, which trainers would share work among; name one in CUDA_VISIBLE_DEVICES")
    # Adapters are saved under the name of the released model, which PEFT would ask the hub for.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    facts = machine(smoke=arguments.smoke)
    for name in arguments.families:
        for line in measured(name, arguments):
            with arguments.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**facts, **line}) + "\n")
            print(said(line), flush=True)
    table = rendered(map(json.loads, arguments.out.read_text(encoding="utf-8").splitlines()))
    arguments.out.with_suffix(".md").write_text(table, encoding="utf-8")
    print(f"\n{table}")


def measured(name: str, arguments: argparse.Namespace) -> Iterable[Line]:
    """Yield the rows of a family, and in place of one that fails its reason."""
    scale, device, dtype = (TINY, "cpu", torch.float32) if arguments.smoke else (TRUE, "cuda", torch.bfloat16)
    gc.collect()  # The last family's memory.
    try:
        model = opened(name, scale, device=device, dtype=dtype)
        jobs = []
        if "evaluation" in arguments.parts:
            jobs += gpu_evaluation.jobs(model, rows(1024 if scale.true else 32, scale), arguments.seconds)
        if "training" in arguments.parts:
            jobs += gpu_training.jobs(model, rows(256 if scale.true else 64, scale), arguments.seconds)
    except Exception as error:  # Whatever it is, other families go on.
        yield {"family": name, "what": "opening", "way": "", "error": reason(error)}
        return
    for job in jobs:
        yield {"family": name, "what": job.what, "way": job.way, **outcome(job)}


def outcome(job: Job) -> Line:
    try:
        with quiet():
            found = job.measure()
    except Exception as error:  # Whatever it is, other rows go on.
        return {"error": reason(error)}
    return figures(found)


def figures(found: Measured) -> Line:
    rate = found.samples / found.seconds
    return {
        "samples": found.samples,
        "seconds": round(found.seconds, 3),
        "a_second": rate,
        "tflop_each": found.operations / 1e12,
        "tflops": rate * found.operations / 1e12,
        "peak_gib": None if found.peak_bytes is None else found.peak_bytes / 2**30,
        "note": found.note,
    }


def reason(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"


def machine(*, smoke: bool) -> Line:
    """Return what rows are to be compared by: the machine and the versions."""
    device, dtype, size = ("cpu", torch.float32, 512) if smoke else ("cuda", torch.bfloat16, 8192)
    versions = {}
    for package in ("torch", "transformers", "peft", "accelerate", "trl"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    return {
        "card": platform.machine() if smoke else torch.cuda.get_device_name(),
        "peak_tflops": peak(device),
        "product_tflops": product(device, dtype, size),
        "versions": versions,
        "time": time.strftime("%Y-%m-%d"),
    }


def rendered(lines: Iterable[Line]) -> str:
    """Return the newest of each row in Markdown, a table for each machine."""
    newest: dict[tuple[Any, ...], Line] = {}
    for line in lines:
        newest[line["card"], json.dumps(line["versions"]), line["family"], line["what"], line["way"]] = line
    tables: dict[tuple[Any, ...], list[Line]] = {}
    for (card, versions, *_), line in newest.items():
        tables.setdefault((card, versions), []).append(line)
    return "\n".join(_table(found) for found in tables.values())


def _table(lines: list[Line]) -> str:
    first = lines[0]
    versions = ", ".join(f"{name} {version}" for name, version in first["versions"].items() if version)
    sheet = f"{first['peak_tflops']:,.0f} by its data sheet" if first["peak_tflops"] else "not in the table"
    text = [
        f"{first['card']}, {first['time']}; {versions}. Dense bf16 peak in TFLOP/s: {sheet}, "
        f"{first['product_tflops']:.3g} in one matrix product.",
        "",
        "| family | what | way | samples/s | ratio | TFLOP/s | of the peak | peak GiB | |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    plain: dict[tuple[str, str], float] = {}
    for line in lines:
        begins = f"| {line['family']} | {line['what']} | {line['way']} |"
        if "error" in line:
            text.append(f"{begins} | | | | | {line['error'].replace('|', '/')} |")
            continue
        ratio = line["a_second"] / plain.setdefault((line["family"], line["what"]), line["a_second"])
        part = line["tflops"] / (line["peak_tflops"] or line["product_tflops"])
        memory = "" if line["peak_gib"] is None else f"{line['peak_gib']:.1f}"
        shown = (
            f"{line['a_second']:.2f}",
            f"{ratio:.2f}",
            f"{line['tflops']:.3g}",
            f"{part:.1%}",
            memory,
            line["note"],
        )
        text.append(f"{begins} {' | '.join(shown)} |")
    return "\n".join(text) + "\n"


def said(line: Mapping[str, Any]) -> str:
    """Return a row in words, for who waits for it."""
    result = line.get("error") or f"{line['a_second']:.2f} samples/s, {line['tflops']:.3g} TFLOP/s"
    return f"{line['family']}, {line['what']}, {line['way']}: {result}"


if __name__ == "__main__":
    main()
