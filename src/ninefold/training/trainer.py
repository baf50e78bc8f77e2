"""transformers.Trainer with a loss over answer tokens, an exact validation loss, and the best epoch's weights kept.

Axes: N examples of the validation set, K cross-entropies of a forward pass.
"""

import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from rich.progress import Progress
from transformers import PrinterCallback, TrainingArguments

from ninefold.errors import RunError
from ninefold.models.compute.prefetch import Workers
from ninefold.models.vlm.continuation import IGNORED
from ninefold.models.vlm.prompt import Tensors
from ninefold.runs import layout
from ninefold.training import gradient_checkpointing
from ninefold.training.callbacks import CheckpointSchedule, ProgressBar
from ninefold.training.checkpoints import best_weights
from ninefold.training.compat import OrderedTrainer
from ninefold.training.dataset import StepDataset, collated
from ninefold.training.history import best_epoch, epochs_of
from ninefold.training.memory import MemoryPlan
from ninefold.training.sampler import LengthBuckets

_DIVERGED = "training has diverged: lower --learning-rate, or raise it slowly with --warmup 0.1"


class AnswerTrainer(OrderedTrainer):
    """Trainer for `ninefold.training.dataset.StepDataset`, whose items are whole optimizer steps."""

    def __init__(
        self,
        network: Any,
        arguments: TrainingArguments,
        *,
        losses: Callable[[Any, Tensors], tuple[torch.Tensor, torch.Tensor]],
        train: StepDataset,
        validation: StepDataset,
        order: LengthBuckets,
        patience: int,
        every: int,
        bar: Progress,
        on_new_plan: Callable[[MemoryPlan], None],
        workers: Workers | None = None,
    ) -> None:
        """Initialize the trainer.

        Args:
            network: The network, perhaps with an adapter; parameters that require a gradient are trained.
            arguments: Trainer's own settings.
            losses: A function: the cross-entropies of a network on a batch, and the row of each.
            train: The training examples.
            validation: The validation examples.
            order: The order of the training examples.
            patience: Epochs without a better validation loss after which training stops.
            every: Steps between checkpoints, besides those after each epoch.
            bar: The progress display.
            on_new_plan: A function called with the new plan after training ran out of memory.
            workers: Threads that compute micro-batches on cores of their own, in a single process on a CPU.
        """
        by_length = sorted(range(len(validation)), key=validation.training_set.lengths.__getitem__)
        super().__init__(
            model=network,
            args=arguments,
            train_dataset=train,
            eval_dataset=validation,
            train_order=order,
            validation_order=by_length,
            data_collator=collated,
            callbacks=[CheckpointSchedule(patience, every), ProgressBar(bar)],
        )
        self.remove_callback(PrinterCallback)
        self.losses = losses
        self.on_new_plan = on_new_plan
        self.workers = workers

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Compute the gradient of an optimizer step; return its loss, the mean cross-entropy over its answer tokens.

        If memory runs out, the step is repeated in smaller micro-batches, which all later steps use too.

        Raises:
            RunError: If one example does not fit in memory, memory runs out in distributed training, or the loss is not
                finite.
        """
        model.train()
        micro_batches = inputs["micro_batches"]
        tokens = sum((batch["labels"] != IGNORED).sum() for batch in micro_batches)
        # Processes average their gradients, but the mean is over the tokens of all processes.
        scale = self.accelerator.num_processes / self.accelerator.reduce(tokens)
        indices = [index for batch in micro_batches for index in batch["indices"].tolist()]
        random = torch.get_rng_state(), torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        while True:
            # A worker may have divided this step by the old plan, before memory ran out.
            if inputs["plan"] != self.train_dataset.plan:
                micro_batches = self.train_dataset.__getitems__(indices)["micro_batches"]
            try:
                accumulate = self._accumulate if self.workers is None else self._accumulate_together
                return self._finite(accumulate(model, micro_batches, scale))
            except _OutOfMemory as error:
                failed = error
            model.zero_grad()
            torch.set_rng_state(random[0])
            torch.cuda.set_rng_state_all(random[1])
            self._shrink(failed.indices)

    def _accumulate(self, model: Any, micro_batches: Sequence[Tensors], scale: torch.Tensor) -> torch.Tensor:
        total = torch.zeros((), device=self.args.device)
        for number, batch in enumerate(micro_batches, 1):
            synchronized = nullcontext() if number == len(micro_batches) else self.accelerator.no_sync(model)
            with synchronized, _noticing_memory(batch):
                loss_K, _ = self.losses(model, self._inputs(batch))
                loss = loss_K.sum() * scale
                self.accelerator.backward(loss)
            total += loss.detach()
        return total

    def _accumulate_together(self, model: Any, micro_batches: Sequence[Tensors], scale: torch.Tensor) -> torch.Tensor:
        """Do the same on cores of a CPU: gradients are summed in the order of the micro-batches, however many cores."""
        assert self.workers is not None
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]

        def computed(batch: Tensors) -> tuple[torch.Tensor, Sequence[torch.Tensor | None]]:
            with _noticing_memory(batch):
                loss_K, _ = self.losses(model, self._inputs(batch))
                loss = loss_K.sum() * scale
                return loss.detach(), torch.autograd.grad(loss, trained, allow_unused=True)

        total = torch.zeros((), device=self.args.device)
        for loss, gradients in self.workers.map(computed, micro_batches, most=self.train_dataset.plan.concurrent):
            total += loss
            for parameter, gradient in zip(trained, gradients, strict=True):
                if gradient is None:
                    continue
                if parameter.grad is None:
                    parameter.grad = gradient.contiguous()
                else:
                    parameter.grad += gradient
        return total

    def _finite(self, loss: torch.Tensor) -> torch.Tensor:
        if not math.isfinite(loss):
            raise RunError(
                f"the loss is {loss.item()} at step {self.state.global_step + 1} of {self.state.max_steps}; {_DIVERGED}"
            )
        return loss

    def _shrink(self, indices: Sequence[int]) -> None:
        """Switch to micro-batches smaller than these examples, which did not fit."""
        if self.accelerator.num_processes > 1:
            raise RunError(
                f"out of memory with {len(indices)} examples in a forward pass; run the same command with "
                f"{'--recompute' if len(indices) == 1 else f'--micro-batch {len(indices) // 2}'}: it goes on from "
                "here"
            )
        longest = max(self.train_dataset.training_set.lengths[index] for index in indices)
        plan = self.train_dataset.plan.halved(len(indices), longest)
        if plan.gradient_checkpointing:
            gradient_checkpointing.enable(self.model)
        self.train_dataset.plan = self.eval_dataset.plan = plan
        clear_device_cache()
        self.on_new_plan(plan)

    def _inputs(self, batch: Tensors) -> Tensors:
        inputs: Tensors = self._prepare_inputs({name: value for name, value in batch.items() if name != "indices"})
        return inputs

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Return the mean cross-entropy over all answer tokens, independent of the batching.

        Raises:
            RunError: If it is not finite.
        """
        self.model_wrapped.eval()
        sums_N2 = torch.zeros(len(self.eval_dataset), 2, dtype=torch.float64, device=self.args.device)
        batches = (batch for step in self.get_eval_dataloader() for batch in step["micro_batches"])
        for loss_K, indices_K in (map if self.workers is None else self.workers.map)(self._validated, batches):
            sums_N2[indices_K] = 0.0
            sums_N2.index_add_(0, indices_K, torch.stack([loss_K, torch.ones_like(loss_K)], 1).double())
        # Processes fill their last batches with repeated rows: each row counts once.
        loss, tokens = self.accelerator.gather(sums_N2[None]).amax(0).sum(0).tolist()
        if not math.isfinite(loss):
            raise RunError(f"the validation loss is {loss} after epoch {self.state.epoch:.0f}; {_DIVERGED}")
        metrics = {"eval_loss": loss / tokens}
        self.log(metrics)
        epochs = epochs_of(self.state.log_history)
        if best_epoch(epochs) == len(epochs):
            self._keep_best(len(epochs), before=best_epoch(epochs[:-1]))
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    @torch.no_grad()
    def _validated(self, batch: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the cross-entropies of a batch, and the index of the example of each."""
        loss_K, rows_K = self.losses(self.model_wrapped, self._inputs(batch))
        return loss_K, batch["indices"].to(rows_K.device)[rows_K]

    def _keep_best(self, epoch: int, *, before: int) -> None:
        """Save the weights of an epoch that is the best so far."""
        folder = Path(self.args.output_dir)
        best = best_weights(folder, epoch)
        fresh = best.with_name(f"{best.name}.new")
        self.save_model(str(fresh))
        if self.is_world_process_zero():
            shutil.rmtree(best, ignore_errors=True)
            fresh.replace(best)
            # If this epoch is interrupted before its checkpoint, the best before it may still be the best.
            for old in set(folder.glob(f"{layout.BEST}-*")) - {best, best_weights(folder, before)}:
                shutil.rmtree(old)


class _OutOfMemory(Exception):
    """A micro-batch that did not fit in memory."""

    def __init__(self, indices: Sequence[int]) -> None:
        self.indices = indices


@contextmanager
def _noticing_memory(batch: Tensors) -> Iterator[None]:
    """Raise `_OutOfMemory` if a micro-batch does not fit in memory."""
    try:
        yield
    except RuntimeError as error:
        if not should_reduce_batch_size(error):
            raise
        # Without a cause: its traceback would keep the activations in memory.
        raise _OutOfMemory(batch["indices"].tolist()) from None
