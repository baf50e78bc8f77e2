"""Training that is measured, in this environment: ninefold, and one row at a time as the paper's authors train.

`training.py` starts it. Each question trains once, from an open model to a trained adapter.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import workers


def make(way: str, **job: Any) -> Callable[..., dict[str, Any]]:
    """Return a function that trains once and returns its seconds."""
    prepare = {"ninefold": ninefold, "one_row": one_row}[way]

    def turn(out: str) -> dict[str, Any]:
        return timed(prepare(out=Path(out), **job))

    return turn


def timed(run: Callable[[], object]) -> dict[str, Any]:
    """Return the seconds of a run, and the processor seconds of all its threads."""
    begun, computing = time.perf_counter(), time.process_time()
    run()
    return {"seconds": time.perf_counter() - begun, "computing": time.process_time() - computing}


def ninefold(
    *, model: str, scope: str, data: str, epochs: int, rank: int, alpha: int, out: Path, **_: Any
) -> Callable[[], object]:
    from ninefold.models.load import open_trainable
    from ninefold.models.spec import ModelSpec
    from ninefold.training.spec import TrainSpec
    from ninefold.training.train import train

    spec = TrainSpec(
        ModelSpec(model),
        data=(Path(data),),
        lora_scope=scope,
        rank=rank,
        alpha=alpha,
        epochs=epochs,
        patience=epochs,
    )
    opened = open_trainable(ModelSpec(model, device="cpu"))
    return lambda: train(spec, out, model=opened)


def one_row(
    *, model: str, pattern: str, rows: str, epochs: int, rank: int, alpha: int, **_: Any
) -> Callable[[], object]:
    import json

    import torch
    from peft import LoraConfig, get_peft_model
    from PIL import Image

    from ninefold.models.load import open_trainable
    from ninefold.models.spec import ModelSpec

    opened = open_trainable(ModelSpec(model, device="cpu"))
    processor = opened.encoder.processor

    def run() -> None:
        network = get_peft_model(
            opened.model, LoraConfig(r=rank, lora_alpha=alpha, target_modules=pattern, init_lora_weights="gaussian")
        )
        optimizer = torch.optim.AdamW([value for value in network.parameters() if value.requires_grad], lr=1e-4)
        network.train()
        for _ in range(epochs):
            for line in (Path(rows) / "rows.jsonl").open():
                row = json.loads(line)
                asked = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": row["prompt"]}]}]
                answer = {"role": "assistant", "content": [{"type": "text", "text": row["answer"]}]}
                prompt = processor.apply_chat_template(asked, add_generation_prompt=True)
                inputs = processor(
                    text=[processor.apply_chat_template([*asked, answer])],
                    images=[Image.open(row["image"]).convert("RGB")],
                    return_tensors="pt",
                )
                tokenizer = processor.tokenizer
                learned = len(tokenizer(prompt + row["answer"])["input_ids"]) - len(tokenizer(prompt)["input_ids"])
                labels = inputs["input_ids"].clone()
                labels[:, : -learned - 1] = -100
                network(**inputs, labels=labels).loss.backward()
                optimizer.step()
                optimizer.zero_grad()

    return run


if __name__ == "__main__":
    workers.serve(make)
