"""Evaluation at true size: ninefold against plain ``generate`` at batch 2, and its short cuts against none."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import torch
from gpu_flops import Operations, Seen, forward, seen
from gpu_measured import Job, Measured, timed
from PIL import Image

from ninefold.models.clip.model import DualEncoder
from ninefold.models.protocol import Trainable
from ninefold.models.shortcuts import Shortcuts
from ninefold.models.vlm.model import VisionLanguageModel
from ninefold.models.vlm.reference import to_device
from ninefold.types import Example

NEW_TOKENS = 4
"""What an answer takes of a model that knows the format: two or three tokens and the end. Random weights never end."""

QUESTIONS = 2
"""Questions on each image, where several are asked; COCO's test set has 2.08."""

PROBE = 16
"""Examples that are worked on first, to see how many fit into the time."""

Work = Callable[[Sequence[Example]], object]


def jobs(model: Trainable, rows: Sequence[Example], seconds: float) -> list[Job]:
    """Return all that is measured of a model; of what is compared, the plain way comes first."""
    if isinstance(model, DualEncoder):
        return [
            Job("evaluation", "plain, batch 2", partial(_paired, model, partial(_pairs, model), rows, seconds, 1)),
            Job("evaluation", "ninefold", partial(_paired, model, model.predict, rows, seconds, len(rows))),
        ]
    assert isinstance(model, VisionLanguageModel)
    lengths = Lengths(model, rows)
    whole, plain = switched(model, Shortcuts(prefix_reuse=False)), switched(model, Shortcuts(own_decoding=False))
    # Each image is asked about in the words of neighbors too.
    several = [
        replace(rows[index - index % QUESTIONS], id=row.id, question=row.question, prompt=row.prompt)
        for index, row in enumerate(rows)
    ]

    def job(what: str, way: str, work: Work, asked: Sequence[Example], operations: Operations) -> Job:
        return Job(what, way, partial(_measured, work, asked, seconds, operations))

    def answer(opened: VisionLanguageModel) -> Work:
        return partial(opened.predict, max_new_tokens=NEW_TOKENS)

    asking = f"{QUESTIONS} questions per image"
    return [
        job("evaluation", "plain generate, batch 2", partial(_plain_answers, model), rows, lengths.answered(own=False)),
        job("evaluation", "ninefold", answer(model), rows, lengths.answered()),
        job(asking, "each read whole", answer(whole), several, lengths.answered()),
        job(asking, "ninefold", answer(model), several, lengths.answered(QUESTIONS)),
        job("choice scoring", "each option read whole", plain.choice_scores, rows, lengths.chosen(own=False)),
        job("choice scoring", "ninefold", model.choice_scores, rows, lengths.chosen()),
    ]


def switched(model: VisionLanguageModel, shortcuts: Shortcuts) -> VisionLanguageModel:
    """Return the same model with other short cuts."""
    return VisionLanguageModel(
        model.model,
        model.encoder.processor,
        checkpoint=model.checkpoint,
        family=model.family,
        identity=dict(model.identity),
        shortcuts=shortcuts,
    )


@dataclass
class Lengths:
    """How long prompts are, and what they take; the first two stand for all, which differ by a few tokens."""

    model: VisionLanguageModel
    rows: Sequence[Example]

    @cached_property
    def prompt(self) -> tuple[int, int, Seen]:
        """Tokens of a prompt, how many of them another about the same image shares, and what is seen."""
        image = self.model.encoder.image(self.rows[0])
        one, other = self.model.encoder.prompts(self.rows[:2], [image, image])
        shortest = min(len(one.ids), len(other.ids)) - 1
        same = one.ids[:shortest] == other.ids[:shortest]
        return len(one.ids), int(same.argmin()) if not same.all() else shortest, seen(self.model.model, one.image)

    def answered(self, questions: int = 1, *, own: bool = True) -> Operations:
        """Return what reading and answering take for each of several questions about one image."""
        length, shared, image = self.prompt
        read = partial(forward, self.model.model, logits=1, last_alone=own)
        if questions == 1:
            reading = read([length], image=image)
        else:
            reading = read([shared], image=image).times(1 / questions) + read([length - shared], before=shared)
        return sum((read([1], before=length + written) for written in range(NEW_TOKENS - 1)), reading)

    def chosen(self, *, own: bool = True) -> Operations:
        """Return what scoring all options of an example takes."""
        length, _, image = self.prompt
        further = [len(self.model.encoder.answer_ids(option)) - 1 for option in self.rows[0].options]
        if own:
            reading = forward(self.model.model, [length], logits=1, image=image, last_alone=True)
            return reading + forward(self.model.model, further, logits=sum(further), before=length)
        count = len(further)
        images = replace(image, tiles=image.tiles * count)
        read = [length + more + 1 for more in further]
        return forward(self.model.model, read, logits=sum(further) + count, image=images)


def _measured(work: Work, rows: Sequence[Example], seconds: float, operations: Operations) -> Measured:
    count, spent, peak = timed(work, rows, seconds, probe=PROBE)
    return Measured(count, spent, operations.total, peak)


def _plain_answers(model: VisionLanguageModel, rows: Sequence[Example]) -> None:
    """Answer as the authors' scripts do: the processor called on two rows at a time, then ``generate``."""
    processor = model.encoder.processor
    for start in range(0, len(rows), 2):
        pair = rows[start : start + 2]
        inputs = processor(
            text=[model.encoder.prompt(row) for row in pair],
            images=[[Image.open(io.BytesIO(row.image)).convert("RGB")] for row in pair],
            padding=True,
            padding_side="left",
            return_tensors="pt",
        )
        with torch.inference_mode():
            written = model.model.generate(
                **to_device(model.model, dict(inputs)), do_sample=False, max_new_tokens=NEW_TOKENS
            )
        processor.batch_decode(written[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)


def _pairs(model: DualEncoder, rows: Sequence[Example]) -> None:
    """Choose as a plain script does: two images at a time, each with the nine texts of its own."""
    for start in range(0, len(rows), 2):
        pair = rows[start : start + 2]
        images = [Image.open(io.BytesIO(row.image)).convert("RGB") for row in pair]
        pixels = model.encoder.image_processor(images, return_tensors="pt")["pixel_values"]
        texts = model.encoder.padded(text for row in pair for text in model.encoder.texts(row))
        with torch.inference_mode():
            model.model(**to_device(model.model, {**texts, "pixel_values": pixels})).logits_per_image.argmax(
                -1
            ).tolist()


def _paired(model: DualEncoder, work: Work, rows: Sequence[Example], seconds: float, together: int) -> Measured:
    """Measure a dual encoder; distinct texts are encoded once in every so many rows together."""
    count, spent, peak = timed(work, rows, seconds, probe=PROBE)
    together = min(together, count)
    texts = {text for row in rows[:together] for text in model.encoder.texts(row)}
    image = Seen(1, (model.encoder.side // model.encoder.patch) ** 2, 1)
    read = forward(model.model, list(map(len, texts))).times(1 / together)
    return Measured(count, spent, (read + forward(model.model, [], image=image)).total, peak)
