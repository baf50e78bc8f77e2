"""Evaluation that is measured, in this environment: ninefold, and plain ``generate`` at batch 2.

`evaluation.py` starts it. Each question answers the rows from a first to a last one.
"""

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import workers


def make(*, way: str, model: str, dtype: str, data: str, tokens: int, limit: int) -> Callable[..., dict[str, Any]]:
    """Return a function that answers rows, with the seconds that it took."""
    from ninefold.data.format.dataset import Dataset

    rows = list(Dataset.open(Path(data)).read("test", limit=limit))
    answer = {"plain": plain, "ninefold": ninefold, "whole": whole}[way](model, dtype, tokens)

    def span(first: int, last: int) -> dict[str, Any]:
        begun = time.perf_counter()
        texts = answer(rows[first:last])
        return {"seconds": time.perf_counter() - begun, "texts": texts}

    return span


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


def ninefold(model: str, dtype: str, tokens: int, *, prefix_reuse: bool = True) -> Callable[[list], list[str]]:
    """Return ninefold's way."""
    from ninefold.models.load import open_model
    from ninefold.models.shortcuts import Shortcuts
    from ninefold.models.spec import ModelSpec

    opened = open_model(ModelSpec(model, dtype=dtype, device="cpu", shortcuts=Shortcuts(prefix_reuse=prefix_reuse)))

    def answer(examples: list) -> list[str]:
        return [prediction.text for prediction in opened.predict(examples, max_new_tokens=tokens)]

    return answer


def whole(model: str, dtype: str, tokens: int) -> Callable[[list], list[str]]:
    """Return ninefold's way with every prompt computed whole, also where several ask about one image."""
    return ninefold(model, dtype, tokens, prefix_reuse=False)


if __name__ == "__main__":
    workers.serve(make)
