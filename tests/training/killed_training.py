"""Training that is killed before named changes of its run folder: ``python killed_training.py JOB``.

``JOB`` is a JSON file: ``spec`` (fields of `TrainSpec`), the ``folder`` to work in, and the changes to be killed
``before``. A line of JSON is printed, the fields of `bench.Tally`. Every training runs in a fork of this process, which
has imported everything.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import Bench, Case

from ninefold.models.spec import ModelSpec
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train

if __name__ == "__main__":
    job = json.loads(Path(sys.argv[1]).read_text())
    given = {**job["spec"], "model": ModelSpec(job["spec"]["model"]), "data": tuple(map(Path, job["spec"]["data"]))}
    spec = TrainSpec(**given)
    bench = Bench(Case("training", "", work=lambda: train(spec, Path("run"))), Path(job["folder"]), {"inputs": ""}, 0)
    bench.kill_before(job["before"])
    print(json.dumps(vars(bench.tally)))
