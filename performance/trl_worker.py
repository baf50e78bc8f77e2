"""Training with TRL's SFTTrainer at its defaults, run by an interpreter that has ``trl`` and need not have ninefold.

`training.py --peer-python` starts it. Rows are plain files, and the model is a folder that transformers opens.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import workers


def make(*, model: str, pattern: str, rows: str, epochs: int, rank: int, alpha: int) -> Callable[..., dict[str, Any]]:
    """Return a function that trains once and returns its seconds."""
    from datasets import Dataset, Features, Image, List, Value
    from peft import LoraConfig
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from trl import SFTConfig, SFTTrainer

    part = {"type": Value("string"), "text": Value("string")}
    turn_of_chat = [{"role": Value("string"), "content": [part]}]
    table = Dataset.from_list(
        [conversation(json.loads(line)) for line in (Path(rows) / "rows.jsonl").open()],
        features=Features({"images": List(Image()), "prompt": turn_of_chat, "completion": turn_of_chat}),
    )

    def turn(out: str) -> dict[str, Any]:
        # In the precision that the others compute in; the checkpoint may be stored in half precision, slow on a CPU.
        network = AutoModelForImageTextToText.from_pretrained(model, dtype="float32")
        processor = AutoProcessor.from_pretrained(model)
        begun, computing = time.perf_counter(), time.process_time()
        SFTTrainer(
            network,
            SFTConfig(
                out,
                num_train_epochs=epochs,
                learning_rate=1e-4,
                # On a CPU, bfloat16 would only slow it down.
                bf16=False,
                use_cpu=True,
                report_to=[],
                disable_tqdm=True,
            ),
            train_dataset=table,
            processing_class=processor,
            peft_config=LoraConfig(r=rank, lora_alpha=alpha, target_modules=pattern),
        ).train()
        return {"seconds": time.perf_counter() - begun, "computing": time.process_time() - computing}

    return turn


def conversation(row: dict[str, str]) -> dict[str, Any]:
    """Return a row as TRL takes it: the images, the prompt and the completion."""
    return {
        "images": [row["image"]],
        "prompt": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": row["prompt"]}]}],
        "completion": [{"role": "assistant", "content": [{"type": "text", "text": row["answer"]}]}],
    }


if __name__ == "__main__":
    workers.serve(make)
