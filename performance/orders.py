"""Speed of evaluating all orders of the options, against evaluations of one order each: prefixes are computed once.

Both are measured in turn in one process, on the same questions of the synthetic test set; times are CPU seconds.
"""

import argparse
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import ninefold as nf


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["nano", "nano-qwen2-vl", "nano-llava-next", "nano-molmo"])
    parser.add_argument("--limit", type=int, default=126, help="number of questions")
    parser.add_argument("--repeats", type=int, default=3, help="number of measurements, of which the median is printed")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        data = nf.make(nf.SyntheticSpec("test"), Path(folder) / "test")
        for name in options.models:
            model = nf.load_model(name)
            seconds: dict[str, list[float]] = {"as-made": [], "all": []}
            asked = {}
            for repeat in range(options.repeats + 1):
                for orders, found in seconds.items():
                    spec = nf.EvaluateSpec(name, data, limit=options.limit, orders=orders)
                    begun = time.process_time()
                    metrics = nf.evaluate(spec, Path(folder) / f"{name}-{orders}-{repeat}", model=model)
                    asked[orders] = metrics["n"]
                    # The first of each warms up.
                    found.extend([time.process_time() - begun] if repeat else [])
            one, every = (asked[orders] / median(seconds[orders]) for orders in ("as-made", "all"))
            print(
                f"{name}: {one:.1f} questions/s in one order, {every:.1f} in all {metrics['orders']['orders']}: "
                f"{every / one:.1f} times as many"
            )


if __name__ == "__main__":
    main()
