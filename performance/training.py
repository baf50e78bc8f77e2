"""How fast a model is tuned with LoRA, against TRL's SFTTrainer at its defaults and against batches of one.

Run it with ``python performance/training.py --peer-python PATH``, where PATH is an interpreter that has ``trl`` beside
the same torch and transformers (``pip install --no-deps trl`` in an environment that sees those of this one), or with
that interpreter itself; without it the peer is left out. ``--model midsize`` makes a Qwen2-VL of 118 million random
weights on the spot.

All ways train the same LoRA (rank 32, query, key and value of ``--scope``) on the same rows as often, in one process
and in turns, so that a busy machine slows all alike. Seconds are those of everything between an open model and a
trained adapter: preparing pictures or features, the probe, checkpoints. Computing seconds are the processor time of all
threads, which other programs cannot take away. Peak memory is that of a process for each way. TRL is given the
conversational prompt and completion form and left at its defaults (batch 8, activations recomputed, its own collator),
but for bfloat16, which on a CPU would only slow it down. The authors' sibling code takes one row at a time: no padding,
no accumulation, AdamW of torch.
"""

import argparse
import io
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path

RANK, ALPHA = 32, 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano", help="a name from `ninefold models`, a folder, or midsize")
    parser.add_argument("--scope", choices=("language", "vision+language"), default="language")
    parser.add_argument("--rows", type=int, default=128, help="how many rows are learned from")
    parser.add_argument("--epochs", type=int, default=3, help="how often; the paper allows ten")
    parser.add_argument("--canvas", type=int, default=336, help="side of the pictures, in pixels")
    parser.add_argument("--turns", type=int, default=2, help="how often every way has its turn; the fastest counts")
    parser.add_argument("--peer-python", help="an interpreter that has trl")
    arguments = parser.parse_args()
    if arguments.peer_python and not find_spec("trl"):
        os.execv(arguments.peer_python, [arguments.peer_python, *sys.argv])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.model == "midsize":
            import midsize

            arguments.model = str(midsize.save(folder / "midsize"))
        data = rows(folder / "data", arguments.rows, arguments.canvas)
        job = (arguments.model, arguments.scope, data, arguments.epochs)
        ways = [way for way in WAYS if way is not trl or find_spec("trl")]
        found: dict[str, list[tuple[float, float]]] = {way.__name__: [] for way in ways}
        for turn in range(arguments.turns):
            for way in ways:
                found[way.__name__].append(timed(way, *job, folder / f"{way.__name__}-{turn}"))
        peaks = {way.__name__: peak_memory(way, *job[:3], 1, folder / f"{way.__name__}-peak") for way in ways}
    print(f"{arguments.model}, {arguments.scope}: {arguments.rows} rows, {arguments.epochs} times")
    print(f"{'':28}{'seconds':>9}{'a second':>10}{'ratio':>8}{'computing':>11}{'ratio':>8}{'peak MB':>9}")
    best = {name: [min(column) for column in zip(*spent, strict=True)] for name, spent in found.items()}
    reference = best["trl" if "trl" in best else "batch_of_one"]
    for name, (seconds, computing) in best.items():
        speed = arguments.rows * arguments.epochs / seconds
        print(
            f"{TITLES[name]:28}{seconds:9.2f}{speed:10.2f}{reference[0] / seconds:7.2f}x"
            f"{computing:11.2f}{reference[1] / computing:7.2f}x{peaks[name]:9.0f}"
        )


def ours(model: str, scope: str, data: Path, epochs: int, out: Path) -> Callable[[], object]:
    from ninefold.models.load import open_trainable
    from ninefold.models.spec import ModelSpec
    from ninefold.training.spec import TrainSpec
    from ninefold.training.train import train

    spec = TrainSpec(
        ModelSpec(model), data=(data,), lora_scope=scope, rank=RANK, alpha=ALPHA, epochs=epochs, patience=epochs
    )
    opened = open_trainable(ModelSpec(model, device="cpu"))
    return lambda: train(spec, out, model=opened)


