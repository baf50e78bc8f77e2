"""The architectures of the nano bases by family: each in the file that has the family's name."""

from importlib import import_module
from importlib.util import find_spec

from ninefold.models.families import FAMILIES
from ninefold.nano.architecture import Architecture

_FILES = {family: f"{__package__}.{family.replace('-', '_')}" for family in FAMILIES}

ARCHITECTURES: dict[str, Architecture] = {
    family: import_module(file).ARCHITECTURE for family, file in _FILES.items() if find_spec(file)
}
"""LLaVA's first: the others start from its weights."""
