"""The training loop that the nano bases share: checkpoints, log, optimizer. The stages are in the files by objective.

The state is on disk: after ``kill -9`` the same command resumes from the last checkpoint.
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn
from transformers import AutoModelForImageTextToText, AutoTokenizer

from ninefold import store
from ninefold.models.compute.patch_embedding import flatten_patch_embeddings
from ninefold.models.families import NANO, find
from ninefold.nano import base
from ninefold.nano.architecture import Architecture
from ninefold.nano.conversations import Batcher, corpus
from ninefold.nano.spec import PretrainSpec
from ninefold.nano.world import texture
from ninefold.runs import layout
from ninefold.runs.lock import working
from ninefold.seeding import rng

Stage = tuple[int, Callable[[float], dict[str, float]]]
"""A stage: its number of steps, and the function of one step, given the finished fraction of the stage."""


def settings_of(spec: PretrainSpec) -> dict[str, Any]:
    """Return everything that changes the outcome of a pretraining: the content of its ``spec.json``."""
    return {key: value for key, value in asdict(spec).items() if key not in {"out", "checkpoint_every"}}


class Pretraining:
    """The pretraining of one base: model, heads, optimizer and step, saved and restored as one."""

    def __init__(self, spec: PretrainSpec, architecture: Architecture, heads: nn.Module) -> None:
        """Start from the architecture's initial weights.

        Args:
            spec: The settings.
            architecture: The family's architecture at nano size.
            heads: Auxiliary heads, trained with the model and not part of the finished base.
        """
        self.spec = spec
        self.architecture = architecture
        torch.manual_seed(spec.seed)
        textures_rng = rng(spec.seed, "nano", "textures")
        self.textures = [texture(textures_rng) for _ in range(spec.textures)]
        first = find(NANO).path
        if architecture.initialize is None:
            self.processor = architecture.processor(base.tokenizer(corpus(spec.seed, self.textures)))
        else:
            self.processor = architecture.processor(AutoTokenizer.from_pretrained(first))
        # Attention in the decoder is supervised, which needs its weights; and at this size on a CPU, the backward pass
        # of the fused kernels is slower.
        self.model = architecture.untrained(self.processor.tokenizer, attn_implementation="eager")
        if architecture.initialize is not None:
            architecture.initialize(self.model, AutoModelForImageTextToText.from_pretrained(first, dtype=torch.float32))
        flatten_patch_embeddings(self.model, whole_images=True)
        self.batcher = Batcher(architecture, self.processor)
        self.heads = heads
        named = list(self.model.named_parameters())
        self.vision = [*(weight for name, weight in named if architecture.is_vision(name)), *heads.parameters()]
        self.language = [weight for name, weight in named if not architecture.is_vision(name)]
        self.step = 0
        self.optimizer = self._fresh_optimizer()

    def stages(self) -> tuple[Stage, ...]:
        """Return the stages in order."""
        raise NotImplementedError

    def run(self, *, overwrite: bool = False) -> None:
        """Train from the last checkpoint to the finished base; a finished one is left unchanged.

        With ``overwrite``, one of other settings is replaced.
        """
        with working(self.spec.out, settings_of(self.spec), overwrite=overwrite) as unfinished:
            if unfinished:
                self._train()

    def _train(self) -> None:
        spec = self.spec
        self._restore()
        seen: list[dict[str, float]] = []
        begun, start = time.perf_counter(), 0
        for steps, take_step in self.stages():
            while start <= self.step < start + steps:
                if self.step == start:
                    self.optimizer = self._fresh_optimizer()
                seen.append(take_step((self.step - start) / steps))
                self.step += 1
                if self.step % 25 == 0:
                    self._log(seen, time.perf_counter() - begun)
                    seen = []
                if self.step % spec.checkpoint_every == 0:
                    self._checkpoint()
            start += steps
        with store.atomic_folder(spec.out / layout.BASE) as folder:
            base.save(folder, self.model, self.processor)

    def update(self, loss: Tensor, vision_rate: float, language_rate: float) -> None:
        """Take one optimizer step."""
        for group, rate in zip(self.optimizer.param_groups, (vision_rate, language_rate), strict=True):
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_([*self.vision, *self.language], 1.0)
        self.optimizer.step()

    def image_size(self, random: np.random.Generator) -> tuple[int, int]:
        """Draw the size of a step's images: the architecture's first one, or with probability 0.3 another."""
        sizes = self.architecture.sizes
        return sizes[0] if len(sizes) == 1 or random.random() < 0.7 else sizes[random.integers(1, len(sizes))]

    def _log(self, seen: list[dict[str, float]], seconds: float) -> None:
        keys = sorted({key for row in seen for key in row})
        means = {key: round(float(np.nanmean([row.get(key, np.nan) for row in seen])), 4) for key in keys}
        line = json.dumps({"step": self.step, "seconds": round(seconds, 1), **means})
        with (self.spec.out / layout.PRETRAINING_LOG).open("a") as log:
            log.write(line + "\n")
        print(line, flush=True)

    def _fresh_optimizer(self) -> torch.optim.AdamW:
        groups = [{"params": self.vision}, {"params": self.language}]
        return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), weight_decay=0.01)

    def _checkpoint(self) -> None:
        tensors = {f"model.{k}": v for k, v in self.model.named_parameters()}
        tensors |= {f"heads.{k}": v for k, v in self.heads.named_parameters()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in state.items()}
        content = save({k: v.detach().contiguous().clone() for k, v in tensors.items()}, {"step": str(self.step)})
        store.write_bytes(self.spec.out / layout.PRETRAINING_STATE, content)

    def _restore(self) -> None:
        """Go back to the last checkpoint, if there is one; the log too, whose later lines will be written again."""
        log = self.spec.out / layout.PRETRAINING_LOG
        self._restore_state()
        if log.exists():
            lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
            # A kill may have cut the last line.
            kept = [line for line in lines if line.endswith("}\n") and json.loads(line)["step"] <= self.step]
            store.write_text(log, "".join(kept))

    def _restore_state(self) -> None:
        path = self.spec.out / layout.PRETRAINING_STATE
        if not path.exists():
            return
        with safe_open(path, "pt") as file:
            self.step = int(file.metadata()["step"])
        tensors = load_file(path)
        with torch.no_grad():
            for prefix, module in (("model", self.model), ("heads", self.heads)):
                for name, parameter in module.named_parameters():
                    parameter.copy_(tensors[f"{prefix}.{name}"])
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            kind, _, rest = name.partition(".")
            if kind == "optimizer":
                index, _, key = rest.partition(".")
                state.setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})


def one_cycle(done: float, warm: float = 0.06) -> float:
    """Return the learning rate as a fraction of the highest: a linear rise, then a cosine to zero."""
    return done / warm if done < warm else 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))