def trl(model: str, scope: str, data: Path, epochs: int, out: Path) -> Callable[[], object]:
    from datasets import Dataset, Features, Image, List, Value
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    from ninefold.models.load import open_trainable
    from ninefold.models.spec import ModelSpec

    opened = open_trainable(ModelSpec(model, device="cpu"))
    part = {"type": Value("string"), "text": Value("string")}
    turn = [{"role": Value("string"), "content": [part]}]
    table = Dataset.from_list(
        [
            {
                "images": [{"bytes": example.image}],
                "prompt": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": example.prompt}]}],
                "completion": [{"role": "assistant", "content": [{"type": "text", "text": example.answer}]}],
            }
            for example in read(data)
        ],
        features=Features({"images": List(Image()), "prompt": turn, "completion": turn}),
    )

    def run() -> None:
        SFTTrainer(
            opened.model,
            SFTConfig(
                str(out),
                num_train_epochs=epochs,
                learning_rate=1e-4,
                bf16=False,
                use_cpu=True,
                report_to=[],
                disable_tqdm=True,
            ),
            train_dataset=table,
            processing_class=opened.encoder.processor,
            peft_config=LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=opened.family.scopes[scope]),
        ).train()

    return run


def batch_of_one(model: str, scope: str, data: Path, epochs: int, _: Path) -> Callable[[], object]:
    import torch
    from PIL import Image

    from ninefold.models.load import open_trainable
    from ninefold.models.spec import ModelSpec
    from ninefold.training.lora import attach

    opened = open_trainable(ModelSpec(model, device="cpu"))
    processor = opened.encoder.processor

    def run() -> None:
        pattern = opened.family.scopes[scope]
        network, _ = attach(opened.model, pattern, rank=RANK, alpha=ALPHA, seed=0, base=opened.checkpoint.path)
        optimizer = torch.optim.AdamW([value for value in network.parameters() if value.requires_grad], lr=1e-4)
        network.train()
        for _ in range(epochs):
            for example in read(data):
                asked = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": example.prompt}]}]
                answer = {"role": "assistant", "content": [{"type": "text", "text": example.answer}]}
                prompt = processor.apply_chat_template(asked, add_generation_prompt=True)
                picture = Image.open(io.BytesIO(example.image)).convert("RGB")
                inputs = processor(
                    text=[processor.apply_chat_template([*asked, answer])], images=[picture], return_tensors="pt"
                )
                learned = len(processor.tokenizer(prompt + example.answer)["input_ids"]) - len(
                    processor.tokenizer(prompt)["input_ids"]
                )
                labels = inputs["input_ids"].clone()
                labels[:, : -learned - 1] = -100
                network(**inputs, labels=labels).loss.backward()
                optimizer.step()
                optimizer.zero_grad()

    return run


WAYS = (batch_of_one, trl, ours)
TITLES = {"batch_of_one": "one row at a time", "trl": "TRL SFTTrainer, defaults", "ours": "ninefold"}


def timed(way: Callable, *job: object) -> tuple[float, float]:
    """Return the seconds, and the processor seconds, of a way once its model is open."""
    from ninefold.models.checkpoint.messages import quiet

    run = way(*job)
    with quiet():
        begun, computing = time.perf_counter(), time.process_time()
        run()
        return time.perf_counter() - begun, time.process_time() - computing


def peak_memory(way: Callable, *job: object) -> float:
    """Return the most memory in MB that a process of its own takes."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_peak, way.__name__, *job).result()


def _peak(name: str, *job: object) -> float:
    timed(globals()[name], *job)
    # Linux hands the largest size of a parent down to its children in what `resource` tells.
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def read(data: Path) -> list:
    from ninefold.data.format.dataset import Dataset

    return list(Dataset.open(data).read("train"))


def rows(folder: Path, count: int, canvas: int) -> Path:
    """Write rows of the synthetic training set, and only one to validate on, which the other ways do not do."""
    from ninefold.data.format import dataset
    from ninefold.data.format.card import About
    from ninefold.data.sources.synthetic import SyntheticSpec, examples

    parts = {split: list(part) for split, part in examples(SyntheticSpec("train", canvas=canvas)).items()}
    step = max(1, len(parts["train"]) // count)
    found = {"train": parts["train"][::step][:count], "validation": parts["validation"][:1]}
    dataset.write(folder, found, about=About("rows", "Rows of the synthetic set.", {}))
    return folder


if __name__ == "__main__":
    main()
