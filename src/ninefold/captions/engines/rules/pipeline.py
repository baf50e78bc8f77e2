"""The parser: a spaCy pipeline of English, opened by the name of its installed package."""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from ninefold.captions.engines.rules.parse import Parse, joined
from ninefold.captions.engines.rules.repair import mend
from ninefold.captions.engines.rules.text import pieces
from ninefold.errors import DataError, first_line

UNUSED = ["ner", "lemmatizer", "attribute_ruler", "textcat", "entity_linker"]
"""Components of usual pipelines that the rules do not read; without them a parse takes half the time."""
INSTALL = "rules need spaCy and a parser: pip install 'ninefold[captions]'"


class Pipeline:
    """A parser of captions. What it returns depends on the text alone: every text is a batch of its own."""

    def __init__(self, name: str) -> None:
        try:
            import spacy
        except ImportError as error:
            raise DataError(INSTALL) from error
        try:
            self._pipeline = spacy.load(name, exclude=UNUSED)
        except OSError as error:
            message = f"parser {name}: no such spaCy pipeline is installed; {INSTALL}"
            raise DataError(message) from error
        except (ImportError, ValueError, KeyError, AttributeError) as error:
            raise DataError(f"parser {name}: spaCy cannot open it ({first_line(error)}); choose another") from error
        missing = [part for part in ("tagger", "parser") if part not in self._pipeline.pipe_names]
        if missing or self._pipeline.lang != "en":
            what = f"has no {' and no '.join(missing)}" if missing else f"is of language {self._pipeline.lang}"
            raise DataError(f"parser {name}: {what}; choose an English pipeline with a tagger and a dependency parser")
        self.name = name
        self._threads = ThreadpoolController()
        _use_numpy(self._pipeline)

    def parse(self, text: str) -> Parse | None:
        """Return the parse of a caption's text; None if nothing of it is English."""
        # One thread: captions are shared out over processes, and the number of threads cannot change a sum.
        with self._threads.limit(limits=1, user_api="blas"):
            parses = [self._lists(self._pipeline(piece), start) for start, piece in pieces(text)]
        if not parses:
            return None
        parse = joined(parses)
        mend(parse)
        return parse

    def settings(self) -> Mapping[str, Any]:
        """Return name, version and content hash of the pipeline, and the version of spaCy."""
        meta = self._pipeline.meta
        return {
            "parser": self.name,
            "parser_package": f"{meta.get('lang', '')}_{meta.get('name', '')}",
            "parser_version": str(meta.get("version", "")),
            "parser_hash": _hash_of_files(Path(self._pipeline.path)),
            "spacy": metadata.version("spacy"),
        }

    def _lists(self, document: Any, start: int) -> Parse:
        strings = self._pipeline.vocab.strings
        columns = document.to_array(["TAG", "DEP", "HEAD", "SENT_START"])
        names = {int(key): strings[int(key)] for key in np.unique(columns[:, :2])}
        heads = (columns[:, 2].astype(np.int64) + np.arange(len(columns))).tolist()
        # Parsers hang runs of spaces on a word beside them; here they are no tokens.
        kept = [token for token in document if not token.is_space]
        new = {token.i: number for number, token in enumerate(kept)}
        firsts = [number for number, token in enumerate(kept) if number == 0 or columns[token.i, 3] == 1]
        return Parse(
            words=[token.text for token in kept],
            starts=[token.idx + start for token in kept],
            tags=[names[int(columns[token.i, 0])] for token in kept],
            dependencies=[names[int(columns[token.i, 1])] for token in kept],
            heads=[new.get(heads[token.i], number) for number, token in enumerate(kept)],
            sentences=list(zip(firsts, [*firsts[1:], len(kept)], strict=True)),
        )


def _use_numpy(pipeline: Any) -> None:
    """Let the networks of a pipeline multiply with NumPy's library, which takes half the time of spaCy's own."""
    for _, component in pipeline.pipeline:
        for node in component.model.walk() if hasattr(component, "model") else ():
            if getattr(node.ops, "use_blis", False):
                node.ops = type(node.ops)(use_blis=False)


@lru_cache(maxsize=4)
def open_pipeline(name: str) -> Pipeline:
    """Return the pipeline of a name, opened once in a process.

    Raises:
        DataError: If spaCy or the pipeline is not installed, or if it has no dependency parser of English.
    """
    return Pipeline(name)


@lru_cache(maxsize=4)
def _hash_of_files(folder: Path) -> str:
    """Return the hash of all files of a pipeline, which tells apart models of the same name and version."""
    if not folder.is_dir():
        return ""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        digest.update(json.dumps([path.relative_to(folder).as_posix(), path.stat().st_size]).encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
