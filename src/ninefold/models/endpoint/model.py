"""A model behind any OpenAI-compatible URL (vLLM, SGLang, a hosted one), asked by chat completions; no torch here.

Greedy decoding is asked for with temperature 0. What a server adds of its own cannot be seen from here: vLLM, for one,
takes penalties from the checkpoint's ``generation_config.json`` unless it is started with ``--generation-config vllm``.
"""

import base64
import io
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
from PIL import Image

from ninefold import images
from ninefold.errors import DataError, ModelError
from ninefold.models.endpoint import address
from ninefold.models.endpoint.client import Client
from ninefold.scenes.render import encode_png
from ninefold.types import Example, ImageSource, Prediction, Scene

Result = TypeVar("Result")


class Token(NamedTuple):
    """A token of a prompt, as the server tells it."""

    id: str
    """Its number in the server's vocabulary."""
    logprob: float
    """Its log-probability after all tokens before it; 0 for the first one, which has none."""
    text: str | None
    """What it decodes to, where the server says."""


class Closing(NamedTuple):
    """What a chat template writes after every answer."""

    ids: tuple[str, ...]
    """All its tokens."""
    counted: int
    """How many of them belong to the answer: up to and with the end token."""


class Endpoint:
    """A model on a server; implements `ninefold.models.protocol.Model`."""

    def __init__(
        self, name: str, *, concurrency: int = 8, tries: int = 8, first_wait: float = 1.0, timeout: float = 300.0
    ) -> None:
        """Find a server and the model it serves.

        Args:
            name: ``openai:http://host:port/v1#model``; without ``#model`` the only one that the server has.
            concurrency: How many requests are under way at once.
            tries: How often a request is sent before it is given up.
            first_wait: About how many seconds to wait before the second time; the wait doubles from time to time.
            timeout: How many seconds an answer may take.

        Raises:
            ModelError: If the name is no such URL, nothing answers there, or it must be said which model is meant.
        """
        url, model = address.split(name)
        self._client = Client(url, connections=concurrency, tries=tries, first_wait=first_wait, timeout=timeout)
        self._client.greet()
        self.concurrency = concurrency
        self.model = model or _only_model(self._client)
        self.identity: Mapping[str, object] = address.identity(self.model)
        self.name = str(self.identity["name"])
        self.image_settings: Mapping[str, object] = {}

    def predict(self, examples: Sequence[Example], *, max_new_tokens: int = 15) -> list[Prediction]:
        """Answer in free text by greedy decoding; one prediction an example, in the order given.

        Raises:
            DataError: If a picture cannot be read.
            ModelError: If the server refuses, or fails again and again.
        """

        def answered(example: Example) -> Prediction:
            reply = self._chat(example, [_user(example, _picture(example))], max_tokens=max_new_tokens)
            try:
                choice = reply["choices"][0]
                text = choice["message"]["content"]
                return Prediction(example.id, "" if text is None else str(text), choice["finish_reason"] == "length")
            except (KeyError, IndexError, TypeError) as error:
                raise ModelError(
                    f"{self._client.url}: its answer is no chat completion; is it the URL's /v1?"
                ) from error

        return self._each(answered, examples)

    def choice_scores(self, examples: Sequence[Example]) -> list[tuple[float, ...]]:
        """Return, for each example, the log-probability of answering with exactly each option, the end token included.

        A server tells the log-probabilities of a prompt alone (``prompt_logprobs``, an extension of vLLM), so that each
        option is sent as a finished answer of the assistant. Where it begins is where the tokens part from those of the
        prompt without it, for the earliest of the options: all of an example are compared from the same token on. What
        the template writes after an answer is found once, by an answer that is left open (``continue_final_message``);
        of that, all counts up to the first token that is not blank, the end token. Without it, "center" could only be
        likelier than "center left".

        Raises:
            DataError: If a picture cannot be read.
            ModelError: If an example has no options, or the server does not tell what is needed.
        """
        if open_ended := next((example.id for example in examples if not example.options), None):
            raise ModelError(f"example {open_ended}: has no options to rank; let the model write its answer instead")
        if not examples:
            return []
        closing = self._closing(examples[0])
        return self._each(lambda example: self._scores(example, closing), examples)

    def hidden_states(self, examples: Sequence[Example]) -> np.ndarray:
        """Refuse: a server tells no hidden states."""
        raise ModelError(f"{self.name}: a server tells no hidden states; name the checkpoint itself with --model")

    def image_input(self, example: Example) -> None:
        """Return nothing: what becomes of a picture is known to the server alone."""

    def _each(self, function: Callable[[Example], Result], examples: Sequence[Example]) -> list[Result]:
        with ThreadPoolExecutor(self.concurrency) as pool:
            return list(pool.map(function, examples))

    def _chat(self, example: Example, messages: list[dict[str, Any]], **options: object) -> Any:
        body = {"model": self.model, "messages": messages, "temperature": 0, "seed": 0, **options}
        return self._client.send("POST", "/chat/completions", body, about=f"example {example.id}")

    def _scores(self, example: Example, closing: Closing) -> tuple[float, ...]:
        picture = _picture(example)
        prompt = self._tokens(example, picture)
        answered = [self._tokens(example, picture, option) for option in example.options]
        begin = min(_shared(prompt, tokens) for tokens in answered)
        after = len(closing.ids)
        for option, tokens in zip(example.options, answered, strict=True):
            if tuple(token.id for token in tokens[-after:]) != closing.ids:
                raise self._unranked(f'it does not end "{option}" as it ends other answers')
        ends = [len(tokens) - after + closing.counted for tokens in answered]
        return tuple(
            math.fsum(token.logprob for token in tokens[begin:end]) for tokens, end in zip(answered, ends, strict=True)
        )

    def _closing(self, example: Example) -> Closing:
        picture, answer = _picture(example), example.options[0]
        opened = self._tokens(example, picture, answer, finished=False)
        closed = self._tokens(example, picture, answer)
        rest = closed[len(opened) :]
        end = next((place for place, token in enumerate(rest) if token.text is None or token.text.strip()), None)
        if _shared(opened, closed) < len(opened) or end is None:
            raise self._unranked("its chat template does not show where an answer ends")
        return Closing(tuple(token.id for token in rest), end + 1)

    def _tokens(
        self, example: Example, picture: str, answer: str | None = None, *, finished: bool = True
    ) -> list[Token]:
        """Return the tokens of a prompt, and of an answer to it that the template closes if it is finished."""
        turns = [_user(example, picture), *([] if answer is None else [{"role": "assistant", "content": answer}])]
        try:
            reply = self._chat(
                example,
                turns,
                max_tokens=1,  # Servers generate at least one.
                prompt_logprobs=0,  # Of the tokens that are there, and of no others.
                add_generation_prompt=answer is None,
                continue_final_message=not finished,
            )
        except ModelError as error:
            if "prompt_logprobs" in str(error):
                raise self._unranked("it refuses prompt_logprobs") from error
            raise
        told = reply.get("prompt_logprobs") if isinstance(reply, dict) else None
        if not told:
            raise self._unranked("it tells no prompt_logprobs, as vLLM does")
        try:
            return [_token(entry) for entry in told]
        except (AttributeError, KeyError, StopIteration, TypeError, ValueError) as error:
            raise self._unranked("its prompt_logprobs are not as vLLM's") from error

    def _unranked(self, reason: str) -> ModelError:
        return ModelError(f"{self._client.url}: this server cannot rank options, {reason}; use --scoring generate")


