"""The headline of a study: the number of models whose accuracy a training raises or lowers, by test."""

from collections.abc import Sequence

from ninefold.report.study.entries import Entry
from ninefold.report.study.results import StudyResults
from ninefold.runs.study import BASE
from ninefold.web.wording import join, percent

VERBS = {"better": "rises", "worse": "falls"}
"""The verb of each clear change."""


def sentences(results: StudyResults, entries: Sequence[Entry]) -> list[str]:
    """Return one sentence about the first condition, or about the bases if nothing is trained yet."""
    for condition in results.record.conditions:
        told = [] if condition.name == BASE else _clauses(results, entries, condition.name)
        if told:
            return [f"Trained on {condition.title}, accuracy {join(told)}."]
    bases = [
        f"{one.model.title} answers {percent(one.measured.accuracy.mean)} right on {one.test.title}"
        for one in entries
        if one.condition.name == BASE and one.measured is not None
    ]
    return [f"{join(bases)}."] if bases else ["No run is evaluated yet."]


def _clauses(results: StudyResults, entries: Sequence[Entry], condition: str) -> list[str]:
    """Return the changes by a condition, such as "rises on COCO in 4 of 5 models", equal ones of several tests once."""
    tests: dict[str, list[str]] = {}
    for test in results.record.tests:
        changes = [
            one.measured
            for one in entries
            if (one.condition.name, one.test.name) == (condition, test.name) and one.measured and one.measured.change
        ]
        for verdict, verb in VERBS.items():
            these = sum(one.verdict == verdict for one in changes)
            among = f" in {these} of {len(changes)} models" if len(changes) > 1 else ""
            if these:
                tests.setdefault(f"{verb} on |{among}", []).append(test.title)
        if changes and not any(one.verdict for one in changes):
            tests.setdefault("does not change clearly on |", []).append(test.title)
    return [clause.replace("|", join(titles)) for clause, titles in tests.items()]
