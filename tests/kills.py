"""Commands that are killed, or begun twice, at any moment: they go on from what is on disk and end with the same bytes.

    python tests/kills.py --count 20

runs every long command once without a disturbance, and then again and again: killed (SIGKILL) up to three times at
random moments, killed before one of its changes of files, or stopped there while a second process with the same output
runs. Each time the command is then repeated, and all bytes are compared with those of the undisturbed run: no file may
be missing, different, or left over. Prints a table and ends with 1 if anything differs. Needs Linux or macOS.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

# The bytes of training are promised at equal numbers of threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).parent / "captions"))

import forked
import scripted
from bench import Bench, Case, Tally, command_line

CASES = (
    Case("data synthetic", "data synthetic --split test --canvas 90 --out set"),
    Case(
        "data coco",
        "data coco --annotations {inputs}/world/annotations.json --images {inputs}/world/images --split train "
        "--out set",
    ),
    Case("nano world", "nano world --pictures 8 --out world"),
    Case("evaluate, scripted", "evaluate --model fixed --data {inputs}/few --split train --out run"),
    Case(
        "evaluate, benchmark",
        "evaluate --model fixed --benchmark vsr-zeroshot --benchmark-dir {inputs}/vsr --allow-missing --out run",
    ),
    Case("evaluate, tiny LLaVA", "evaluate --model {inputs}/tiny --data {inputs}/few --split train --out run"),
    Case("evaluate, nano", "evaluate --model nano --data {inputs}/few --split train --limit 9 --out run"),
    Case(
        "probe, tiny LLaVA",
        "probe --model {inputs}/tiny --data {inputs}/few --split train --folds 2 --keep-states --out run",
    ),
    Case("probe, nano", "probe --model nano --data {inputs}/few --split train --folds 2 --out run"),
    Case("evaluate, server", "evaluate --model openai:{server}#tiny --data {inputs}/asked --out run"),
    Case(
        "train, LoRA",
        "train --model {inputs}/tiny --data {inputs}/few --batch 8 --epochs 2 --checkpoint-steps 3 "
        "--learning-rate 1e-3 --out run",
    ),
    Case(
        "train, full",
        "train --model {inputs}/tiny --data {inputs}/few --batch 8 --epochs 2 --checkpoint-steps 2 --method full "
        "--out run",
    ),
    Case("data, replaced", "data synthetic --split test --canvas 90 --overwrite --out set", given=("old/set",)),
    Case("world, replaced", "nano world --pictures 8 --overwrite --out world", given=("old/world",)),
    Case(
        "evaluate, replaced",
        "evaluate --model fixed --data {inputs}/few --split train --overwrite --out run",
        given=("old/run",),
    ),
    Case(
        "train, replaced",
        "train --model {inputs}/tiny --data {inputs}/few --batch 8 --epochs 1 --overwrite --out tuning",
        given=("old/tuning",),
    ),
    Case(
        "nano pretrain",
        "nano pretrain --family llava --vision-steps 4 --vision-batch 2 --position-steps 3 --language-steps 20 "
        "--language-batch 2 --checkpoint-every 5 --textures 2 --out base",
        timed=frozenset({"log.jsonl"}),
    ),
    Case(
        "captions run, scripted",
        "captions run {inputs}/captions.jsonl --text-field text --id-field id --engine scripted --out set",
        timed=frozenset({"timing.json"}),
    ),
    Case(
        "captions run, server",
        "captions run {inputs}/captions.jsonl --text-field text --id-field id --engine openai:{server} --out set",
        timed=frozenset({"timing.json", ".set.responses"}),
    ),
    Case(
        "captions merge",
        "captions merge {inputs}/shards/0 {inputs}/shards/1 --out set",
        timed=frozenset({"timing.json"}),
    ),
    Case(
        "export-adapter, merged",
        "export-adapter {inputs}/tuning --model {inputs}/tiny --data {inputs}/few --examples 2 --to merged "
        "--out merged",
    ),
    Case(
        "export-adapter, replaced",
        "export-adapter {inputs}/tuning --model {inputs}/tiny --data {inputs}/few --examples 2 --to peft --overwrite "
        "--out merged",
        given=("old/merged",),
    ),
    Case("export, image files", "export {inputs}/few --to llama-factory --out exported"),
    Case("export, parquet", "export {inputs}/few --to trl --out exported"),
    Case(
        "export, replaced",
        "export {inputs}/few --to llama-factory --overwrite --out exported",
        given=("old/exported",),
    ),
    Case("score", "score run", given=("run",)),
    Case("report", "report {inputs}/run {inputs}/tuning --out report.html"),
    Case("study", "study run smoke --set seeds=1 --out study", timed=frozenset({"report.html"})),
    Case(
        "study, jobs 2",
        "study run smoke --set seeds=1 --jobs 2 --out study",
        timed=frozenset({"report.html", "worker-0.log", "worker-1.log"}),
        parts=True,
    ),
    Case("demo", "", timed=frozenset({"report.html"}), work=lambda: _demo(Path("demo"))),
)


SHARDS = ("--shard 0/2 --out shards/0", "--shard 1/2 --out shards/1")
"""The shards that are joined."""


@contextmanager
def inputs(root: Path) -> Iterator[dict[str, str]]:
    """Yield the folder of inputs that the commands read, and the address of a server; made in forked processes."""
    folder = root / "inputs"
    folder.mkdir()
    _prepare()
    make_captions(folder / "captions.jsonl")
    for work in (make_sets, make_model):
        _done(partial(work, folder), folder)
    for words in (
        "nano world --pictures 12 --out world",
        "evaluate --model fixed --data few --split train --out run",
        "train --model tiny --data few --batch 8 --epochs 1 --out tuning",
        "data coco --annotations world/annotations.json --images world/images --out old/set",
        *(f"captions run captions.jsonl --text-field text --id-field id --engine scripted {part}" for part in SHARDS),
        "nano world --pictures 3 --out old/world",
        "export few --to llama-factory --conversations --out old/exported",
        "evaluate --model fixed --data few --split train --limit 9 --out old/run",
        "train --model tiny --data few --batch 8 --epochs 1 --seed 1 --out old/tuning",
        "export-adapter tuning --data few --examples 2 --to merged --out old/merged",
    ):
        _done(partial(command_line, words.split()), folder)
    server = forked.start(_serve, folder, folder / "server.log")
    try:
        while not (folder / "address").exists():
            time.sleep(0.01)
        yield {"inputs": str(folder), "server": (folder / "address").read_text()}
    finally:
        server.send(signal.SIGKILL)
        server.wait()


def measure(names: Sequence[str], count: int, seed: int, root: Path) -> list[Tally]:
    """Disturb commands, print a row of the table for each, and return what came of it."""
    print("| command | seconds | changes of files | kills | two at once | identical | different | failed |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    tallies = []
    with inputs(root) as places:
        for case in CASES:
            if case.name not in names:
                continue
            bench = Bench(case, root, places, seed)
            bench.kill_at_random(count)
            bench.kill_at_changes(count)
            if case.parts:
                bench.kill_parts(count)
            bench.run_two(-(-count // 2))
            tally = bench.tally
            cells = (tally.kills, tally.pairs, tally.identical, tally.different, tally.failed)
            shown = (case.name, f"{bench.seconds:.1f}", bench.changes, *cells)
            print(f"| {' | '.join(map(str, shown))} |", flush=True)
            print(*tally.faults, sep="\n", end="\n" if tally.faults else "", file=sys.stderr, flush=True)
            tallies.append(tally)
    return tallies


def _prepare() -> None:
    """Import what commands import, once for all forked processes, and make the parts of outputs small and many."""
    import matplotlib.backends.backend_pdf
    import matplotlib.font_manager  # noqa: F401
    import peft.tuners.lora.model  # noqa: F401
    import sklearn.svm  # noqa: F401
    import tiny  # noqa: F401

    import ninefold.captions.checks.chain
    import ninefold.captions.run
    import ninefold.captions.sources.reading
    import ninefold.evaluation.probing.probe
    import ninefold.models.export.making
    import ninefold.models.vlm.model
    import ninefold.report.page
    import ninefold.studies.report
    import ninefold.studies.run
    import ninefold.training.train  # noqa: F401
    from ninefold.captions import spool
    from ninefold.captions.engines import catalog
    from ninefold.data.format import shards
    from ninefold.evaluation.predict import predict
    from ninefold.evaluation.probing import states
    from ninefold.models.fake import FakeModel
    from ninefold.models.registry import register_model
    from ninefold.report.figures import files
    from ninefold.report.study import output
    from ninefold.space import LABELS

    catalog.REGISTERED["scripted"] = scripted.Scripted
    spool.BLOCK_CAPTIONS = 2
    files.ALL = ("png", "svg")
    output.DOTS = 40
    shards.GROUP_ROWS, shards.SHARD_ROWS = 200, 1000
    predict.__kwdefaults__["chunk"] = 8
    states.CHUNK = 8
    model = FakeModel(lambda example: LABELS[len(example.question) % 9], name="fixed")
    register_model("fixed", lambda spec: model)


def make_captions(path: Path) -> None:
    """Write the captions that pairs are made from: of five images in turn, with a failure and a duplicate."""
    texts = [f"A cup is left of a plate{number}. The lamp is right of a chair." for number in range(12)]
    texts[5], texts[7] = f"{texts[5]}!", texts[2]
    scripted.written(path, [(f"c{number}", text, f"{number % 5}.png") for number, text in enumerate(texts)])


def make_sets(folder: Path) -> None:
    """Write the data sets that the commands read."""
    from itertools import islice

    from endpoint_examples import example
    from vsr_files import official

    from ninefold.data.format import dataset
    from ninefold.data.format.card import About
    from ninefold.data.sources.synthetic import SyntheticSpec, examples

    parts = examples(SyntheticSpec(split="train", canvas=96))
    few = {split: list(islice(part, 0, 72, 3)) for split, part in parts.items()}
    dataset.write(folder / "few", few, about=About("a few", "A few rows.", {}))
    official(folder / "vsr", [(f"{number:012d}.jpg", "A cup is on a mat.", number % 2, "on") for number in range(40)])
    dataset.write(folder / "asked", {"test": map(example, range(45))}, about=About("asked", "Colors.", {}))


def make_model(folder: Path) -> None:
    """Write the model that is trained and evaluated."""
    from tiny import save_tiny_llava

    save_tiny_llava(folder / "tiny")


def _serve() -> None:
    from chat_server import ChatServer, serving
    from endpoint_captions import writes
    from endpoint_examples import sees

    def answer(picture: Any, prompt: str) -> str:
        if picture is not None:
            return sees(picture, prompt)
        return "yes" if "yes or no" in prompt else writes(picture, prompt)

    script, parent = ChatServer(answer, delay=lambda number: 0.01), os.getppid()
    with serving(script):
        Path("address.new").write_text(script.url)
        Path("address.new").rename("address")
        while os.getppid() == parent:
            time.sleep(0.5)


def _demo(out: Path) -> None:
    from ninefold.studies.demo import demo

    demo(out, limit=9, pictures=6, epochs=1)


def _done(work: Callable[[], object], folder: Path) -> None:
    """Run a function in a forked process."""
    command = forked.start(work, folder, folder / "inputs.log")
    if command.wait() != 0:
        raise SystemExit(f"the inputs cannot be made: {command.said()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10, help="disturbances of each kind, for every command")
    parser.add_argument("--only", nargs="*", default=[case.name for case in CASES], help="names of commands")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="ninefold-kills-"))
    os.environ["XDG_CACHE_HOME"] = str(place / "cache")
    total = measure(options.only, options.count, options.seed, place)
    if any(tally.faults for tally in total):
        sys.exit(f"what differs is in {place}")
    shutil.rmtree(place)
