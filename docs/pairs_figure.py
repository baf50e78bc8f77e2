"""The figure and the tables of pairs-study.md, from the accuracies in pairs-study/accuracies.csv.

`python docs/pairs_figure.py` draws pairs-study/pairs.png, and prints means over seeds and changes, in percent.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from ninefold.report.figures import files
from ninefold.report.figures.dots import Block, Dot, Dots, figure

FOLDER = Path(__file__).parent / "pairs-study"
CONDITIONS = {
    "base": "Base",
    "instructions": "Instructions",
    "captions": "Descriptions",
    "pairs": "Pairs",
    "conversations": "Conversations",
    "pairs-scenes": "Pairs, scenes",
    "relations": "True relations",
    "pairs-alone": "Pairs alone",
}
"""Title of each condition of the recipe; those without results are left out."""
TESTS = {
    "relations-words": ("Which of two", 0.5),
    "relations-true-false": ("VSR's form", 0.5),
    "relations-letters": ("What's Up's form", 0.25),
    "relations-words-written": ("Which of two, written", None),
    "synthetic": ("Position, synthetic", 1 / 9),
    "coco": ("Position, photo-like", 1 / 9),
    "presence": ("Is it there?", 0.5),
    "naming": ("What is it?", None),
}
"""Title and chance of each test."""


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return mean and 95 % interval over seeds, by Student's t; of one or two values, the mean alone."""
    mean = float(np.mean(values))
    if len(values) < 3:
        return mean, mean, mean
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    return mean, mean - half, mean + half


def main() -> None:
    """Draw the figure, and print the tables."""
    table = pd.read_csv(FOLDER / "accuracies.csv")
    found = {
        key: part.set_index("seed")["accuracy"].to_dict()
        for key, part in table.groupby(["condition", "test"], dropna=False)
    }
    shown = {name: title for name, title in CONDITIONS.items() if any(condition == name for condition, _ in found)}
    blocks = []
    for title, tests in (("Relations", list(TESTS)[:4]), ("Positions and other questions", list(TESTS)[4:])):
        columns = []
        for test in tests:
            dots = []
            for condition in shown:
                values = tuple(found[condition, test].values())
                mean, low, high = interval(values)
                dots.append(Dot(mean, max(low, 0), min(high, 1), values) if len(values) > 1 else Dot(mean))
            columns.append(Dots(TESTS[test][0], tuple(dots), line=TESTS[test][1]))
        blocks.append(Block(title, tuple(shown.values()), tuple(columns)))
    drawing = figure("Accuracy by training set; dotted: chance", blocks, width=8.5)
    files.save(drawing, FOLDER / "pairs", formats=("png",))
    for test, (title, _) in TESTS.items():
        means = [interval(tuple(found[condition, test].values()))[0] for condition in shown]
        print(title, *(f"{100 * mean:.1f}" for mean in means), sep=" | ")
        control = found["instructions", test]
        for condition in list(shown)[2:]:
            changes = [value - control[seed] for seed, value in found[condition, test].items()]
            mean, low, high = (100 * number for number in interval(changes))
            print(f"  {condition} - instructions: {mean:+.1f} ({low:+.1f} to {high:+.1f})")


if __name__ == "__main__":
    main()
