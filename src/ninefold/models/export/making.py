"""The making of an export: the base, with and without the adapter, is compared with the files that are written."""

import gc
import shutil
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from peft import PeftModel
from safetensors.torch import load_file, save_file

from ninefold import console, store
from ninefold.models.checkpoint.adapter import attached, named_by
from ninefold.models.checkpoint.fingerprint import checkpoint_files
from ninefold.models.checkpoint.messages import explained, quiet
from ninefold.models.export import card, merge
from ninefold.models.export.compare import Outputs, difference, rounding
from ninefold.models.export.difference import Difference
from ninefold.models.export.source import Tuned
from ninefold.models.export.stored import copy_checkpoint, stored_tensors
from ninefold.models.export.vllm import Serving
from ninefold.models.load import open_trainable
from ninefold.models.protocol import Trainable
from ninefold.models.spec import ModelSpec
from ninefold.runs import layout
from ninefold.types import Example
from ninefold.version import __version__

_README = "README.md"

REPORT = "this is a fault of ninefold or of a library; report it"
"""What to do about an export that is not the model that was compared."""


@dataclass
class Export:
    """One export, from the open base to the content of its folder."""

    tuned: Tuned
    """The adapter and its base."""
    found: Mapping[str, object]
    """Identity of the base with the adapter."""
    settings: Mapping[str, Any]
    """Everything that determines the export."""
    examples: Sequence[Example]
    """The examples to compare on."""
    base: Trainable | None
    """The open base; None once it is in use, so that it can be released before another is opened."""
    before: "weakref.ref[Any] | None" = None
    """Its network, if it is still in memory."""

    def merged(self, fresh: Path) -> dict[str, Any]:
        """Write the merged checkpoint, and return its record."""
        base, folder = self._taken(), self.tuned.folder
        files = checkpoint_files(base.checkpoint)
        assert files is not None
        names = set(named_by(base.model, folder, merged=True))
        places = merge.places(base.model, names, stored_tensors(files))
        before = Outputs.of(base, self.examples)
        with explained(f"{folder}: cannot be merged into {base.name}"):
            beside = base.with_network(attached(base.model, folder), self.found)
            expected = Outputs.of(beside, self.examples, answers=True)
            merged = base.with_network(merge.merge(beside.model, folder, places), self.found)
        found = Outputs.of(merged, self.examples, answers=True)
        far, noise = difference(before, expected, found), rounding(merged.model.dtype)
        family, path = base.family, base.checkpoint.path
        far.check(f"{folder}: merged into {base.name}", noise, merge.INSTEAD)
        replaced = merge.changed(merged.model, names, places)
        copy_checkpoint(files, fresh, replaced)
        changed = len(replaced)
        del base, beside, merged, replaced
        again = Outputs.of(self._opened(replace(self.tuned.base, name=str(fresh))), self.examples)
        difference(before, found, again).check(f"{folder}: opened again, merged", noise, REPORT, exact=True)
        store.write_text(fresh / _README, card.merged_card(self.tuned.name, path, files, family, str(far)))
        return self._record(far, changed)

    def adapter(self, fresh: Path, out: Path, served: Serving | None) -> dict[str, Any]:
        """Write the adapter for PEFT, or for vLLM, and return its record."""
        base, folder = self._taken(), self.tuned.folder
        before = Outputs.of(base, self.examples)
        with explained(f"{folder}: cannot be used on {base.name}"):
            beside = base.with_network(attached(base.model, folder), self.found)
            expected = Outputs.of(beside, self.examples, answers=True)
        local, noise, family = base.checkpoint.local, rounding(base.model.dtype), base.family
        path = str(Path(base.checkpoint.path).resolve()) if local else base.checkpoint.path
        settings = {**self.tuned.settings, "base_model_name_or_path": path, "inference_mode": True}
        settings["revision"] = None if local else self.found["checkpoint"]
        store.write_json(fresh / layout.ADAPTER_CONFIG, settings)
        shutil.copyfile(folder / layout.ADAPTER_WEIGHTS, fresh / layout.ADAPTER_WEIGHTS)
        del base, beside
        again = Outputs.of(self._with_plain_peft(fresh), self.examples, answers=True)
        far = difference(before, expected, again)
        far.check(f"{folder}: opened again by PEFT", noise, REPORT, exact=True)
        name, command, form, use = self.tuned.name, None, "A LoRA adapter for PEFT", card.peft_use(path, family)
        if served is not None:
            command = served.command(path, name, out.resolve())
            if served.renamed:
                weights = fresh / layout.ADAPTER_WEIGHTS
                tensors = {served.names[key]: tensor for key, tensor in load_file(weights).items()}
                save_file(tensors, weights, {"format": "pt"})
            form, use = "A LoRA adapter for vLLM", card.vllm_use(command, name, served)
        store.write_text(fresh / _README, card.adapter_card(name, path, form, use, str(far)))
        return self._record(far, 0, command)

    def _taken(self) -> Trainable:
        base, self.base = self.base, None
        assert base is not None
        self.before = weakref.ref(base.model)
        return base

    def _opened(self, spec: ModelSpec) -> Trainable:
        # Two networks may not fit in memory, and one that refers to itself stays until then.
        if self.before is not None and self.before() is not None:
            gc.collect()
        console.milestone("opening what was written")
        return open_trainable(spec)

    def _with_plain_peft(self, fresh: Path) -> Trainable:
        """Return the base, opened again, with the written adapter as plain PEFT loads it."""
        base = self._opened(self.tuned.base)
        with explained(f"{self.tuned.folder}: PEFT does not load it"), quiet():
            return base.with_network(PeftModel.from_pretrained(base.model, str(fresh)).eval(), self.found)

    def _record(self, far: Difference, changed: int, command: str | None = None) -> dict[str, Any]:
        return {
            "settings": self.settings,
            "adapter": self.tuned.name,
            "base": {**self.found, "adapter": None},
            "changed": changed,
            "difference": far.to_json(),
            "command": command,
            "version of ninefold": __version__,
        }
