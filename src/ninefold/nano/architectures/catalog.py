"""The catalog of the nano bases' architectures, by family; each is in the file named after the family."""

from importlib import import_module
from importlib.util import find_spec

from ninefold.models.families import FAMILIES
from ninefold.nano.architecture import Architecture

_FILES = {family: f"{__package__}.{family.replace('-', '_')}" for family in FAMILIES}

ARCHITECTURES: dict[str, Architecture] = {
    family: import_module(file).ARCHITECTURE for family, file in _FILES.items() if find_spec(file)
}
"""Architectures by family; LLaVA first, because the others start from its weights."""
