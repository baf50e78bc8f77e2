"""The benchmarks that lmms-eval asks for SpaRE's Table 3: how their rows are read here, beside the kit's own scores."""

import ast
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from ninefold.types import Factor

Document = Mapping[str, Any]
"""The fields of a task's row, without images."""


class Read(NamedTuple):
    """A row as an example: what the answer is read with."""

    answer: str
    """The true answer."""
    options: Sequence[str]
    """The answers offered; may be empty."""
    answer_format: str
    """Name of the answer format."""
    group: str
    """What errs together."""
    factors: Mapping[str, Factor]
    """Columns of the row."""


@dataclass(frozen=True)
class Known:
    """A benchmark of lmms-eval whose rows are read here too."""

    title: str
    """Name in tables."""
    read: Callable[[Document], Read]
    """Reader of its rows."""
    score: Callable[[Mapping[str, Any]], float | None]
    """The kit's own score of a row, from the row that it logs; None if it has none."""
    needs_judge: bool = False
    """Whether the kit's scoring asks a language model on a server, which is never done: the kit then only asks."""
    even: bool = False
    """Whether its rows come in twos, both of which the kit's scoring needs."""


def _mme(row: Document) -> Read:
    return Read(row["answer"], ("Yes", "No"), "true_false", str(row["question_id"]), {"category": row["category"]})


def _mme_score(logged: Mapping[str, Any]) -> float | None:
    found = logged.get("mme_perception_score") or logged.get("mme_cognition_score")
    return None if found is None else float(found["score"])


def _hallusion(row: Document) -> Read:
    truth = "Yes" if str(row["gt_answer"]) == "1" else "No"
    place = {name: str(row[name]) for name in ("category", "subcategory", "set_id", "figure_id", "question_id")}
    return Read(truth, ("Yes", "No"), "true_false", "_".join(list(place.values())[:3]), place)


def _mmmu(row: Document) -> Read:
    domain = "_".join(str(row["id"]).split("_")[1:-1])
    kind = {"subject": domain, "question_type": row["question_type"]}
    if row["question_type"] != "multiple-choice":
        return Read(_first(row["answer"]), (), "short_text", str(row["id"]), kind)
    options = tuple(map(str, _listed(row["options"])))
    return Read(_lettered(options, row["answer"]), options, "letters", str(row["id"]), kind)


def _mmmu_score(logged: Mapping[str, Any]) -> float | None:
    found = logged.get("mmmu_acc")
    if found is None or found["question_type"] != "multiple-choice":
        return None
    return float(found["parsed_pred"][0] == found["answer"])


def _mmbench(row: Document) -> Read:
    letters = [letter for letter in "ABCDE" if row.get(letter) not in {None, "", "nan"}]
    options = tuple(str(row[letter]) for letter in letters)
    kind = {"category": row["category"], "ability": row["L2-category"]}
    return Read(_lettered(options, row["answer"]), options, "letters", str(int(row["index"]) % 1_000_000), kind)


def _textvqa(row: Document) -> Read:
    answers = row.get("answers") or [""]
    return Read(
        Counter(answers).most_common(1)[0][0], (), "short_text", str(row.get("image_id", row["question_id"])), {}
    )


def _textvqa_score(logged: Mapping[str, Any]) -> float | None:
    found = logged.get("exact_match")
    return None if found is None else float(found)


def _none(_: Mapping[str, Any]) -> None:
    return None


def _listed(value: object) -> Sequence[object]:
    """Return a list that may be written as text, as MMMU's are."""
    found = ast.literal_eval(value) if isinstance(value, str) else value
    return found if isinstance(found, list | tuple) else [found]


def _first(value: object) -> str:
    if isinstance(value, str) and not value.startswith("["):
        return value
    return str(_listed(value)[0])


def _lettered(options: Sequence[str], letter: object) -> str:
    """Return the option of a letter."""
    at = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".find(str(letter))
    return options[at] if 0 <= at < len(options) else str(letter)


KNOWN: Mapping[str, Known] = MappingProxyType(
    {
        "mmmu_val": Known("MMMU (val)", _mmmu, _mmmu_score),
        "mmbench_en_dev_static": Known("MMBench (EN dev)", _mmbench, _none),
        "textvqa_val": Known("TextVQA (val)", _textvqa, _textvqa_score),
        "mme": Known("MME", _mme, _mme_score, even=True),
        "hallusion_bench_image": Known("HallusionBench (image)", _hallusion, _none, needs_judge=True),
    }
)
"""The benchmarks by the name of their task."""
