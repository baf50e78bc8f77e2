"""How fast a model is evaluated, side by side with what people use, on the nano and on a mid-size random LLaVA.

``questions``: rows of the synthetic set, one question per image; against plain ``generate`` at batch 2, which is what
the paper's authors' scripts do, and against lmms-eval with its own Hugging Face model and with our plug-in
(``--peer-python``, an interpreter of an environment that has lmms-eval, decord, ninefold and no torchvision).
``photos``: several questions per image, as COCO has them (``--photos``, a folder made by ``ninefold data coco``;
otherwise photo-like images are made); with the prefix that the questions share computed once, and without, beside the
bound that the tokens give.

All ways answer the same rows with the same model in turns, so that a busy machine slows them alike, and each has a
process of its own, whose peak memory it tells. Cores that other programs keep busy favor ninefold beyond its due, as
torch's threads then wait for each other at every operation.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import rows
from workers import Worker

from ninefold.data.format.dataset import Dataset
from ninefold.models.families import find
from ninefold.models.spec import ModelSpec

TURNS = 4
LIMITS = {"nano": {"questions": 512, "photos": 384}, "mid": {"questions": 24, "photos": 24}}
NEW_TOKENS = {"nano": 15, "mid": 3}
"""Tokens of an answer, at most. Random parameters never end one: "top left" and its end are three."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["nano", "mid"], help="nano, mid, hub ids or folders")
    parser.add_argument("--rows", nargs="+", default=["questions", "photos"], choices=["questions", "photos"])
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--photos", type=Path, help="a data set folder with several questions per image")
    parser.add_argument("--limit", type=int, help="how many rows are asked; default: what takes about three minutes")
    parser.add_argument("--peer-python", help="an interpreter that has lmms-eval")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for model in arguments.models:
            path = mid_size(Path(folder) / "mid") if model == "mid" else model
            for kind in arguments.rows:
                limit = arguments.limit or LIMITS.get(model, LIMITS["mid"])[kind]
                make = {"questions": rows.synthetic_test, "photos": rows.photo_like}[kind]
                given = arguments.photos if kind == "photos" else None
                data = given or made(make, Path(folder) / f"{kind}-{limit}", limit)
                for dtype in arguments.dtypes:
                    print(f"\n{model}, {kind}, {dtype}, {limit} rows")
                    job = {"model": str(path), "dtype": dtype, "data": str(data), "limit": limit}
                    job["tokens"] = NEW_TOKENS.get(model, 15)
                    compare_questions(job, arguments.peer_python) if kind == "questions" else compare_photos(job)


def compare_questions(job: dict[str, Any], peer_python: str | None) -> None:
    """Print ninefold beside plain `generate` and, where there is one, lmms-eval."""
    workers = {"plain generate, batch 2": here("plain", job), "ninefold": here("ninefold", job)}
    if peer_python:
        folder = {**job, "model": find(job["model"]).path}
        workers["lmms-eval"] = Worker("lmms_worker.py", folder, python=peer_python)
        workers["our plug-in in lmms-eval"] = Worker("lmms_worker.py", {**folder, "plug_in": True}, python=peer_python)
    report(workers, job["limit"])


def compare_photos(job: dict[str, Any]) -> None:
    """Print prefix reuse beside none, and how much of the bound it reaches."""
    bound, questions = bound_by_tokens(job)
    whole, reuse = report({"each prompt whole": here("whole", job), "ninefold": here("ninefold", job)}, job["limit"])
    print(
        f"{questions:.2f} questions per image; bound by tokens {bound:.2f}x, reached {whole / reuse / bound:.0%} of it"
    )


def here(way: str, job: dict[str, Any]) -> Worker:
    """Return a worker of this environment."""
    return Worker("evaluation_worker.py", {"way": way, **job})


def report(workers: dict[str, Worker], limit: int) -> list[float]:
    """Let the workers answer in turns, print a row for each, and return their seconds."""
    seconds, peaks = dict.fromkeys(workers, 0.0), dict.fromkeys(workers, 0.0)
    texts: dict[str, list[str]] = {way: [] for way in workers}
    for worker in workers.values():
        worker.ask({"first": 0, "last": 2})
    for turn in range(TURNS):
        span = {"first": limit * turn // TURNS, "last": limit * (turn + 1) // TURNS}
        for way, worker in workers.items():
            answer = worker.ask(span)
            seconds[way] += answer["seconds"]
            texts[way] += answer["texts"]
            peaks[way] = answer["peak"]
    for worker in workers.values():
        worker.close()
    first = next(iter(workers))
    print(f"{'':28}{'seconds':>9}{'a second':>10}{'ratio':>8}{'peak MB':>9}{'equal texts':>13}")
    for way, spent in seconds.items():
        equal = sum(one == other for one, other in zip(texts[first], texts[way], strict=True))
        ratio = seconds[first] / spent
        print(f"{way:28}{spent:9.2f}{limit / spent:10.2f}{ratio:7.2f}x{peaks[way]:9.0f}{equal:7} of {limit}")
    return list(seconds.values())


def bound_by_tokens(job: dict[str, Any]) -> tuple[float, float]:
    """Return how many times fewer tokens are left where shared prefixes are computed once, and questions per image."""
    from ninefold.models.vlm.model import VisionLanguageModel
    from ninefold.models.vlm.prefix_reuse import shared_prefixes

    encoder = VisionLanguageModel.load(ModelSpec(job["model"], device="cpu")).encoder
    asked = list(Dataset.open(Path(job["data"])).read("test", limit=job["limit"]))
    prompts = encoder.prompts(asked, encoder.images(asked))
    prefixes = shared_prefixes(prompts)
    whole = sum(len(prompt.ids) for prompt in prompts)
    shared = sum(len(prefix.ids) for prefix in prefixes.prompts)
    alone = sum(len(rest["input_ids"]) for rest in prefixes.rest(prompts))
    return whole / (alone + shared), len(prompts) / len(prefixes.prompts)


def made(make: Any, folder: Path, limit: int) -> Path:
    """Return the folder of rows, which are made once."""
    return folder if folder.exists() else make(folder, limit)


def mid_size(folder: Path) -> Path:
    """Return the folder of the mid-size LLaVA."""
    import midsize

    return midsize.save_llava(folder)


if __name__ == "__main__":
    main()
