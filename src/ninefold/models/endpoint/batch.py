"""Answers of a batch: requests that `ninefold export --to openai-batch` wrote, answered elsewhere, by example id.

OpenAI's batch interface, ``vllm run-batch`` and others write a line of JSON for each request: its ``custom_id``, and a
``response`` with ``status_code`` and ``body``, a chat completion; or an ``error``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.errors import DataError, ModelError, first_line
from ninefold.models.endpoint import reply
from ninefold.models.endpoint.address import BATCH
from ninefold.models.protocol import Model
from ninefold.types import Example, Prediction


class BatchAnswers(Model):
    """A model whose answers were collected before; implements `ninefold.models.protocol.Model`."""

    def __init__(self, name: str) -> None:
        """Read the answers.

        Args:
            name: ``batch:PATH``: a file of answers as JSON lines, or a folder of such files.

        Raises:
            ModelError: If there is no such file, or it holds something else or the answers of several models.
        """
        self._path = Path(name.removeprefix(BATCH))
        self._answers: dict[str, Mapping[str, Any]] = {}
        files = _files(self._path)
        models: set[str] = set()
        for file in files:
            for where, line in _lines(file):
                self._take(where, line)
                body = _body(line)
                models |= {str(body["model"])} if body is not None and body.get("model") else set()
        if not models:
            raise ModelError(f"{self._path}: holds no answer; name the output file of a batch, or a folder of them")
        if len(models) > 1:
            raise ModelError(f"{self._path}: holds answers of several models ({', '.join(sorted(models))}); part them")
        self._model = models.pop()
        self._hash = store.content_id([store.file_hash(file) for file in files])

    @property
    def name(self) -> str:
        """The model's name, as its server calls it."""
        return f"{BATCH}{self._model}"

    @property
    def identity(self) -> Mapping[str, object]:
        """The model's name and the hash of its answers."""
        found = {"name": self.name, "family": "endpoint", "nano": False, "model": self._model, "adapter": None}
        return {**found, "answers": self._hash}

    def predict(self, examples: Sequence[Example], *, max_new_tokens: int = 15) -> list[Prediction]:
        """Return the answers to examples; one that the server failed to give is "refused", with its reason.

        Raises:
            ModelError: If an example has none, or more tokens were generated than ``max_new_tokens``.
        """
        return [self._prediction(example, max_new_tokens) for example in examples]

    def _take(self, where: str, line: Mapping[str, Any]) -> None:
        """Keep an answer; one takes the place of an error, such as of an earlier batch."""
        known = self._answers.get(line["custom_id"])
        if known is not None and _body(known) is not None and _body(line) is not None and known != line:
            raise ModelError(f"{where}: example {line['custom_id']} is answered twice; leave one of the batches out")
        if known is None or _body(known) is None:
            self._answers[line["custom_id"]] = line

    def _prediction(self, example: Example, max_new_tokens: int) -> Prediction:
        line = self._answers.get(example.id)
        if line is None:
            raise ModelError(
                f"{self._path}: no answer to example {example.id}; give the output and error files of all batches of "
                "this data set"
            )
        body = _body(line)
        if body is None:
            return Prediction(example.id, "", refused=_reason(line))
        if reply.tokens(body, "completion") > max_new_tokens:
            raise ModelError(
                f"{self._path}: the answer to example {example.id} has {reply.tokens(body, 'completion'):,} tokens; "
                "give the limit of the requests with --max-new-tokens"
            )
        try:
            said = reply.read(body, max_new_tokens)
        except reply.OddReply as error:
            return Prediction(example.id, "", refused=str(error))
        return Prediction(example.id, said.text, said.truncated, refused=said.refused)


def _files(path: Path) -> list[Path]:
    """Return the files of answers at a path, in order of their names."""
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise ModelError(f"{path}: no such file, and no folder with .jsonl files; name the output file of a batch")
    return files


def _lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the place and the content of each line of a file."""
    with path.open(encoding="utf-8") as file:
        try:
            for number, text in enumerate(file, 1):
                where = f"{path}: line {number}"
                try:
                    line = json.loads(text)
                except (ValueError, RecursionError) as error:
                    raise ModelError(
                        f"{where}: not readable as JSON ({first_line(error)}); download it again"
                    ) from error
                if not isinstance(line, dict) or not isinstance(line.get("custom_id"), str):
                    raise ModelError(f"{where}: no answer of a batch, which has a custom_id; name its output file")
                if "response" not in line and "error" not in line:
                    raise ModelError(f"{where}: a request, not an answer; name the output file of the batch")
                yield where, line
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: not a text in UTF-8; download it again") from error


def _body(line: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the chat completion of an answer; None if there is none but an error."""
    response = line.get("response")
    if not isinstance(response, dict) or response.get("status_code", 200) != 200:
        return None
    # Some programs write the chat completion itself in its place.
    body = response.get("body", response)
    return body if isinstance(body, dict) and not body.get("error") else None


def _reason(line: Mapping[str, Any]) -> str:
    """Return why there is no answer, in one line."""
    response = line.get("response")
    body = response.get("body") if isinstance(response, dict) else None
    error = line.get("error") or (body.get("error") if isinstance(body, dict) else None) or body
    said = error.get("message") or error.get("code") if isinstance(error, dict) else error
    status = response.get("status_code") if isinstance(response, dict) else None
    return " ".join(f"{'' if status is None else f'status {status}: '}{said or 'no answer'}".split())[:500]
