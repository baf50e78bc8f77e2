"""How fast a model is evaluated, side by side with what people use, on the nano and on a mid-size random LLaVA.

``questions``: rows of the synthetic set, one question a picture; against plain ``generate`` at batch 2, which is what
the paper's authors' scripts do, and against lmms-eval's Hugging Face model (``--peer-python``, an interpreter of an
environment that has lmms-eval and no torchvision). ``photos``: several questions a picture, as COCO has them
(``--photos``, a folder made by ``ninefold data coco``; otherwise photo-like pictures are made); with what the questions
share read once, and without, beside the bound that the tokens give.

All ways answer the same rows with the same model in turns, so that a busy machine slows them alike, and each has a
process of its own, whose peak memory it tells. Cores that other programs keep busy favor ninefold beyond its due, as
torch's threads then wait for each other at every operation.
"""

import argparse
import io
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path


@dataclass(frozen=True)
class Way:
    """A way to evaluate, in a process of its own."""

    answer: Callable[[int, int], tuple[float, list[str], float]]
    """Answers rows from a first to a last one: the seconds, the texts, and the most memory so far in MB."""
    close: Callable[[], None]
    """Ends its process."""


TURNS = 4
LIMITS = {"nano": {"questions": 512, "photos": 384}, "mid": {"questions": 24, "photos": 24}}
NEW_TOKENS = {"nano": 15, "mid": 3}
"""Tokens of an answer, at most. Random weights never end one: "top left" and its end are three."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["nano", "mid"], help="nano, mid, hub ids or folders")
    parser.add_argument("--rows", nargs="+", default=["questions", "photos"], choices=["questions", "photos"])
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--photos", type=Path, help="a data set folder with several questions a picture")
    parser.add_argument("--limit", type=int, help="how many rows are asked; default: what takes about three minutes")
    parser.add_argument("--peer-python", help="an interpreter with lmms-eval")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for model in arguments.models:
            path = mid_size(Path(folder) / "mid") if model == "mid" else model
            for rows in arguments.rows:
                limit = arguments.limit or LIMITS.get(model, LIMITS["mid"])[rows]
                tokens = NEW_TOKENS.get(model, 15)
                makers = {"questions": synthetic_rows, "photos": photo_rows}
                given = arguments.photos if rows == "photos" else None
                data = given or makers[rows](Path(folder) / f"{rows}-{limit}", limit)
                for dtype in arguments.dtypes:
                    print(f"\n{model}, {rows}, {dtype}, {limit} rows")
                    job = (str(path), dtype, data, tokens, limit)
                    (compare_questions if rows == "questions" else compare_photos)(job, arguments.peer_python)


def compare_questions(job: tuple, peer_python: str | None) -> None:
    """Print ninefold beside plain `generate` and, where there is one, lmms-eval."""
    ways = {"plain generate, batch 2": own_process(plain, job), "ninefold": own_process(ours, job)}
    if peer_python:
        ways["lmms-eval"] = peer(peer_python, job)
    report(ways, job[-1])


def compare_photos(job: tuple, _: str | None) -> None:
    """Print prefix reuse beside none, and how much of the bound it reaches."""
    bound, questions = bound_by_tokens(*job)
    ways = {
        "each prompt whole": own_process(partial(ours, prefix_reuse=False), job),
        "ninefold": own_process(ours, job),
    }
    whole, reuse = report(ways, job[-1])
    print(
        f"{questions:.2f} questions a picture; bound by tokens {bound:.2f}x, reached {whole / reuse / bound:.0%} of it"
    )


def report(ways: dict[str, Way], limit: int) -> list[float]:
    """Let the ways answer in turns, print a row for each, and return their seconds."""
    seconds, peaks = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0.0)
    texts: dict[str, list[str]] = {way: [] for way in ways}
    for way in ways.values():
        way.answer(0, 2)
    for turn in range(TURNS):
        span = limit * turn // TURNS, limit * (turn + 1) // TURNS
        for name, way in ways.items():
            spent, found, peaks[name] = way.answer(*span)
            seconds[name] += spent
            texts[name] += found
    for way in ways.values():
        way.close()
    first = next(iter(ways))
    print(f"{'':28}{'seconds':>9}{'a second':>10}{'ratio':>8}{'peak MB':>9}{'equal texts':>13}")
    for name, spent in seconds.items():
        equal = sum(one == other for one, other in zip(texts[first], texts[name], strict=True))
        ratio = seconds[first] / spent
        print(f"{name:28}{spent:9.2f}{limit / spent:10.2f}{ratio:7.2f}x{peaks[name]:9.0f}{equal:7} of {limit}")
    return list(seconds.values())


def own_process(make: Callable[..., Callable[[list], list[str]]], job: tuple) -> Way:
    """Return a way that runs in a process of its own."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(make, job, there), daemon=True)
    process.start()

    def answer(first: int, last: int) -> tuple[float, list[str], float]:
        here.send((first, last))
        return here.recv()

    return Way(answer, partial(here.send, None))


def _serve(make: Callable[..., Callable[[list], list[str]]], job: tuple, pipe: Connection) -> None:
    model, dtype, data, tokens, limit = job
    rows, answer = read(data, limit), make(model, dtype, tokens)
    while span := pipe.recv():
        first, last = span
        begun = time.perf_counter()
        texts = answer(rows[first:last])
        seconds = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        pipe.send((seconds, texts, peak / (2**20 if sys.platform == "darwin" else 2**10)))


