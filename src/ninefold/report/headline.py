"""Headline sentences: the change in accuracy of each model, or its accuracy if nothing was tuned."""

from collections.abc import Sequence
from dataclasses import dataclass

from ninefold.report.comparison import Change, change
from ninefold.report.test_sets import TestSet
from ninefold.web.wording import join, percent, quantity

VERBS = {"rose": "rose", "fell": "fell", "mixed": "moved", "unclear": "moved without clear change"}
"""The verb of each verdict, in the order of the sentences."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The effect of fine-tuning on one model and one set."""

    subject: str
    """Name of the base model."""
    set_name: str
    """Name of the set."""
    questions: int
    """Number of questions of the set."""
    changes: tuple[Change, ...]
    """One change for each tuned run."""

    @property
    def verdict(self) -> str:
        """Return the verdict that all tuned runs share, or "mixed"."""
        verdicts = {change.verdict for change in self.changes}
        return verdicts.pop() if len(verdicts) == 1 else "mixed"


def sentences(sets: Sequence[TestSet]) -> list[str]:
    """Return one sentence for each tuned model or, without any, one for each run."""
    outcomes = _outcomes(sets)
    subjects = list(dict.fromkeys(outcome.subject for outcome in outcomes))
    if subjects:
        names = ["accuracy"] if len(subjects) == 1 else [f"the accuracy of {subject}" for subject in subjects]
        return [
            f"After fine-tuning, {named} {_clauses([outcome for outcome in outcomes if outcome.subject == subject])}."
            for subject, named in zip(subjects, names, strict=True)
        ]
    if not sets:
        return ["A model was fine-tuned; it has not been evaluated yet."]
    return [
        f"{result.run.subject} ({result.name}) answers {percent(result.run.metrics['accuracy'])} right"
        f" on {test_set.name}{_details(test_set.name, test_set.questions)}."
        for test_set in sets
        for result in test_set.results
    ]


def _outcomes(sets: Sequence[TestSet]) -> list[Outcome]:
    changes: dict[tuple[str, str], list[Change]] = {}
    questions = {}
    for test_set in sets:
        for base, tuned in test_set.pairs:
            key = (base.run.subject, test_set.name)
            changes.setdefault(key, []).append(change(base, tuned))
            questions[key] = test_set.questions
    return [Outcome(*key, questions[key], tuple(found)) for key, found in changes.items()]


def _clauses(outcomes: Sequence[Outcome]) -> str:
    clauses = []
    for verdict, verb in VERBS.items():
        found = [outcome for outcome in outcomes if outcome.verdict == verdict]
        if found:
            clauses.append(f"{verb} {join([_from_to(outcome) for outcome in found])}")
    return "; it ".join(clauses)


def _from_to(outcome: Outcome) -> str:
    after = sorted(change.paired.after for change in outcome.changes)
    reached = percent(after[0]) if len(after) == 1 else f"between {percent(after[0])} and {percent(after[-1])}"
    among = [] if len(after) == 1 else [f"in {len(after)} tuned models"]
    before, where = percent(outcome.changes[0].paired.before), f"on {outcome.set_name}"
    return f"from {before} to {reached} {where}{_details(outcome.set_name, outcome.questions, *among)}"


def _details(set_name: str, questions: int, *others: str) -> str:
    """Return the number of questions, unless the name of the set says it, and other details, in brackets."""
    says = set_name.removeprefix("first ").startswith(f"{questions} of ")
    details = [*([] if says else [quantity(questions, "question")]), *others]
    return f" ({', '.join(details)})" if details else ""
