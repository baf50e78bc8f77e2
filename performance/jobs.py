"""Studies with ``--jobs 2`` against ``--jobs 1``: seconds, CPU seconds, and whether the results have the same bytes.

    python performance/jobs.py --rounds 3

carries out a small study of a nano base, with two seeds, in turns: two runs side by side on half of the cores each, and
one at a time on all of them. The table has a row for each round, the ratio is that of the medians.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from statistics import median

STUDY = """
from ninefold import Condition, ModelSpec, Study, StudyModel, SyntheticSpec, Test


def two_seeds(limit: int = 135) -> Study:
    return Study(
        "two-seeds",
        "Is it faster to train side by side?",
        models=[StudyModel("nano", ModelSpec("nano"))],
        conditions=[Condition("synthetic", "Synthetic", (SyntheticSpec("train"),), {"limit": limit, "epochs": 2})],
        tests=[Test("synthetic", "Synthetic", SyntheticSpec("test"), options={"limit": 2 * limit})],
        seeds=(0, 1),
    )
"""
RESULTS = ("metrics.json", "scores.parquet", "history.json", "adapter_model.safetensors", "study.json")


def measure(rounds: int, limit: int, folder: Path) -> None:
    """Carry out the study in turns, and print the table."""
    file = folder / "two_seeds_study.py"
    file.write_text(STUDY)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    hashes: dict[int, dict[str, str]] = {}
    print("| round | jobs | seconds | CPU seconds |")
    print("| --- | --- | --- | --- |")
    for number in range(1, rounds + 1):
        for jobs in (1, 2) if number % 2 else (2, 1):
            out = folder / f"{number}-{jobs}"
            command = [sys.executable, "-m", "ninefold", "study", "run", f"{file}:two_seeds", "--out", str(out)]
            begun, before = time.perf_counter(), os.times()
            subprocess.run([*command, "--jobs", str(jobs), "--set", f"limit={limit}"], check=True, capture_output=True)
            used = os.times()
            seconds[jobs].append(time.perf_counter() - begun)
            cpu = used.children_user + used.children_system - before.children_user - before.children_system
            print(f"| {number} | {jobs} | {seconds[jobs][-1]:.1f} | {cpu:.1f} |", flush=True)
            hashes[jobs] = {
                path.relative_to(out).as_posix(): sha256(path.read_bytes()).hexdigest()
                for name in RESULTS
                for path in out.rglob(name)
            }
    print(f"\n--jobs 2 takes {median(seconds[2]) / median(seconds[1]):.2f} times as long as --jobs 1")
    different = sorted(name for name in hashes[1] if hashes[1][name] != hashes[2].get(name))
    print(f"results: {len(hashes[1])} files, different: {', '.join(different) or 'none'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds")
    parser.add_argument("--limit", type=int, default=135, help="number of training examples; twice as many are tested")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ninefold-jobs-") as place:
        measure(options.rounds, options.limit, Path(place))