def plain(model: str, dtype: str, tokens: int) -> Callable[[list], list[str]]:
    """Return the authors' way: the processor called on two rows at a time, then ``generate``, in the rows' order."""
    import torch
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from ninefold.models.families import find

    path = find(model).path
    processor = AutoProcessor.from_pretrained(path, padding_side="left")
    network = AutoModelForImageTextToText.from_pretrained(path, dtype=getattr(torch, dtype)).eval()

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
            ).to(network.dtype)
            with torch.inference_mode():
                written = network.generate(**inputs, do_sample=False, max_new_tokens=tokens)
            new = written[:, inputs["input_ids"].shape[1] :]
            texts += processor.batch_decode(new, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return texts

    return answer


def ours(model: str, dtype: str, tokens: int, *, prefix_reuse: bool = True) -> Callable[[list], list[str]]:
    """Return ninefold's way."""
    from ninefold.models.families import find
    from ninefold.models.shortcuts import Shortcuts
    from ninefold.models.vlm.model import VisionLanguageModel

    opened = VisionLanguageModel.load(
        find(model), dtype=dtype, device="cpu", shortcuts=Shortcuts(prefix_reuse=prefix_reuse)
    )

    def answer(examples: list) -> list[str]:
        return [prediction.text for prediction in opened.predict(examples, max_new_tokens=tokens)]

    return answer


def peer(python: str, job: tuple) -> Way:
    """Return lmms-eval's way, in its own environment."""
    from ninefold.models.families import find

    model, dtype, data, tokens, limit = job
    worker = [python, str(Path(__file__).with_name("lmms_worker.py")), find(model).path, dtype, str(data), "test"]
    running = subprocess.Popen(
        [*worker, str(tokens), str(limit)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    if running.stdout.readline() != "ready\n":
        raise SystemExit(f"{python}: lmms-eval does not start there; run performance/lmms_worker.py by hand to see why")

    def answer(first: int, last: int) -> tuple[float, list[str], float]:
        running.stdin.write(f"{first} {last}\n")
        running.stdin.flush()
        told = json.loads(running.stdout.readline())
        return told["seconds"], told["texts"], told["peak"]

    return Way(answer, running.stdin.close)


def bound_by_tokens(model: str, dtype: str, data: Path, tokens: int, limit: int) -> tuple[float, float]:
    """Return how many times fewer tokens are read where what prompts share is read once, and questions a picture."""
    from ninefold.models.families import find
    from ninefold.models.vlm.decoder import beginnings
    from ninefold.models.vlm.model import VisionLanguageModel

    encoder = VisionLanguageModel.load(find(model), device="cpu").encoder
    rows = read(data, limit)
    prompts = encoder.prompts(rows, encoder.images(rows))
    owners, _, lengths = beginnings(prompts)
    whole = sum(len(prompt.ids) for prompt in prompts)
    alone = whole - sum(lengths[owner] for owner in owners)
    return whole / (alone + sum(lengths)), len(prompts) / len(lengths)


def read(data: Path, limit: int) -> list:
    from ninefold.data.format.dataset import Dataset

    return list(Dataset.open(data).read("test", limit=limit))


def synthetic_rows(folder: Path, limit: int) -> Path:
    """Write rows of the synthetic test set, spread over all of it, and return where they are."""
    from ninefold.data.format import dataset
    from ninefold.data.format.card import About
    from ninefold.data.sources.synthetic import SyntheticSpec, examples

    rows = islice(examples(SyntheticSpec("test"))["test"], 0, None, max(1, 3888 // limit))
    dataset.write(folder, {"test": islice(rows, limit)}, about=About("rows", "Rows of the synthetic set.", {}))
    return folder


def photo_rows(folder: Path, limit: int) -> Path:
    """Write questions on photo-like pictures, two or more a picture, and return where they are."""
    from ninefold.data.sources.coco import source as coco
    from ninefold.nano import photos
    from ninefold.nano.spec import WorldSpec

    world = folder.with_name(f"{folder.name}-world")
    photos.make(WorldSpec(pictures=limit), world)
    coco.make(coco.CocoSpec(world / "annotations.json", world / "images"), folder)
    return folder


def mid_size(folder: Path) -> Path:
    """Write a LLaVA of 126 M random parameters (576 image tokens, 12 layers of each half), the nano's tokenizer."""
    import torch
    from transformers import (
        AutoProcessor,
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    from ninefold.models.families import find

    known = AutoProcessor.from_pretrained(find("nano").path)
    tokenizer, size = known.tokenizer, {"height": 336, "width": 336}
    processor = LlavaProcessor(
        CLIPImageProcessorPil(size=size, crop_size=size, do_center_crop=False),
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=known.chat_template,
    )
    sizes = {"num_hidden_layers": 12, "num_attention_heads": 12, "hidden_size": 768}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            num_hidden_layers=12,
            num_attention_heads=8,
            hidden_size=512,
            intermediate_size=2048,
            image_size=336,
            patch_size=14,
        ),
        text_config=LlamaConfig(
            **sizes,
            intermediate_size=2048,
            vocab_size=len(tokenizer),
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=0,
        ),
        image_token_index=known.image_token_id,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )
    torch.manual_seed(0)
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    main()
