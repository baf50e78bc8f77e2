"""Our models as a model of lmms-eval: ``lmms-eval --model ninefold --model_args pretrained=nano,adapter=RUN``.

Imported by lmms-eval alone, in an environment of its own.
"""

import math
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from lmms_eval.api.instance import GenerationResult
from lmms_eval.api.model import lmms

from ninefold import console, plugins, store
from ninefold.errors import ModelError
from ninefold.evaluation.lmms import answers
from ninefold.evaluation.lmms.layout import IMAGES
from ninefold.evaluation.lmms.requests import Asked, Settings
from ninefold.evaluation.model_output import checked_predictions
from ninefold.models.image_inputs import check_agreement
from ninefold.models.load import open_model
from ninefold.models.spec import ModelSpec
from ninefold.types import Example, Prediction

SAID = "ninefold:"
"""First word of the lines on standard output that tell how many requests are answered."""


class Ninefold(lmms):  # type: ignore[misc]
    """A model of ninefold, asked by chat messages; answers are decoded greedily, in batches by number of tokens."""

    is_simple = False

    def __init__(
        self,
        *,
        pretrained: str = "nano",
        adapter: str | None = None,
        dtype: str = "auto",
        device: str | None = None,
        trust_remote_code: bool = False,
        several_images: str = "refuse",
        plugin: str | None = None,
        answers: str | None = None,
        batch_size: int | str | None = None,
        max_batch_size: int | None = None,
        **unknown: object,
    ) -> None:
        """Open a model.

        Args:
            pretrained: A name from `ninefold models`, a hub id, a folder, or a run of full fine-tuning.
            adapter: A run of `ninefold train`, or the folder of a PEFT adapter.
            dtype: Floating-point type of the forward pass.
            device: A torch device; by default a GPU if there is one, and the one of its rank under `accelerate launch`.
            trust_remote_code: Whether code in the checkpoint may run.
            several_images: What becomes of a request with several images, of which a model here takes one: "refuse"
                ends the evaluation, "skip" answers it with an empty text.
            plugin: Python files that register a model of your own, which ``pretrained`` then names; separated as in
                PATH.
            answers: A file that keeps every answer while lmms-eval runs; a repeated command goes on from it.
            batch_size: Not used, like ``max_batch_size``: batches are made by number of tokens.
            max_batch_size: See ``batch_size``.
            unknown: Anything else, which is refused.

        Raises:
            ModelError: If there is no such model, or it cannot be opened with these options.
        """
        super().__init__()
        ranks = int(os.environ.get("WORLD_SIZE", "1"))
        if unknown:
            raise ModelError(f"--model_args {min(unknown)}: unknown; see the arguments of {type(self).__name__}")
        if several_images not in {"refuse", "skip"}:
            raise ModelError(f"--model_args several_images={several_images}: is refuse or skip")
        if answers is not None and ranks > 1:
            raise ModelError("--model_args answers: is for one process; leave it out under `accelerate launch`")
        _load_plugins(plugin)
        self.device = str(device or (f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if ranks > 1 else "auto"))
        self._several_images = several_images
        self._answers = None if answers is None else Path(str(answers))
        self._parent = os.getppid()
        # lmms-eval turns arguments that look like numbers into numbers.
        spec = ModelSpec(
            str(pretrained),
            adapter=None if adapter is None else Path(str(adapter)),
            dtype=dtype,  # type: ignore[arg-type]
            device=self.device,
            trust_remote_code=bool(trust_remote_code),
        )
        self._model: Any = open_model(spec)
        self._check_images(spec.adapter)

    def _check_images(self, adapter: Path | None) -> None:
        """Refuse images of other settings than the adapter was trained with; record the settings beside the answers."""
        settings = dict(self._model.image_settings)
        if adapter is not None:
            check_agreement(adapter, settings)
        if self._answers is not None:
            store.write_json(self._answers.parent / Path(IMAGES).name, {"settings": settings})

    def generate_until(self, requests: Sequence[Any]) -> list[str]:
        """Answer requests in free text, in the given order."""
        known = [] if self._answers is None else answers.read(self._answers, len(requests))
        texts = [answer["text"] for answer in known]
        remaining = iter(requests[len(known) :])
        for request, answer in zip(requests, known, strict=False):
            assert self._answers is not None
            number, task, split = request.args[-3:]
            answers.check(self._answers, answer, _id(request), self.task_dict[task][split][number])
        while chunk := list(islice(remaining, answers.CHUNK)):
            answered = self._answer(chunk)
            if self._answers is not None:
                # Whoever started this run may start it again: two processes must not write one file.
                if os.getppid() != self._parent:
                    raise SystemExit("the process that started this evaluation has ended")
                answers.append(self._answers, answered)
            texts += [answer["text"] for answer in answered]
            print(SAID, len(texts), "of", len(requests), flush=True)
        return [_settings(request).cut(text) for request, text in zip(requests, texts, strict=True)]

    def loglikelihood(self, requests: Sequence[Any]) -> list[Any]:
        """Refuse requests for likelihoods, which lmms-eval makes of simple models only.

        Raises:
            ModelError: Always.
        """
        raise ModelError("likelihoods are asked of simple models: add --force_simple")

    def generate_until_multi_round(self, requests: Sequence[Any]) -> list[str]:
        """Refuse conversations.

        Raises:
            ModelError: Always.
        """
        raise ModelError(
            f"task {requests[0].args[-2]}: holds several rounds; a model here is asked one turn of the user"
        )

    def clean(self) -> None:
        """Free the model's memory when all requests are answered."""
        self._model = None
        super().clean()

    def _answer(self, requests: Sequence[Any]) -> list[answers.Answered]:
        """Return the answers to a chunk of requests; those of the same settings are asked together."""
        rows = [self._row(request) for request in requests]
        by_settings: dict[Settings, list[int]] = defaultdict(list)
        skipped = 0
        for index, (request, (asked, example, _)) in enumerate(zip(requests, rows, strict=True)):
            if len(asked.images) > 1:
                skipped += 1
                self._check_several(len(asked.images), example)
            else:
                by_settings[_settings(request)].append(index)
        if skipped:
            console.warn(f"{skipped} requests have several images; each is answered with an empty text")
        found = {index: Prediction(example.id, "") for index, (_, example, _) in enumerate(rows)}
        for settings, indices in by_settings.items():
            examples = [rows[index][1] for index in indices]
            predictions = self._model.predict(examples, max_new_tokens=settings.max_new_tokens)
            found |= zip(indices, checked_predictions(self._model.name, examples, predictions), strict=True)
        return [
            answers.Answered(
                id=example.id,
                prompt=example.prompt,
                images=len(asked.images),
                text=found[index].text,
                truncated=found[index].truncated,
                document=answers.flat(document),
            )
            for index, (asked, example, document) in enumerate(rows)
        ]

    def _check_several(self, images: int, example: Example) -> None:
        if self._several_images == "refuse":
            raise ModelError(
                f"{example.id}: has {images} images, and a model here takes one; several_images=skip in --model_args "
                "answers such requests with an empty text"
            )

    def _row(self, request: Any) -> tuple[Asked, Example, Mapping[str, Any]]:
        _, to_messages, _, number, task, split = request.args
        document = self.task_dict[task][split][number]
        asked = Asked.of_messages(to_messages(document), _id(request))
        return asked, asked.example(_id(request), document), document


