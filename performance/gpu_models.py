"""Models of the paper's families with random weights: the real classes, at their true size or tiny.

Nothing is downloaded. Only tokenizers are not the released ones: a small one makes prompts of a real length, and the
vocabulary of each model is as large as the released one. `TINY` gives the same classes in sizes for a CPU.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import gpu_configs
import torch
from gpu_configs import QWEN, Scale
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModel,
    AutoModelForImageTextToText,
    CLIPConfig,
    PreTrainedTokenizerFast,
)

from ninefold.data.sources.synthetic import SyntheticSpec, examples
from ninefold.models.checkpoint.messages import quiet
from ninefold.models.clip.model import DualEncoder
from ninefold.models.families import FAMILIES, Checkpoint
from ninefold.models.ports.molmo.image_processing import LAYOUT_TOKENS
from ninefold.models.protocol import Trainable
from ninefold.models.vlm.model import VisionLanguageModel
from ninefold.scenes.render import encode_png
from ninefold.types import Example, Scene

SPECIAL = ("<pad>", "<|end|>", "<image>", "<|im_start|>", "<|im_end|>", "<|image|>", *LAYOUT_TOKENS)
WORDS = 330
"""Entries of the small tokenizer: so few that a prompt has about 90 tokens, as with LLaVA-NeXT's own."""


@dataclass(frozen=True)
class Row:
    """A model of the table."""

    family: str
    """Its row in `ninefold.models.families`."""
    checkpoint: str
    """What its sizes are those of."""
    parameters: int
    """How many it has at its true size."""
    make: Callable[[Any, Scale], tuple[Any, Any]]
    """Makes its configuration and its processor."""


MODELS = {
    "clip": Row("clip", "openai/clip-vit-large-patch14-336", 427_944_193, gpu_configs.clip),
    "llava-next": Row("llava-next", "llava-hf/llava-v1.6-vicuna-7b-hf", 7_063_431_168, gpu_configs.llava_next),
    "llava-onevision": Row(
        "llava-onevision", "lmms-lab/LLaVA-OneVision-1.5-8B-Instruct", 8_527_214_624, gpu_configs.llava_onevision
    ),
    "molmo-d": Row(
        "molmo",
        "allenai/Molmo-7B-D-0924",
        8_021_025_280,
        lambda words, scale: gpu_configs.molmo(words, scale, olmo=False),
    ),
    "molmo-o": Row(
        "molmo",
        "allenai/Molmo-7B-O-0924",
        7_665_032_192,
        lambda words, scale: gpu_configs.molmo(words, scale, olmo=True),
    ),
    "qwen2-vl-2b": Row(
        "qwen2-vl",
        "Qwen/Qwen2-VL-2B-Instruct",
        2_208_985_600,
        lambda words, scale: gpu_configs.qwen2_vl(words, scale, small=True),
    ),
    "qwen2-vl": Row("qwen2-vl", "Qwen/Qwen2-VL-7B-Instruct", 8_291_375_616, gpu_configs.qwen2_vl),
}
"""The models by the names that ``--families`` takes: those of Rizzoli et al. 2025, and the 2B of SpaRE."""


def network(config: Any, *, device: str, dtype: torch.dtype) -> Any:
    """Return a model of random weights, made where it stays; on the meta device it takes no memory."""
    auto = AutoModel if isinstance(config, CLIPConfig) else AutoModelForImageTextToText
    with quiet(), torch.device(device):
        return auto.from_config(config, dtype=dtype).eval()


def opened(name: str, scale: Scale, *, device: str, dtype: torch.dtype) -> Trainable:
    """Return a model as ninefold opens it from a checkpoint."""
    row, words = MODELS[name], tokenizer()
    config, processor = row.make(words, scale)
    model = network(config, device=device, dtype=dtype)
    family = FAMILIES[row.family]
    identity = {
        "name": name,
        "family": row.family,
        "nano": False,
        "checkpoint": None,
        "adapter": None,
        "dtype": str(dtype).removeprefix("torch."),
    }
    parts = {"checkpoint": Checkpoint(family, row.checkpoint, name), "family": family, "identity": identity}
    if family.kind == "dual":
        return DualEncoder(model, processor, **parts)
    model.generation_config.eos_token_id = words.eos_token_id
    model.generation_config.pad_token_id = words.pad_token_id
    return VisionLanguageModel(model, processor, **parts)


def rows(count: int, scale: Scale) -> list[Example]:
    """Return examples of the synthetic test set, no two about the same image, as PNG."""
    every = islice(examples(SyntheticSpec("test", canvas=scale.canvas))["test"], 0, None, max(1, 3888 // count))
    distinct = {example.image: example for example in every}
    return [
        replace(example, image=encode_png(scene))
        for scene, example in islice(distinct.items(), count)
        if isinstance(scene, Scene)
    ]


def tokenizer() -> Any:
    """Return the small tokenizer."""
    blank = Tokenizer(models.BPE())
    blank.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    blank.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=WORDS,
        special_tokens=[*SPECIAL, *QWEN.values()],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    every = islice(examples(SyntheticSpec("test"))["test"], 0, None, 40)
    turns = "system\nYou are a helpful assistant.\nuser\nassistant\nUSER: ASSISTANT: "
    blank.train_from_iterator((turns + example.prompt for example in every), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=blank, pad_token="<pad>", eos_token="<|end|>")
