"""How fast a model is evaluated, against plain ``generate`` at batch 2, which is what the paper's authors' scripts do.

Run it with ``python benchmarks/evaluation.py``; ``--model`` and ``--data`` name others than the nano and a part of the
synthetic test set. Both ways answer the same questions with the same model in one process, in turns, so that a busy
machine slows both alike; texts are compared word for word. Memory is measured in a process for each way. Cores that
other programs keep busy favor ninefold beyond its due, as torch's threads then wait for each other at every operation.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

MAX_NEW_TOKENS = 15
TURN = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano", help="a name from `ninefold models`, a hub id or a folder")
    parser.add_argument("--data", type=Path, help="a data set folder; default: rows of the synthetic test set")
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, default=512, help="how many rows are asked")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data or synthetic_rows(Path(folder) / "data", arguments.limit)
        job = (arguments.model, data, arguments.split, arguments.limit)
        seconds, equal, count = in_turns(*job)
        peaks = {way: peak_memory(way, *job) for way in WAYS}
    print(f"{'':32}{'seconds':>9}{'a second':>10}{'ratio':>8}{'peak MB':>9}")
    for way, spent in seconds.items():
        ratio = seconds["plain generate, batch 2"] / spent
        print(f"{way:32}{spent:9.2f}{count / spent:10.1f}{ratio:7.2f}x{peaks[way]:9.0f}")
    print(f"equal texts: {equal} of {count}")


def plain(model: str) -> Callable[[list], list[str]]:
    """Return the authors' way: the processor called on two rows at a time, then ``generate``, in the rows' order."""
    import io

    import torch
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from ninefold.models.families import find

    path = find(model).path
    processor = AutoProcessor.from_pretrained(path, padding_side="left")
    network = AutoModelForImageTextToText.from_pretrained(path, dtype=torch.float32).eval()

    def answer(examples: list) -> list[str]:
        texts = []
        for start in range(0, len(examples), 2):
            pair = examples[start : start + 2]
            asked = [
                [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": example.prompt}]}]
                for example in pair
            ]
            inputs = processor(
                text=[processor.apply_chat_template(turns, add_generation_prompt=True) for turns in asked],
                images=[Image.open(io.BytesIO(example.image)).convert("RGB") for example in pair],
                padding=True,
                return_tensors="pt",
            )
            with torch.inference_mode():
                written = network.generate(**inputs, do_sample=False, max_new_tokens=MAX_NEW_TOKENS)
            new = written[:, inputs["input_ids"].shape[1] :]
            texts += processor.batch_decode(new, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return texts

    return answer


def ours(model: str) -> Callable[[list], list[str]]:
    """Return ninefold's way."""
    from ninefold.models.families import find
    from ninefold.models.generative import GenerativeModel

    opened = GenerativeModel.load(find(model), device="cpu")

    def answer(examples: list) -> list[str]:
        return [prediction.text for prediction in opened.predict(examples, max_new_tokens=MAX_NEW_TOKENS)]

    return answer


WAYS = {"plain generate, batch 2": plain, "ninefold": ours}


def in_turns(model: str, data: Path, split: str, limit: int) -> tuple[dict[str, float], int, int]:
    """Return the seconds of each way, and of how many rows the texts are equal."""
    answers = {way: make(model) for way, make in WAYS.items()}
    rows = read(data, split, limit)
    for answer in answers.values():
        answer(rows[:2])
    seconds = dict.fromkeys(WAYS, 0.0)
    equal = 0
    for start in range(0, len(rows), TURN):
        texts = []
        for way, answer in answers.items():
            begun = time.perf_counter()
            texts.append(answer(rows[start : start + TURN]))
            seconds[way] += time.perf_counter() - begun
        equal += sum(one == other for one, other in zip(*texts, strict=True))
    return seconds, equal, len(rows)


def peak_memory(way: str, *job: object) -> float:
    """Return the most memory in MB that a process of its own takes to answer one turn's rows."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (way, *job))


def _peak(way: str, model: str, data: Path, split: str, limit: int) -> float:
    WAYS[way](model)(read(data, split, min(limit, TURN)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def read(data: Path, split: str, limit: int) -> list:
    from ninefold.data import dataset

    return list(dataset.read(data, split, limit=limit))


def synthetic_rows(folder: Path, limit: int) -> Path:
    """Write rows of the synthetic test set, spread over all of it, and return where they are."""
    from ninefold.data import dataset
    from ninefold.data.card import About
    from ninefold.data.synthetic import SyntheticSpec, examples

    rows = islice(examples(SyntheticSpec("test"))["test"], 0, None, max(1, 3888 // limit))
    dataset.write(folder, {"test": islice(rows, limit)}, about=About("rows", "Rows of the synthetic set.", {}))
    return folder


if __name__ == "__main__":
    main()
