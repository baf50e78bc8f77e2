"""How fast pairs from captions are checked and their keywords counted, on one core.

Run it with ``python performance/captions.py``; ``--pairs 5000`` gives a quick look. Captions of about 200 words with
ten pairs each are made up; a few pairs are duplicates, refer to the description, or say what the caption does not. All
is measured in one process, in turns of a thousand pairs so that a busy machine slows all alike:

1. all keywords of the taxonomy in question and answer: one regular expression after the other, one alternation of all
   (which misses nested keywords), and ninefold's index by first word;
2. the four checks that are rules, as a chain and each alone;
3. what the chain takes of memory while pairs are streamed, after a tenth of them and after all.
"""

import argparse
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

from tracing import traced

from ninefold.captions.caption import Caption
from ninefold.captions.checks.chain import Chain
from ninefold.captions.matching import matches
from ninefold.captions.pair import Pair
from ninefold.captions.spec import ChecksSpec
from ninefold.captions.taxonomy import KEYWORDS
from ninefold.scenes.vocabulary import COLORS
from ninefold.seeding import rng

RULES = ("duplicates", "reference", "answer", "spatial")
TURN = 1000
"""Pairs of a turn."""

THINGS = (
    "lamp", "sofa", "table", "chair", "window", "curtain", "vase", "carpet", "clock", "door", "shelf", "mirror",
    "plate", "bottle", "basket", "pillow", "tree", "fence", "bench", "street", "car", "bicycle", "sign", "building",
    "bridge", "river", "rock", "bird", "dog", "woman", "man", "child",
)  # fmt: skip
PREPOSITIONS = (
    "on the left of", "on the right of", "to the left of", "to the right of", "in front of", "behind", "on top of",
    "under the edge of", "next to", "above", "inside", "near", "at the center of", "far away from", "leaning against",
)  # fmt: skip
FILLER = "It is worn and its paint has come off in several places, so that the wood shows."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=50_000, help="number of pairs")
    wanted = parser.parse_args().pairs
    items = list(islice(made_up(), wanted // 10))
    texts = [f"{pair.question} | {pair.answer}" for _, pairs in items for pair in pairs]
    words = sum(len(caption.text.split()) for caption, _ in items) / len(items)
    print(f"{len(texts):,} pairs of {len(items):,} captions of {words:.0f} words\n")

    loop, alternation = regular_expressions()
    ways: dict[str, Callable[[list[str]], int]] = {
        f"{len(KEYWORDS)} regular expressions": lambda some: sum(
            len(each.findall(text)) for text in some for each in loop
        ),
        "one alternation": lambda some: sum(len(alternation.findall(text)) for text in some),
        "ninefold": lambda some: sum(len(matches(text)) for text in some),
    }
    seconds, found = in_turns(ways, texts)
    first = next(iter(ways))
    print(f"{'keywords':26}{'pairs/s':>10}{'ratio':>8}{'matches':>10}")
    for way in ways:
        print(f"{way:26}{len(texts) / seconds[way]:10,.0f}{seconds[first] / seconds[way]:7.1f}x{found[way]:10,}")
    assert found["ninefold"] == found[first]

    chains = {"the chain": RULES, **{f"  {check} alone": (check,) for check in RULES}}
    checks = {
        name: lambda some, chosen=chosen: sum(
            item.rejected_by is not None
            for _, checked in Chain(ChecksSpec(checks=chosen)).run(some)
            for item in checked
        )
        for name, chosen in chains.items()
    }
    seconds, found = in_turns(checks, items, TURN // 10)
    print(f"\n{'checks':26}{'pairs/s':>10}{'rejected':>18}")
    for name in checks:
        print(f"{name:26}{len(texts) / seconds[name]:10,.0f}{found[name]:18,}")
    tenth, all_of_it = streaming_peaks(len(items))
    print(f"\npeak memory of the chain, beyond the program: {tenth:.2f} MB after a tenth, {all_of_it:.2f} MB after all")


def made_up() -> Iterator[tuple[Caption, list[Pair]]]:
    """Yield captions with ten pairs each, without end."""
    colors = list(COLORS)
    for number in range(1_000_000):
        draw = rng(0, "captions benchmark", number)
        things = [f"{colors[draw.integers(len(colors))]} {thing}" for thing in draw.choice(THINGS, 16, replace=False)]
        said = [PREPOSITIONS[index] for index in draw.integers(len(PREPOSITIONS), size=8)]
        facts = list(zip(things[::2], said, things[1::2], strict=True))
        text = " ".join(f"A {one} stands {where} the {other}. {FILLER}" for one, where, other in facts)
        pairs = [Pair(f"Where is the {one}?", f"{where} the {other}", "") for one, where, other in facts[:4]]
        pairs += [Pair(f"What is {where} the {other}?", f"The {one}", "") for one, where, other in facts[4:]]
        pairs.append(
            [
                Pair(f"Where is the {things[0]} ?", "on the shelf", ""),
                Pair(f"What does the description say about the {things[0]}?", "It is worn", ""),
                Pair(f"What color is the {things[0]}?", things[0].split()[0], ""),
            ][number % 3]
        )
        pairs.append(Pair(f"What is written on the {things[3]}?", "the name of a brand", ""))
        yield Caption(str(number), text, image=f"{number}.jpg"), pairs


def regular_expressions() -> tuple[list[re.Pattern[str]], re.Pattern[str]]:
    """Return one expression for each keyword entry, and one for all of them, the longest first."""
    texts = [keyword.text for keyword in KEYWORDS]
    longest = sorted(set(texts), key=len, reverse=True)
    together = re.compile(rf"\b(?:{'|'.join(longest)})\b", re.IGNORECASE)
    return [re.compile(rf"\b{text}\b", re.IGNORECASE) for text in texts], together


def in_turns(ways: dict[str, Callable], items: list, turn: int = TURN) -> tuple[Counter, Counter]:
    """Return the seconds of processor time of each way over all items, and the sum of what it returns."""
    seconds, found = Counter(), Counter()
    for start_of in range(0, len(items), turn):
        some = items[start_of : start_of + turn]
        for name, way in ways.items():
            start = time.process_time()
            found[name] += way(some)
            seconds[name] += time.process_time() - start
    return seconds, found


def streaming_peaks(captions: int) -> tuple[float, float]:
    """Return the most memory in MB that Python holds while a tenth of the pairs, and all of them, are checked."""
    peaks = []
    with traced() as memory:
        chain = Chain(ChecksSpec(checks=RULES))
        for position, _ in enumerate(chain.run(islice(made_up(), captions)), start=1):
            if position in (captions // 10, captions):
                peaks.append(memory()[1] / 2**20)
    return peaks[0], peaks[1]


if __name__ == "__main__":
    main()
