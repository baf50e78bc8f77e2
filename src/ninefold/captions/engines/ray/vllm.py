"""A language model on the GPUs of a cluster: the LLM processor of Ray Data, which runs vLLM.

Prompts, structured output and the reading of answers are those of `ninefold.captions.engines.endpoint`.
"""

import importlib.util
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.captions.blocks import Block, process_block
from ninefold.captions.caption import Caption
from ninefold.captions.engines.endpoint.engine import EndpointEngine
from ninefold.captions.engines.endpoint.prompts import Prompt
from ninefold.captions.engines.endpoint.respondent import Request, Respondent
from ninefold.captions.engines.endpoint.responses import Response
from ninefold.captions.engines.protocol import Filter
from ninefold.captions.pair import Generated
from ninefold.cluster import Connection, cause
from ninefold.errors import ModelError, first_line

NEEDED = ("vllm", "aiohttp")
"""Modules that Ray's LLM processor needs; no extra of ninefold has them, and vLLM brings both."""

BATCH = 64
"""Number of requests that Ray gives to vLLM at once; vLLM itself decides how many it works on."""

WAVE = 400
"""Number of blocks for each GPU that are answered together; vLLM loads the model for each such wave."""


class Cluster:
    """A cluster that is connected to when it is first needed; engine and filter share it."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        """Keep the function that connects to it."""
        self._connect = connect
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The connection to it."""
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    @property
    def copies(self) -> int:
        """The number of copies of a model: one for each GPU."""
        return max(1, self.connection.resources("GPU"))

    def close(self) -> None:
        """Leave it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class VllmModel(Respondent):
    """A language model that vLLM runs, one copy on each GPU."""

    def __init__(self, name: str, cluster: Cluster, *, responses: Path | None = None) -> None:
        """Select a checkpoint; it is loaded when it is asked.

        Args:
            name: A folder, or a name of the Hugging Face Hub, as every machine of the cluster finds it.
            cluster: The cluster.
            responses: File that keeps responses as they come; None to keep them in memory.

        Raises:
            ModelError: If vLLM is not installed.
            DataError: If the file of responses is broken.
        """
        if "://" in name:
            raise ModelError(f"--engine ray:{name}: is an address; write ray:openai:URL#MODEL")
        if any(importlib.util.find_spec(module) is None for module in NEEDED):
            raise ModelError(
                f"--engine ray:{name}: needs vLLM, here and on every machine (pip install vllm); or let a server answer"
                f" instead, as in ray:openai:http://HOST:8000/v1#{name}"
            )
        super().__init__(responses)
        self.cluster = cluster
        """The cluster."""
        self.model = name
        self.name = f"vllm:{name}"

    def respond(self, captions: Sequence[Caption], request: Request) -> list[Response]:
        """Return the response about each caption, in order; those that are not kept yet are asked for together.

        A caption that vLLM refuses, such as one too long for the model, has a response with the reason.

        Raises:
            ModelError: If the model cannot be loaded, or fails.
            DataError: If the file of responses cannot be read or written.
        """
        prompts = [request.prompt.about(caption.text) for caption in captions]
        keys = [store.content_id({"vllm": self.model, "prompt": text, **request.settings()}, 64) for text in prompts]
        found: dict[str, Response] = {}
        missing: dict[str, str] = {}
        for key, prompt in zip(keys, prompts, strict=True):
            known = self._responses.kept(key, is_good=request.is_good)
            if known is None:
                missing[key] = prompt
            else:
                found[key] = known
        for key, response in self._answers(missing, request) if missing else ():
            found[key] = response if response.refused is not None else self._responses.keep(key, response)
        return [found[key] for key in keys]

    def _answers(self, prompts: Mapping[str, str], request: Request) -> Iterator[tuple[str, Response]]:
        """Yield the response to each prompt with its key, as they come."""
        connection = self.cluster.connection
        rows = connection.data.from_items([{"key": key, "prompt": prompt} for key, prompt in prompts.items()])
        try:
            for row in self._processor(request)(rows).iter_rows():
                yield row["key"], _response(row, request)
        except connection.ray.exceptions.RayError as error:
            raise ModelError(f"--engine ray:{self.model}: vLLM ends with an error ({cause(error)})") from error

    def _processor(self, request: Request) -> Any:
        with _unlogged():
            from ray.data import llm

        config = llm.vLLMEngineProcessorConfig(
            model_source=self.model,
            batch_size=BATCH,
            concurrency=self.cluster.copies,
            should_continue_on_error=True,
            # vLLM does both itself; these would be two more actors. The template takes little of a core.
            tokenize_stage=False,
            detokenize_stage=False,
            chat_template_stage={"num_cpus": 0},
            # They would need Ray's extra for metrics.
            log_engine_metrics=False,
            # Without a GPU, vLLM asks for a core.
            placement_group_config=None
            if self.cluster.connection.resources("GPU")
            else {"bundle_per_worker": {"CPU": 1}},
        )
        sampling: dict[str, Any] = {"temperature": 0.0, "seed": 0, "max_tokens": request.max_new_tokens}
        if request.schema is not None:
            sampling["structured_outputs"] = {"json": store.canonical_json(request.schema)}

        def asked(row: dict[str, Any]) -> dict[str, Any]:
            return {"messages": [{"role": "user", "content": row["prompt"]}], "sampling_params": sampling}

        def answered(row: dict[str, Any]) -> dict[str, Any]:
            return {name: row[name] for name in ("key", "generated_text", "num_input_tokens", "num_generated_tokens")}

        with _unlogged():
            return llm.build_processor(config, preprocess=asked, postprocess=answered)


class VllmEngine(EndpointEngine):
    """A language model that vLLM runs, as an engine that is given many blocks together."""

    def __init__(
        self, model: VllmModel, prompt: Prompt, *, retry_failed: bool = False, max_new_tokens: int = 8192
    ) -> None:
        """Make an engine of a model (see `EndpointEngine`)."""
        super().__init__(model, prompt=prompt, retry_failed=retry_failed, max_new_tokens=max_new_tokens)
        self._cluster = model.cluster

    def spread(self, blocks: Iterable[Block], judge: Filter | None) -> Iterator[tuple[int, Sequence[Generated]]]:
        """Yield number and outcome of each block, those of a wave after one another."""
        left = iter(blocks)
        try:
            while wave := list(islice(left, WAVE * self._cluster.copies)):
                captions = [caption for block in wave for caption in block.captions]
                made = iter(process_block(captions, judge, self))
                yield from ((block.number, [next(made) for _ in block.captions]) for block in wave)
        finally:
            self._cluster.close()


def _response(row: Mapping[str, Any], request: Request) -> Response:
    problem = row.get("__inference_error__")
    if problem:
        return Response("", refused=first_line(ModelError(problem)))
    # What ended an answer is not among what Ray tells.
    truncated = bool(row["num_generated_tokens"] >= request.max_new_tokens)
    tokens = int(row["num_input_tokens"]), int(row["num_generated_tokens"])
    return Response(row["generated_text"], truncated, None, *tokens)


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep vLLM and Ray from logging how they are set up."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(level)
