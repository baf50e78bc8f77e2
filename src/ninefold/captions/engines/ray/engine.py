"""Any engine on the machines of a Ray cluster: ``ray:`` before its name.

What is made of a caption is the same as on one machine, so that a run may begin here and end there.
"""

import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ninefold.captions.blocks import Block, process_block
from ninefold.captions.caption import Caption
from ninefold.captions.engines import catalog
from ninefold.captions.engines.catalog import Opened
from ninefold.captions.engines.endpoint.responses import Responses, Usage, part_of
from ninefold.captions.engines.protocol import Engine, Filter
from ninefold.captions.engines.ray import spreading
from ninefold.captions.pair import Generated
from ninefold.captions.spec import CaptionsSpec
from ninefold.cluster import HERE, Connection, check
from ninefold.errors import DesignError, ModelError
from ninefold.models.endpoint import address


@dataclass(frozen=True)
class Plan:
    """What every worker opens."""

    spec: CaptionsSpec
    """The specification, with the name of the engine that does the work."""
    responses: Path | None
    """File in which a served model's answers are kept."""
    retry_failed: bool
    """Whether answers that could not be used are asked for again."""
    workers: int = 1
    """Number of workers, which share the simultaneous requests of each address."""

    @property
    def addresses(self) -> int:
        """Return the number of addresses at which the model is served; 1 for an engine without any."""
        return self.spec.engine.partition("#")[0].count(",") + 1 if self.is_served else 1

    @property
    def is_served(self) -> bool:
        """Whether the engine asks a server."""
        return self.spec.engine.startswith(address.PREFIX)

    def opened(self, number: int = 0, responses: Path | None = None) -> Opened:
        """Open engine and filter, with one of the addresses."""
        served = self.spec.served
        each = max(1, -(-served.concurrency * self.addresses // self.workers))
        spec = replace(self.spec, served=replace(served, concurrency=min(each, served.concurrency)))
        if self.is_served:
            urls, model = address.split(spec.engine)
            url = urls.split(",")[number % self.addresses]
            spec = replace(spec, engine=f"{address.PREFIX}{url}" + (f"#{model}" if model else ""))
        return catalog.opened(spec, responses, retry_failed=self.retry_failed)


class SpreadEngine:
    """An engine that each core of a cluster opens, and that is given blocks of captions there."""

    def __init__(self, engine: Engine, plan: Plan, connect: Callable[[], Connection]) -> None:
        """Name an engine.

        Args:
            engine: The same engine on this machine, which tells its settings.
            plan: What every worker opens.
            connect: A function that connects to the cluster; it is called if there is a block to do.
        """
        self._engine, self._plan, self._connect = engine, plan, connect
        self.name = engine.name
        self.usage: Usage | None = None
        """What the requests of all machines have cost in this run; None of an engine that asks no server."""

    @property
    def usage_of_all_runs(self) -> Usage | None:
        """What all responses that are kept have cost, also those of earlier runs; None without a server."""
        return getattr(self._engine, "usage_of_all_runs", None)

    def settings(self) -> Mapping[str, Any]:
        """Return the settings of the engine."""
        return self._engine.settings()

    def generate(self, captions: Sequence[Caption]) -> list[Generated]:
        """Return what the engine makes of each caption, on this machine."""
        return self._engine.generate(captions)

    def spread(self, blocks: Iterable[Block], judge: Filter | None) -> Iterator[tuple[int, Sequence[Generated]]]:
        """Yield number and outcome of each block as it ends; workers open filters of their own."""
        before = self.usage_of_all_runs
        connection = self._connect()
        try:
            plan = replace(self._plan, workers=max(1, connection.resources("CPU")))
            yield from spreading.spread(connection, blocks, partial(Worker, plan, settings_of(self._engine, judge)))
        finally:
            connection.close()
        if self._plan.responses is not None and before is not None:
            Responses(self._plan.responses).close()  # The parts of all blocks are moved to it.
            self.usage = _difference(before, self.usage_of_all_runs)


def _difference(before: Usage, after: Usage | None) -> Usage | None:
    return after and Usage(
        after.paid - before.paid,
        prompt_tokens=after.prompt_tokens - before.prompt_tokens,
        completion_tokens=after.completion_tokens - before.completion_tokens,
    )


@runtime_checkable
class Keeping(Protocol):
    """An engine or filter that keeps what it has paid for in a file."""

    def keep_in(self, responses: Path, *, earlier: Path | None = None) -> None:
        """Keep it in another file from now on; ``earlier`` is read too."""
        ...


class Worker:
    """The engine in a process of the cluster, opened once for each address of its server."""

    def __init__(self, plan: Plan, settings: Mapping[str, Any]) -> None:
        """Name what is to be opened.

        Args:
            plan: What to open.
            settings: The settings that engine and filter must have, which are those of the machine of the command.
        """
        self._plan, self._settings = plan, settings
        self._opened: dict[int, Opened] = {}
        self._failed: set[int] = set()

    def __call__(self, block: Block) -> Sequence[Generated]:
        """Do a block; the addresses take turns, and one that fails is asked last from then on.

        Raises:
            ModelError: If all of them fail.
        """
        count = self._plan.addresses
        turns = sorted(range(count), key=lambda place: (place in self._failed, (place - block.number) % count))
        for place in turns:
            try:
                return self._at(place, block)
            except ModelError:
                self._failed.add(place)
                if place == turns[-1]:
                    raise
        raise AssertionError

    def _at(self, number: int, block: Block) -> Sequence[Generated]:
        if number not in self._opened:
            made = self._plan.opened(number)
            self._check(settings_of(made.engine, made.judge))
            self._opened[number] = made
        made, responses = self._opened[number], self._plan.responses
        both: tuple[object, ...] = (made.judge, made.engine)
        for each in both:
            if isinstance(each, Keeping) and responses is not None:
                each.keep_in(part_of(responses, block.number), earlier=responses)
        return process_block(block.captions, made.judge, made.engine)

    def _check(self, found: Mapping[str, Any]) -> None:
        """Refuse what would make other pairs: another model behind an address, or other versions on a machine."""
        for what, value in self._settings.items():
            if found.get(what) != value:
                raise ModelError(
                    f"{platform.node()}: {what} is {found.get(what)!r:.80}, where the command has {value!r:.80}; give "
                    "all machines the same versions, and all addresses the same model"
                )


def settings_of(engine: Engine, judge: Filter | None) -> dict[str, Any]:
    """Return the settings of engine and filter, each under a name in words."""
    found = {f"the engine's {name}": value for name, value in engine.settings().items()}
    return found | {f"the filter's {name}": value for name, value in (judge.settings() if judge else {}).items()}


def opened(spec: CaptionsSpec, responses: Path | None, *, retry_failed: bool, cluster: str | None) -> Opened:
    """Open an engine of a cluster and its filter.

    Args:
        spec: The specification, whose engine is ``ray:`` and the name of another engine, or of a checkpoint for vLLM.
            A server may have several addresses, as in ``ray:openai:URL,URL#MODEL``.
        responses: File in which a model's answers are kept, on storage that all machines see.
        retry_failed: Whether answers that could not be used are asked for again.
        cluster: Address of the cluster; None for the one that RAY_ADDRESS names, or else a Ray of this machine alone.

    Raises:
        NinefoldError: If the engine cannot be used.
    """
    at = cluster or os.environ.get("RAY_ADDRESS") or HERE
    option = "--engine ray" if at == HERE else "--cluster"
    check(at, option)
    connect = partial(Connection, at, option)
    if spec.engine == catalog.RAY:
        raise DesignError(f"--engine {spec.engine}: name the engine or checkpoint behind it, such as ray:rules")
    if not catalog.is_known(spec.engine.removeprefix(catalog.RAY)):
        return _of_checkpoint(spec, responses, connect, retry_failed=retry_failed)
    plan = Plan(replace(spec, engine=spec.engine.removeprefix(catalog.RAY)), responses, retry_failed)
    here = plan.opened(responses=responses)
    return Opened(SpreadEngine(here.engine, plan, connect), here.judge)


def _of_checkpoint(
    spec: CaptionsSpec, responses: Path | None, connect: Callable[[], Connection], *, retry_failed: bool
) -> Opened:
    from ninefold.captions.engines.endpoint import prompts
    from ninefold.captions.engines.endpoint.verdicts import EndpointFilter
    from ninefold.captions.engines.ray.vllm import Cluster, VllmEngine, VllmModel

    name, cluster = spec.engine.removeprefix(catalog.RAY), Cluster(connect)
    engine = VllmEngine(
        VllmModel(name, cluster, responses=responses),
        prompts.chosen(spec.prompt, prompts.PAIRS),
        retry_failed=retry_failed,
        max_new_tokens=spec.served.max_new_tokens,
    )
    if spec.filter == catalog.SAME:
        if spec.served.filter_decision != "answer":
            raise DesignError(f"--filter-decision {spec.served.filter_decision}: vLLM on Ray tells its answers alone")
        model = VllmModel(name, cluster, responses=responses)
        return Opened(engine, EndpointFilter(model, prompt=prompts.chosen(spec.filter_prompt, prompts.VERDICT)))
    return Opened(engine, catalog.filter_of(spec, responses, engine))
