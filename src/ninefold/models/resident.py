"""One open base for many runs: adapters are put on it in turn, and it is restored exactly after each. No torch here."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

from ninefold.errors import ModelError
from ninefold.models import identity
from ninefold.models.load import has_local_weights, open_model
from ninefold.models.protocol import Model, Trainable
from ninefold.models.spec import ModelSpec
from ninefold.runs.lineage import adapter_folder


@contextmanager
def with_adapter(base: Trainable, adapter: Path) -> Iterator[Trainable]:
    """Yield an open base with an adapter, the same model as `open_model` gives, and restore the base exactly.

    Only the weights that the adapter is merged into are held twice. Nothing else may use the base meanwhile.

    Args:
        base: The open base, without an adapter.
        adapter: A run of `ninefold train`, or the folder of a PEFT adapter.

    Raises:
        ModelError: If the base has an adapter already, or the adapter is missing, of another base, or cannot be used.
    """
    from ninefold.models.checkpoint.adapter import open_adapter, overwritten
    from ninefold.models.checkpoint.fingerprint import with_adapter as identity_with
    from ninefold.models.checkpoint.kept import Kept
    from ninefold.models.checkpoint.messages import explained

    if base.identity["adapter"] is not None:
        raise ModelError(f"{base.name}: has an adapter already; open its base alone to add another")
    folder = adapter_folder(adapter)
    with explained(f"{base.name}: cannot be opened with the adapter {folder}"):
        found = identity_with(base.identity, folder)
        kept = Kept(base.model, copied=overwritten(base.model, folder))

        def restored() -> object:
            kept.restore()
            return base.model

    try:
        with explained(f"{base.name}: cannot be opened with the adapter {folder}"):
            network = open_adapter(base.model, folder, probe=base.trial_logits, reopened=restored)
            tuned = base.with_network(network, found)
        yield tuned
    finally:
        kept.restore()


class Resident:
    """The model that stays open while runs ask for it, so that seeds and adapters of one base share it.

    Another one is opened only after it is released: two may not fit in memory.
    """

    def __init__(self) -> None:
        """Begin without a model."""
        self._open: tuple[ModelSpec, Model] | None = None
        self._lent = False

    @contextmanager
    def model(self, spec: ModelSpec | str) -> Iterator[Model]:
        """Yield the model that `open_model` opens; one at a time, and only within the block.

        Raises:
            ModelError: If there is no such model, or it cannot be used with these options.
        """
        assert not self._lent, "one model at a time: an adapter changes the open base"
        spec = ModelSpec.of(spec)
        self._lent = True
        try:
            if spec.adapter is None or not has_local_weights(spec.name):
                yield self._opened(spec)
            else:
                base = cast(Trainable, self._opened(replace(spec, adapter=None)))
                with with_adapter(base, spec.adapter) as tuned:
                    yield tuned
        finally:
            self._lent = False

    def _opened(self, spec: ModelSpec) -> Model:
        """Return the open model, if it is the one asked for and its files are unchanged; otherwise open that."""
        if self._open is not None:
            known, model = self._open
            found = identity.resolve(spec) if known == spec else None
            if known == spec and found in (None, {"name": model.name, **model.identity}):
                return model
            del model
            self.release()
        model = open_model(spec)
        self._open = spec, model
        return model

    def release(self) -> None:
        """Release the open model and its memory."""
        self._open = None
        gc.collect()
        torch = sys.modules.get("torch")
        if torch and torch.cuda.is_available():
            torch.cuda.empty_cache()
