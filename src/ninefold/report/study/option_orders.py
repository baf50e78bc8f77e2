"""The table of consistency over option orders of a study, for tests whose questions are asked in all orders."""

from ninefold.report import orders
from ninefold.report.study.results import StudyResults
from ninefold.report.tables import Table


def tables(results: StudyResults) -> list[tuple[str, Table]]:
    """Return a table for each model that has such runs, by its title; one row for each condition and test."""
    found = []
    for model in results.models:
        rows = []
        for condition in results.conditions.values():
            for test in results.tests.values():
                runs = [one.run.metrics for one in results.select(model.name, condition.name, test.name)]
                if of_runs := [metrics["orders"] for metrics in runs if "orders" in metrics]:
                    rows.append((f"{condition.title}, on {test.title}", orders.cells(of_runs)))
        if rows:
            found.append((model.title, Table("Option orders", orders.NOTE, ("trained on", *orders.HEAD), tuple(rows))))
    return found