class NinefoldSimple(Ninefold):
    """A model of ninefold for ``--force_simple``: asked by text and images, for likelihoods too."""

    is_simple = True

    def loglikelihood(self, requests: Sequence[Any]) -> list[Any]:
        """Return, for each continuation, its negative log-likelihood and whether greedy decoding writes it.

        lmms-eval takes the smallest number as the best: its own models return losses. The end token is part of each
        continuation: without it, "left" would be favored over "left and above".
        """
        # lmms-eval 0.7.3 turns a bare pair into text, which its own scoring cannot unpack.
        return [GenerationResult(self._likelihood(request)) for request in requests]

    def _likelihood(self, request: Any) -> tuple[float, bool]:
        context, continuation, to_visual, number, task, split = request.args
        document = self.task_dict[task][split][number]
        text = continuation(document) if callable(continuation) else continuation
        asked = Asked(context, list(to_visual(document) or ()))
        self._check_one(asked, request)
        example = replace(asked.example(_id(request), document), options=(str(text).strip(),))
        ((score,),) = self._model.choice_scores([example])
        (written,) = self._model.predict([example], max_new_tokens=max(15, len(str(text))))
        return (-score if math.isfinite(score) else math.inf), written.text.strip() == example.options[0]

    def _check_one(self, asked: Asked, request: Any) -> None:
        if len(asked.images) > 1:
            raise ModelError(f"{_id(request)}: has {len(asked.images)} images, and a model here takes one")

    def _row(self, request: Any) -> tuple[Asked, Example, Mapping[str, Any]]:
        context, _, to_visual, number, task, split = request.args
        document = self.task_dict[task][split][number]
        asked = Asked(context, list(to_visual(document) or ()) if to_visual is not None else [])
        return asked, asked.example(_id(request), document), document


def _load_plugins(named: str | None) -> None:
    """Import plugins: files, and modules of installed packages, separated as in PATH."""
    for name in filter(None, str(named or "").split(os.pathsep)):
        plugins.load(Path(name) if name.endswith(".py") else name)


def _id(request: Any) -> str:
    number, task, _ = request.args[-3:]
    return f"{task}/{number}"


def _settings(request: Any) -> Settings:
    asked = next((part for part in request.args if isinstance(part, dict)), {})
    return Settings.of(asked, request.args[-2])
