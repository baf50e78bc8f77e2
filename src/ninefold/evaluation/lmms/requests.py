"""Requests of lmms-eval as examples: one image, then the text. Nothing of lmms-eval is imported here."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ninefold.errors import ModelError
from ninefold.questions.catalog import FORMATS
from ninefold.types import NO_IMAGE, Example, ImageSource

DEFAULT_TOKENS = 128
"""Maximum number of generated tokens where a task names none, as in lmms-eval's own models."""

GREEDY = "--gen_kwargs temperature=0,do_sample=False,num_beams=1"
"""The option of lmms-eval that asks for greedy decoding."""


@dataclass(frozen=True)
class Settings:
    """The settings of a request for text."""

    max_new_tokens: int
    """Maximum number of generated tokens."""
    until: tuple[str, ...]
    """Texts before which the answer ends."""

    @classmethod
    def of(cls, asked: Mapping[str, Any], task: str) -> "Settings":
        """Return the settings in a task's ``generation_kwargs``.

        Raises:
            ModelError: If they ask for sampling, beams or several answers: decoding here is greedy.
        """
        temperature = float(asked.get("temperature") or 0)
        sampled = asked.get("do_sample")
        if (temperature > 0 and sampled is not False) or (sampled and "temperature" not in asked):
            raise ModelError(f"task {task}: asks for sampling, and decoding here is greedy; add {GREEDY}")
        for name in ("num_beams", "n", "best_of", "num_return_sequences"):
            if int(asked.get(name) or 1) > 1:
                raise ModelError(
                    f"task {task}: asks for {name}={asked[name]}, and decoding here is greedy; add {GREEDY}"
                )
        tokens = asked.get("max_new_tokens") or asked.get("max_gen_toks") or DEFAULT_TOKENS
        until = asked.get("until") or ()
        return cls(int(tokens), (until,) if isinstance(until, str) else tuple(filter(None, until)))

    def cut(self, text: str) -> str:
        """Return the part of a text before the first of the texts that end it."""
        return text[: min((text.index(end) for end in self.until if end in text), default=len(text))]


@dataclass(frozen=True)
class Asked:
    """The text and the images of a request."""

    text: str
    """The text, verbatim."""
    images: Sequence[Any]
    """Images of PIL, or paths."""

    @classmethod
    def of_messages(cls, messages: Sequence[Mapping[str, Any]], where: str) -> "Asked":
        """Return what chat messages ask: the images first, then all texts, with a space where an image was.

        Raises:
            ModelError: If they are not one turn of the user with text and images.
        """
        if [message["role"] for message in messages] != ["user"]:
            roles = ", ".join(str(message["role"]) for message in messages)
            raise ModelError(f"{where}: its messages are of {roles}; a model here is asked one turn of the user")
        content = messages[0]["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        kinds = {part["type"] for part in parts} - {"text", "image"}
        if kinds:
            raise ModelError(f"{where}: holds {min(kinds)}, and a model here takes text and one image")
        texts = [part["text"] for part in parts if part["type"] == "text" and part["text"]]
        return cls(" ".join(texts), [part["url"] for part in parts if part["type"] == "image"])

    def example(self, id: str, document: Mapping[str, Any]) -> Example:
        """Return the request as an example, with its first image or `NO_IMAGE`.

        Args:
            id: Id of the example.
            document: The row of the task. A row that ninefold exported holds its question and options too, which dual
                encoders need.

        Raises:
            ModelError: If an image is of another kind.
        """
        ours = document.get("answer_format") in FORMATS
        return Example(
            id,
            image_of(self.images[0], id) if self.images else NO_IMAGE,
            question=document["question"] if ours else self.text,
            prompt=self.text,
            options=tuple(document.get("options") or ()) if ours else (),
            answer="",
            answer_format=document["answer_format"] if ours else "short_text",
        )


def image_of(visual: Any, where: str) -> ImageSource:
    """Return the image of a request: a path, or the encoded pixels of an image of PIL, without loss.

    Raises:
        ModelError: If it is neither.
    """
    if isinstance(visual, str | Path):
        return Path(visual)
    if not hasattr(visual, "getbands"):
        raise ModelError(
            f"{where}: its image is a {type(visual).__name__}; a model here takes one image of PIL or a path"
        )
    buffer = io.BytesIO()
    # BMP holds the pixels as they are, which is many times faster than PNG.
    visual.save(buffer, {"RGB": "BMP", "CMYK": "TIFF"}.get(visual.mode, "PNG"))
    return buffer.getvalue()
