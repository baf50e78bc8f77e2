"""The entry point of group ``lmms_eval.models``: the model ``ninefold`` of lmms-eval. No heavy imports."""

from typing import Any

_ROOM = "ninefold.evaluation.lmms.plugin"


def manifest() -> Any:
    """Return lmms-eval's manifest of our model: its class for chat messages, and the one for ``--force_simple``."""
    from lmms_eval.models.registry_v2 import ModelManifest

    return ModelManifest(
        model_id="ninefold", chat_class_path=f"{_ROOM}.Ninefold", simple_class_path=f"{_ROOM}.NinefoldSimple"
    )
