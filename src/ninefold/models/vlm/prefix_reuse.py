"""A shortcut: the common prefix of all prompts about one image, image included, is computed once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ninefold.models.vlm.prompt import Prompt


@dataclass(frozen=True, slots=True)
class SharedPrefixes:
    """The prefixes of a batch, one per image."""

    prompts: list[Prompt]
    """Each prefix, with its image."""
    owners: list[int]
    """For each prompt of the batch, the index of its prefix."""

    @property
    def any(self) -> bool:
        """Whether at least two prompts share one."""
        return len(self.prompts) < len(self.owners)

    def rest(self, prompts: Sequence[Prompt]) -> list[dict[str, np.ndarray]]:
        """Return the rest of each prompt after its prefix, at least one token."""
        lengths = [len(self.prompts[owner].ids) for owner in self.owners]
        return [{"input_ids": prompt.ids[length:]} for prompt, length in zip(prompts, lengths, strict=True)]


def shared_prefixes(prompts: Sequence[Prompt]) -> SharedPrefixes:
    """Return the longest common prefixes of all prompts about each image, shorter than any whole prompt."""
    groups: dict[int, list[int]] = {}
    for index, prompt in enumerate(prompts):
        groups.setdefault(id(prompt.image), []).append(index)
    owners, prefixes = [0] * len(prompts), []
    for owner, indices in enumerate(groups.values()):
        first = prompts[indices[0]]
        length = min(_common(first.ids, prompts[index].ids) for index in indices)
        prefixes.append(Prompt({name: values[:length] for name, values in first.sequence.items()}, first.image))
        for index in indices:
            owners[index] = owner
    return SharedPrefixes(prefixes, owners)


def _common(one_S: np.ndarray, other_S: np.ndarray) -> int:
    """Return the length of the common prefix of two prompts, without their last token, which must be computed."""
    length = min(len(one_S), len(other_S)) - 1
    differs = one_S[:length] != other_S[:length]
    return int(differs.argmax()) if differs.any() else length
