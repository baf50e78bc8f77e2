"""Checkpoints and adapters changed at random: answers, or one line that says what is wrong."""

from pathlib import Path

import pytest
from hostile import INPUTS, copied, files_of, fuzz, run, spoil
from hypothesis import given
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from tiny import save_tiny_clip, save_tiny_llava, save_tiny_llava_onevision, save_tiny_molmo, save_tiny_qwen2_vl
from transformers import AutoModel, AutoModelForImageTextToText

SAVERS = [save_tiny_llava]
if INPUTS:
    SAVERS += [save_tiny_clip, save_tiny_molmo, save_tiny_qwen2_vl, save_tiny_llava_onevision]


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Path]]:
    """Good checkpoints, each with an adapter."""
    found = []
    for save in SAVERS:
        base, adapter = (tmp_path_factory.mktemp(save.__name__) / part for part in ("base", "adapter"))
        save(base)
        opener = AutoModel if save is save_tiny_clip else AutoModelForImageTextToText
        config = LoraConfig(r=2, target_modules=["q_proj", "v_proj", "att_proj"])
        get_peft_model(opener.from_pretrained(base), config).save_pretrained(str(adapter))
        found.append((base, adapter))
    return found


@fuzz(8)
@given(data=st.data())
def test_checkpoints(bases: list[tuple[Path, Path]], photos: Path, tmp_path: Path, data: st.DataObject) -> None:
    with copied(*data.draw(st.sampled_from(bases)), to=tmp_path / "one") as [base, adapter]:
        tuned = data.draw(st.booleans())
        about = spoil(data.draw(st.sampled_from(files_of(adapter if tuned else base))), data)
        model = ["--model", base, *(["--adapter", adapter] if tuned else [])]
        scoring = [
            "--limit",
            "1",
            "--max-new-tokens",
            "2",
            "--scoring",
            data.draw(st.sampled_from(["generate", "choice"])),
        ]
        run("evaluate", *model, "--data", photos, *scoring, "--out", base.parent / "run", about=about)
