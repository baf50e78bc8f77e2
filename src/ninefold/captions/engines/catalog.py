"""The catalog of engines by name, each with its filter; none is imported before it is used.

Users add their own with `register_engine`, from a file of theirs (``--plugin``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.captions.engines.protocol import Engine, Filter
from ninefold.captions.spec import CaptionsSpec
from ninefold.errors import DesignError

if TYPE_CHECKING:
    from ninefold.captions.engines.endpoint.language_model import LanguageModel

Opener = Callable[[CaptionsSpec], Engine]
"""A function that opens an engine; ``spec.engine`` is its name with what follows, such as "mine:large"."""

SAME, NONE = "engine", "none"
"""The names of filters: the engine itself, and that every caption goes on."""


@dataclass(frozen=True)
class Opened:
    """An engine with its filter, ready for captions."""

    engine: Engine
    """The engine."""
    judge: Filter | None
    """The filter; None if every caption goes on."""


REGISTERED: dict[str, Opener] = {}
"""Engines of users, by name."""

_SHIPPED = ("rules", "keywords", "openai", "ray")

RAY = "ray:"
"""Prefix of the name of an engine that a cluster carries out."""


def register_engine(name: str, opener: Opener) -> None:
    """Register an engine under a name, which ``--engine`` then takes; an earlier registration is replaced.

    Args:
        name: Its name; what follows a colon in ``--engine`` is the engine's own.
        opener: A function of the specification that returns the engine (see `ninefold.captions.engines.protocol`). An
            engine that has the method ``judge`` too is its own filter; of others every caption goes on.

    Raises:
        DesignError: If the name is one of ninefold's own, or none.
    """
    if not name or ":" in name or name in {*_SHIPPED, SAME, NONE}:
        raise DesignError(f"engine {name!r}: choose a name without a colon that ninefold does not use itself")
    REGISTERED[name] = opener


def opened(
    spec: CaptionsSpec, responses: Path | None = None, *, retry_failed: bool = False, cluster: str | None = None
) -> Opened:
    """Open the engine and the filter of a specification.

    Args:
        spec: The specification.
        responses: File in which a served model's answers are kept, so that none is paid twice.
        retry_failed: Whether answers that could not be used are asked for again.
        cluster: Address of the Ray cluster of an engine ``ray:``.

    Raises:
        NinefoldError: If there is no such engine, or it cannot be used.
    """
    if spec.engine.startswith(RAY):
        from ninefold.captions.engines.ray import engine as ray

        return ray.opened(spec, responses, retry_failed=retry_failed, cluster=cluster)
    if cluster is not None:
        raise DesignError(f"--cluster {cluster}: is for an engine of a cluster; name --engine {RAY}{spec.engine}")
    engine = engine_of(spec, responses, retry_failed=retry_failed)
    return Opened(engine, filter_of(spec, responses, engine))


def engine_of(spec: CaptionsSpec, responses: Path | None = None, *, retry_failed: bool = False) -> Engine:
    """Return the engine of a specification (see `opened`)."""
    kind = spec.engine.partition(":")[0]
    if kind in REGISTERED:
        return REGISTERED[kind](spec)
    if spec.engine == "rules":
        from ninefold.captions.engines.rules.engine import RulesEngine

        _refuse_prompt("--prompt", spec.prompt, spec.engine)
        return RulesEngine(spec.parser)
    if kind == "openai":
        from ninefold.captions.engines.endpoint import prompts
        from ninefold.captions.engines.endpoint.engine import EndpointEngine

        prompt = prompts.chosen(spec.prompt, prompts.PAIRS)
        model = _served(spec.engine, spec, responses)
        return EndpointEngine(
            model, prompt=prompt, retry_failed=retry_failed, max_new_tokens=spec.served.max_new_tokens
        )
    raise DesignError(f"--engine {spec.engine}: choose rules, openai:URL#MODEL or ray:MODEL{_own()}")


def filter_of(spec: CaptionsSpec, responses: Path | None, engine: Engine) -> Filter | None:
    """Return the filter of a specification; None if every caption goes on."""
    name = spec.engine if spec.filter == SAME else spec.filter
    if name == NONE:
        return None
    judge = judge_named(name, spec, responses)
    if judge is not None:
        if name in {"rules", "keywords"}:
            _refuse_prompt("--filter-prompt", spec.filter_prompt, name)
        return judge
    if spec.filter == SAME:
        return engine if isinstance(engine, Filter) else None
    raise DesignError(f"--filter {spec.filter}: choose engine, rules, keywords, openai:URL#MODEL or none")


def judge_named(name: str, spec: CaptionsSpec, responses: Path | None) -> Filter | None:
    """Return the filter of a name with the settings of a specification; None if ninefold has none of that name."""
    if name == "rules":
        from ninefold.captions.engines.rules.engine import RulesFilter

        return RulesFilter(spec.parser)
    if name == "keywords":
        from ninefold.captions.engines.keywords import KeywordsFilter

        return KeywordsFilter()
    if name.startswith("openai:"):
        from ninefold.captions.engines.endpoint import prompts
        from ninefold.captions.engines.endpoint.verdicts import EndpointFilter

        prompt = prompts.chosen(spec.filter_prompt, prompts.VERDICT)
        model = _served(name, spec, responses)
        return EndpointFilter(model, prompt=prompt, decision=spec.served.filter_decision)
    return None


def _served(name: str, spec: CaptionsSpec, responses: Path | None) -> "LanguageModel":
    """Return the model of an address, with the settings of a specification for requests."""
    from ninefold.captions.engines.endpoint.language_model import LanguageModel

    served = spec.served
    return LanguageModel(name, responses=responses, concurrency=served.concurrency, timeout=served.timeout)


def _refuse_prompt(option: str, prompt: Path | None, name: str) -> None:
    """Refuse a prompt for what asks no model, where it would be without effect."""
    if prompt is not None:
        raise DesignError(f"{option} {prompt}: {name} ask no model; leave it out, or name one that is asked")


def is_known(name: str) -> bool:
    """Whether a name is that of an engine of ninefold or of a user, perhaps with what follows a colon."""
    kind, _, rest = name.partition(":")
    return kind in REGISTERED or name == "rules" or (kind == "openai" and bool(rest))


def runs_in_processes(spec: CaptionsSpec) -> bool:
    """Whether several processes may each open the engine, which one that waits for a server needs not."""
    return not any(name.partition(":")[0] in {"openai", "ray"} for name in (spec.engine, spec.filter))


def _own() -> str:
    return f", or one of your own: {', '.join(REGISTERED)}" if REGISTERED else ""
