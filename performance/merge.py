"""Merging an adapter into a half-precision checkpoint: peak memory, seconds, and the error of the written weights.

    python performance/merge.py --rounds 3

compares, in turns and each in a process of its own: `ninefold export-adapter --to merged`, which merges in single
precision module by module, compares outputs on examples and copies the base's files with the changed tensors replaced,
in both precisions of its forward pass; PEFT's ``merge_and_unload`` and ``save_pretrained`` in the stored precision, the
usual way; and the same in single precision, cast afterwards. The evaluation of the examples that are compared, which
writes nothing, shows how much of memory and time is theirs. The model has 126 million random parameters in bfloat16.

Memory is the process's peak above what it has after its imports, as a multiple of the weights' size in the files. The
error is the mean distance of changed weights from the exact sum, in units of rounding the exact sum to bfloat16.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from math import isnan
from pathlib import Path
from statistics import median
from typing import Any

import torch
from safetensors.torch import load_file

EXAMPLES = 2
RANK = 16


def make_inputs(folder: Path) -> None:
    """Write the base in bfloat16, in several files, and an adapter with small random weights."""
    from midsize import save_llava
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    from ninefold.models.families import find

    save_llava(folder / "base")
    network = AutoModelForImageTextToText.from_pretrained(folder / "base", dtype=torch.bfloat16)
    (folder / "base" / "model.safetensors").unlink()
    network.save_pretrained(folder / "base", max_shard_size="40MB")
    pattern = find(str(folder / "base")).family.scopes["vision+language"]
    tuned = get_peft_model(network.float(), LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=pattern))
    tuned.peft_config["default"].base_model_name_or_path = str(folder / "base")
    torch.manual_seed(0)
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(std=0.02)
    tuned.save_pretrained(folder / "adapter")


def ninefold(folder: Path, out: Path, dtype: str) -> Callable[[], None]:
    """Return `ninefold export-adapter`, its modules imported."""
    import ninefold.models.export.making
    import ninefold.models.vlm.model  # noqa: F401
    from ninefold import AdapterExportSpec, export_adapter

    spec = AdapterExportSpec(folder / "adapter", "merged", examples=EXAMPLES, dtype=dtype, device="cpu")  # type: ignore[arg-type]
    return lambda: print(export_adapter(spec, out).difference, file=sys.stderr)


def peft(folder: Path, out: Path, dtype: str) -> Callable[[], None]:
    """Return PEFT's merging in a precision, its modules imported."""
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText

    def work() -> None:
        base = AutoModelForImageTextToText.from_pretrained(folder / "base", dtype=getattr(torch, dtype))
        merged = PeftModel.from_pretrained(base, str(folder / "adapter")).merge_and_unload()
        merged.to(torch.bfloat16).save_pretrained(out, max_shard_size="40MB")

    return work


def evaluation(folder: Path, out: Path, dtype: str) -> Callable[[], None]:
    """Return an evaluation of the same examples by the adapter beside its base, which writes nothing."""
    from ninefold import ModelSpec, load_model
    from ninefold.evaluation.inputs import some

    spec = ModelSpec(str(folder / "base"), folder / "adapter", dtype=dtype, device="cpu")  # type: ignore[arg-type]
    load_model("nano")
    return lambda: print(load_model(spec).predict(some(None, EXAMPLES)), file=sys.stderr)


WAYS = {
    "ninefold evaluate, in float32": (evaluation, "float32"),
    "ninefold evaluate, in bfloat16": (evaluation, "bfloat16"),
    "ninefold export-adapter, in float32": (ninefold, "float32"),
    "ninefold export-adapter, in bfloat16": (ninefold, "bfloat16"),
    "PEFT in bfloat16": (peft, "bfloat16"),
    "PEFT in float32, then cast": (peft, "float32"),
}


def child(way: str, folder: Path, out: Path) -> None:
    """Merge once, and print what it took."""
    make, dtype = WAYS[way]
    work, before = make(folder, out, dtype), _peak()
    begun = time.perf_counter()
    work()
    print(json.dumps({"seconds": time.perf_counter() - begun, "memory": _peak() - before}))


def measure(rounds: int, folder: Path) -> None:
    """Merge in turns, and print the table."""
    subprocess.run([sys.executable, __file__, "--child", "inputs", "--folder", str(folder)], check=True)
    stored = sum(path.stat().st_size for path in (folder / "base").glob("*.safetensors"))
    results: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    errors: dict[str, float] = {}
    for number in range(rounds):
        for way in WAYS if number % 2 else reversed(WAYS):
            out = folder / f"{number}-{list(WAYS).index(way)}"
            command = [sys.executable, __file__, "--child", way, "--folder", str(folder), "--out", str(out)]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            results[way].append(json.loads(said.splitlines()[-1]))
            errors[way] = _error(folder, out) if out.exists() else float("nan")
    print(f"{stored / 2**20:.0f} MiB of weights, in {len(list((folder / 'base').glob('*.safetensors')))} files\n")
    print("| way | peak memory / weights | seconds | error of changed weights |")
    print("| --- | --- | --- | --- |")
    for way, found in results.items():
        memory, seconds = (median(each[name] for each in found) for name in ("memory", "seconds"))
        error = "-" if isnan(errors[way]) else f"{errors[way]:.2f}"
        print(f"| {way} | {memory / stored:.2f} | {seconds:.1f} | {error} |")


def _error(folder: Path, out: Path) -> float:
    """Return the mean distance of the changed weights from the exact sums, in units of rounding these sums once."""
    adapter = load_file(folder / "adapter" / "adapter_model.safetensors")
    before, after = (
        {name: tensor for path in place.glob("*.safetensors") for name, tensor in load_file(path).items()}
        for place in (folder / "base", out)
    )
    far = once = 0.0
    for name in adapter:
        if name.endswith(".lora_A.weight"):
            module = name.removeprefix("base_model.model.model.").removesuffix(".lora_A.weight")
            stored = f"{module.replace('language_model.', 'language_model.model.', 1)}.weight"
            update = 2 * adapter[name.replace("lora_A", "lora_B")].double() @ adapter[name].double()
            exact = before[stored].double() + update
            far += float((after[stored].double() - exact).abs().mean())
            once += float((exact.to(torch.bfloat16).double() - exact).abs().mean())
    return far / once


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child == "inputs":
        make_inputs(options.folder)
    elif options.child:
        child(options.child, options.folder, options.out)
    else:
        with tempfile.TemporaryDirectory(prefix="ninefold-merge-") as place:
            measure(options.rounds, Path(place))
