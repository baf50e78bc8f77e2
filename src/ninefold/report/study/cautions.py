"""Cautions: what a reader must know about models whose scores are not those of a real model."""

from collections.abc import Sequence

from ninefold.runs.study import StudiedModel

NANO = "scores say nothing about any real model"
"""What holds for nano bases, wherever their scores are shown."""


def cautions(models: Sequence[StudiedModel]) -> list[str]:
    """Return the cautions about models whose scores are shown together, as sentences; none about real models."""
    nano = [model.title for model in models if model.nano]
    found = []
    if len(nano) == 1:
        found.append(f"{nano[0]} is a nano base: its {NANO}.")
    elif nano and len(nano) == len(models):
        found.append(f"All models here are nano bases: their {NANO}.")
    elif nano:
        # A title may have commas.
        found.append(f"Nano bases, whose {NANO}: {'; '.join(nano)}.")
    return found + list(dict.fromkeys(model.caution for model in models if model.caution))
