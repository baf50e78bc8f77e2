"""What determines the result of a run over captions, in JSON types; it stands in the manifest of the data set."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.captions.checks import models
from ninefold.captions.engines.catalog import Opened
from ninefold.captions.spec import CaptionsSpec
from ninefold.captions.taxonomy import RELATIONS
from ninefold.data.format import manifest
from ninefold.data.sources import pair_facts


def settings(spec: CaptionsSpec, opened: Opened, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return all that determines the data set of a run.

    Args:
        spec: The specification.
        opened: Its engine and filter.
        options: The other options that determine it, by name.

    Raises:
        OSError: If a file cannot be read.
    """
    judge = opened.judge
    return {
        **of_inputs(spec, options),
        "engine": {"name": opened.engine.name, **opened.engine.settings()},
        "filter": None if judge is None else {"name": judge.name, **judge.settings()},
        pair_facts.RELATIONS: [relation.name for relation in RELATIONS],
    }


def of_inputs(spec: CaptionsSpec, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of `settings` that is known without opening an engine: files and models by name and hash."""
    given = {name: value for name, value in asdict(spec.captions).items() if name != "retry_images"}
    checks = asdict(spec.checks)
    return {
        "captions": {
            **given,
            "files": [_identity(path) for path in spec.captions.files],
            "exclude": [_identity(path) for path in spec.captions.exclude],
            "images": None if spec.captions.images is None else str(spec.captions.images),
        },
        "checks": {
            **checks,
            **models.identities(spec.checks),
            "checks": list(spec.checks.checks),
            "reference_words": _of_file(spec.checks.reference_words),
        },
        **options,
    }


def asked(spec: CaptionsSpec) -> str:
    """Return a hash of how engine and filter were named, by which a finished run is known before either is opened."""
    prompts = [_of_file(spec.prompt), _of_file(spec.filter_prompt)]
    served = [spec.served.max_new_tokens, spec.served.filter_decision]
    return store.content_id([spec.engine, spec.filter, spec.parser, prompts, served])


def _of_file(path: Path | None) -> str | None:
    return None if path is None else store.file_hash(path)


def _identity(path: Path) -> dict[str, str]:
    """Return name and hash of a file; of a data set its manifest's, of another folder that of names and sizes."""
    if not path.is_dir():
        return {"name": path.name, "hash": store.file_hash(path)}
    if (path / manifest.FILE).is_file():
        return {"name": path.name, "hash": store.file_hash(path / manifest.FILE)}
    listed = sorted(
        (file.relative_to(path).as_posix(), file.stat().st_size) for file in path.rglob("*") if file.is_file()
    )
    return {"name": path.name, "hash": store.content_id(listed, length=32)}
