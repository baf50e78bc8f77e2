"""The statements of a certificate: its numbers as sentences."""

from collections.abc import Mapping
from typing import Any


def sentences(found: Mapping[str, Any]) -> list[str]:
    """Return the content of a certificate as sentences."""
    of_splits = [sentence for split, part in found["splits"].items() for sentence in _of_split(split, part)]
    return of_splits + [_of_pair(pair) for pair in found["between"]]


def _of_split(split: str, part: Mapping[str, Any]) -> list[str]:
    """Return the statements about a split as sentences."""
    rows = part["rows"]
    lines = [f"{len(part['facts'])} facts hold of each of {rows:,} rows, and {len(part['pixel_facts'])} of its image."]
    lines += [f"{part['without_image']:,} of {rows:,} rows have no image."] if "without_image" in part else []
    lines += [f"On purpose, {count:,} of {rows:,} rows {flaw}." for flaw, count in part.get("flaws", {}).items()]
    lines += [
        f"Whoever reads the {bound['view']} alone is right at most {_times(bound)}; {bound['texts']:,} are distinct."
        for bound in part["text_only"]
        if bound["view"] in {"prompt", "question", "options"}
    ]
    lines += [
        f"Whoever gives one answer for each {bound['view']} is right at most {_times(bound)}."
        for bound in part.get("unasked", ())
    ]
    if "distractors" in part:
        lines.append(f"Whoever sees one distractor alone is right at most {_times(part['distractors']['seeing_one'])}.")
    even = [" x ".join(entry["factors"]) for entry in part["marginals"] if entry["exact"] and entry["max"] < rows]
    uneven = [f"{' x '.join(entry['factors'])} ({entry['min']} to {entry['max']})" for entry in part["not_exact"]]
    lines += [f"Exactly even: {', '.join(even)}."] if even else []
    lines += [f"Not exactly even: {', '.join(uneven)}."] if uneven else []
    return [f"{split}: {sentence[0].lower()}{sentence[1:]}" for sentence in lines]


def _times(bound: Mapping[str, Any]) -> str:
    return f"{bound['numerator']:,} times of {bound['denominator']:,} ({bound['reduced']})"


def _of_pair(pair: Mapping[str, Any]) -> str:
    one, other = pair["splits"]
    shared = [f"{count:,} {name}" for name, count in pair["shared"].items() if count]
    none = [name for name, count in pair["shared"].items() if not count]
    sentence = f"{one} and {other} share {', '.join([*shared, *(f'no {name}' for name in none)])}."
    leak = {way: pair["carried_over"][way] for way in ("most seen", "least seen")}
    if not any(leak.values()):
        return sentence
    way = max(leak, key=lambda way: leak[way])
    rows = pair["carried_over"]["rows"]
    return (
        f"{sentence} Whoever answers {other} with what each prompt has {way} in {one} is right "
        f"{leak[way]:,} times of {rows:,}."
    )
