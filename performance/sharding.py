"""One training in one process, and in two that share batches (DDP) or weights too (FSDP): how far adapters differ.

    python performance/sharding.py

trains a tiny LLaVA on a CPU. Each is killed once amid the second epoch, and goes on. accelerate shards on GPUs only:
here it is told that two processes on CPUs are such, and the same code of torch and ninefold runs.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

TESTS = Path(__file__).parents[1] / "tests"
LAUNCH = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "2"]
SETTINGS = ("--batch", "8", "--epochs", "2", "--learning-rate", "1e-3", "--checkpoint-steps", "2")
TRAIN = ["train", "--model", "tiny", "--data", "few", *SETTINGS]
MODES = {"one process": [sys.executable], "DDP": [*LAUNCH, "--multi_gpu"], "FSDP": [*LAUNCH, "--use_fsdp"]}
KILLED_AT = 4
"""Step before which each training is killed, once; an epoch has three."""


def measure(folder: Path) -> None:
    """Train in every way, and print a row of the table for each."""
    sys.path.insert(0, str(TESTS))
    from kills import make_model, make_sets

    make_model(folder)
    make_sets(folder)
    print("| training | killed and resumed | largest weight | largest difference from one process |")
    print("| --- | --- | --- | --- |")
    for method in ("lora", "full"):
        expected: dict[str, Any] = {}
        for mode, launch in MODES.items():
            out = folder / f"{mode}-{method}".replace(" ", "-")
            command = [*launch, __file__, *TRAIN, "--method", method, "--out", out.name]
            killed = _run(command, folder, killed_at=KILLED_AT) != 0
            if _run(command, folder) != 0:
                raise SystemExit((folder / "log").read_text())
            weights = load_file(next(out.glob("*/*model.safetensors")))
            expected = expected or weights
            largest = max(float(weight.abs().max()) for weight in expected.values())
            far = max(float((weights[name] - weight).abs().max()) for name, weight in expected.items())
            print(f"| {mode}, {method} | {'yes' if killed else 'no'} | {largest:.3f} | {far:.1e} |", flush=True)


def _run(command: list[str], folder: Path, *, killed_at: int | None = None) -> int:
    settings = {"ACCELERATE_USE_CPU": "true", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    if killed_at is not None:
        settings["KILLED_AT"] = str(killed_at)
    with (folder / "log").open("w") as log:
        environment = {**os.environ, **settings}
        return subprocess.call(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)


def _train() -> None:
    """Run the command line of ninefold in a process of a training."""
    from accelerate import PartialState
    from accelerate.utils import DistributedType

    from ninefold.cli import main
    from ninefold.training.callbacks import CheckpointSchedule

    begin = PartialState.__init__

    def begun(self: Any, *arguments: object, **options: object) -> None:
        begin(self, *arguments, **options)
        if "ACCELERATE_USE_FSDP" in os.environ and self.distributed_type == DistributedType.MULTI_CPU:
            self._shared_state["distributed_type"] = self.distributed_type = DistributedType.MULTI_GPU

    def step(self: object, args: object, state: Any, control: object, **_: object) -> None:
        if str(state.global_step) == os.environ.get("KILLED_AT"):
            os.kill(os.getpid(), signal.SIGKILL)

    PartialState.__init__, CheckpointSchedule.on_step_begin = begun, step
    main(sys.argv[1:])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _train()
    else:
        with tempfile.TemporaryDirectory(prefix="ninefold-sharding-") as place:
            measure(Path(place))