def _only_model(client: Client) -> str:
    reply = client.send("GET", "/models", about="its list of models")
    named = f"{address.PREFIX}{client.url}"
    try:
        names = [str(row["id"]) for row in reply["data"]]
    except (KeyError, TypeError) as error:
        raise ModelError(
            f"{client.url}: lists no models; say which is meant: {address.PREFIX}{client.url}#name"
        ) from error
    if len(names) != 1:
        listed = ", ".join(sorted(names)[:20]) or "none"
        raise ModelError(f"{client.url}: say which model is meant, {named}#name; it has: {listed}")
    return names[0]


def _user(example: Example, picture: str) -> dict[str, Any]:
    image = {"type": "image_url", "image_url": {"url": picture}}
    return {"role": "user", "content": [image, {"type": "text", "text": example.prompt}]}


def _picture(example: Example) -> str:
    try:
        return data_url(example.image)
    except DataError as error:
        raise DataError(f"example {example.id}: {error}") from error


def data_url(image: ImageSource) -> str:
    """Return a picture as a data URL that every decoder reads as `ninefold.images` does.

    PNG, JPEG and WebP go as they are, but for what decoders disagree on (EXIF rotation, transparency, unusual colors,
    animation); all else is decoded here and goes as PNG.

    Args:
        image: An encoded picture, the path of one, or a scene.

    Raises:
        DataError: If it cannot be read.
    """
    if isinstance(image, Scene):
        kind, content = "png", encode_png(image)
    else:
        picture = images.open_pil(image)
        content = image if isinstance(image, bytes) else image.read_bytes()
        plain = _plain_kind(content)
        if plain is None:
            buffer = io.BytesIO()
            picture.save(buffer, "PNG")
            content = buffer.getvalue()
        kind = plain or "png"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _plain_kind(content: bytes) -> str | None:
    with Image.open(io.BytesIO(content)) as picture:
        plain = (
            picture.format in {"PNG", "JPEG", "WEBP"}
            and picture.mode in {"RGB", "L", "P"}
            and not picture.has_transparency_data
            and getattr(picture, "n_frames", 1) == 1
            and images.orientation(content) == 1
        )
        return str(picture.format).lower() if plain else None


def _token(entry: Mapping[str, Any] | None) -> Token:
    """Read an entry of ``prompt_logprobs``: the prompt's own token is its first key."""
    if entry is None:
        return Token("", 0.0, None)
    name, facts = next(iter(entry.items()))
    return Token(name, float(facts["logprob"]), facts.get("decoded_token"))


def _shared(first: Sequence[Token], second: Sequence[Token]) -> int:
    """Return how many tokens two sequences have in common at their beginning."""
    pairs = zip(first, second, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one.id != other.id), min(len(first), len(second)))
