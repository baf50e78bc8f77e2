"""How fast a model is tuned with LoRA, against TRL's SFTTrainer at its defaults and against one row at a time.

Run it with ``python performance/training.py --peer-python PATH``, where PATH is an interpreter of an environment that
has ``trl`` (``pip install trl``, with the same torch and transformers as here); ninefold need not be there. Without it
the peer is left out. ``--model midsize`` makes a Qwen2-VL of 131 million random parameters on the spot.

All train the same LoRA (rank 32, query, key and value of ``--scope``) on the same rows as often, each in a process of
its own and in turns, so that a busy machine slows all alike. Seconds are those of everything between an open model and
a trained adapter: preparing images or features, the memory probe, checkpoints. Computing seconds are the processor time
of all threads, which other programs cannot take away. Peak memory is that of the first turn. TRL gets the
conversational prompt and completion form and is left at its defaults (batch 8, gradient checkpointing, its own
collator), but for bfloat16, which on a CPU would only slow it down. The authors' sibling code takes one row at a time:
no padding, no accumulation, AdamW of torch.
"""

import argparse
import tempfile
from pathlib import Path

import midsize
import rows
from workers import Worker

from ninefold.models.load import open_trainable

ONE_ROW, TRL, NINEFOLD = "one row at a time", "TRL SFTTrainer, defaults", "ninefold"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano", help="a name from `ninefold models`, a folder, or midsize")
    parser.add_argument("--scope", choices=("language", "vision+language"), default="language")
    parser.add_argument("--rows", type=int, default=128, help="how many rows are learned from")
    parser.add_argument("--epochs", type=int, default=3, help="how often; the paper allows ten")
    parser.add_argument("--canvas", type=int, default=336, help="side of the images, in pixels")
    parser.add_argument("--turns", type=int, default=2, help="how often each is measured; the fastest counts")
    parser.add_argument("--peer-python", help="an interpreter that has trl")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = compare(arguments, Path(name))
    print(f"{arguments.model}, {arguments.scope}: {arguments.rows} rows, {arguments.epochs} times")
    print(f"{'':28}{'seconds':>9}{'a second':>10}{'ratio':>8}{'computing':>11}{'ratio':>8}{'peak MB':>9}")
    best = {way: {key: min(turn[key] for turn in turns) for key in turns[0]} for way, turns in found.items()}
    reference = best.get(TRL, best[ONE_ROW])
    for way, turn in best.items():
        speed = arguments.rows * arguments.epochs / turn["seconds"]
        ratios = {key: reference[key] / turn[key] for key in ("seconds", "computing")}
        print(
            f"{way:28}{turn['seconds']:9.2f}{speed:10.2f}{ratios['seconds']:7.2f}x"
            f"{turn['computing']:11.2f}{ratios['computing']:7.2f}x{turn['peak']:9.0f}"
        )


def compare(arguments: argparse.Namespace, folder: Path) -> dict[str, list[dict[str, float]]]:
    """Return what every turn of every way took."""
    model = str(midsize.save_qwen2_vl(folder / "midsize")) if arguments.model == "midsize" else arguments.model
    opened = open_trainable(model)
    data = rows.synthetic_train(folder / "data", arguments.rows, arguments.canvas)
    plain = {
        "model": opened.checkpoint.path,
        "pattern": opened.family.scopes[arguments.scope],
        "rows": str(rows.as_files(data, "train", folder / "files")),
        "epochs": arguments.epochs,
        "rank": 32,
        "alpha": 64,
    }
    del opened
    ours = {**plain, "model": model, "scope": arguments.scope, "data": str(data)}
    ways = {
        ONE_ROW: Worker("training_worker.py", {"way": "one_row", **ours}),
        **({TRL: Worker("trl_worker.py", plain, python=arguments.peer_python)} if arguments.peer_python else {}),
        NINEFOLD: Worker("training_worker.py", {"way": "ninefold", **ours}),
    }
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for turn in range(arguments.turns):
        for number, (way, worker) in enumerate(ways.items()):
            found[way].append(worker.ask({"out": str(folder / f"run-{turn}-{number}")}))
    for worker in ways.values():
        worker.close()
    return found


if __name__ == "__main__":
    main()
