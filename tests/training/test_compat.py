"""Private surfaces of transformers.Trainer behave as training expects."""

from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, TrainingArguments

from ninefold.training.compat import OrderedTrainer, without_data_parallel


@pytest.fixture
def trainer(tmp_path: Path) -> OrderedTrainer:
    config = LlamaConfig(
        vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, head_dim=8
    )
    rows = [{"input_ids": torch.tensor([number]), "labels": torch.tensor([number])} for number in range(4)]
    arguments = TrainingArguments(
        str(tmp_path), use_cpu=True, report_to=[], per_device_train_batch_size=2, per_device_eval_batch_size=4
    )
    return OrderedTrainer(
        LlamaForCausalLM(config),
        arguments,
        train_dataset=rows,
        eval_dataset=rows,
        train_order=[3, 1, 0, 2],
        validation_order=[2, 3, 0, 1],
    )


def test_examples_come_in_the_order_that_is_given(trainer: OrderedTrainer) -> None:
    train = [batch["input_ids"].flatten().tolist() for batch in trainer.get_train_dataloader()]
    assert train == [[3, 1], [0, 2]]
    validation = [batch["input_ids"].flatten().tolist() for batch in trainer.get_eval_dataloader()]
    assert validation == [[2, 3, 0, 1]]


def test_a_whole_model_resumes_from_its_checkpoint(trainer: OrderedTrainer, tmp_path: Path) -> None:
    saved = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    trainer.save_model(str(tmp_path / "checkpoint-1"))
    for weight in trainer.model.parameters():
        weight.data.zero_()
    trainer._load_from_checkpoint(str(tmp_path / "checkpoint-1"))
    assert all(torch.equal(value, saved[name]) for name, value in trainer.model.state_dict().items())


def test_one_process_uses_one_gpu_at_most(tmp_path: Path) -> None:
    arguments = TrainingArguments(str(tmp_path), use_cpu=True, report_to=[])
    assert arguments.n_gpu == 0
    arguments._n_gpu = 4
    assert without_data_parallel(arguments).n_gpu == 1
