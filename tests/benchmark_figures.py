"""Figures of a public benchmark, as its evaluation records them."""


def figures_of(name: str, title: str, main: float, **changed: object) -> dict[str, object]:
    """Figures of a benchmark, as its evaluation records them."""

    def measure(value: float | None, n: int = 324) -> dict[str, object]:
        return {"n": n, "value": value, "ci95": None if value is None else [value - 0.05, value + 0.04]}

    relations = {f"relation {k}": {"accuracy": measure(main, 40 - k)} for k in range(15)}
    return {
        "name": name, "title": title, "main": "accuracy",
        "measures": {"f1": measure(0.5), "accuracy": measure(main), "pairs_right": measure(None, 0)},
        "by": {"relation": {**relations, "<b>under": {"accuracy": measure(main / 2, 7)}}},
        "conditions": {
            "data_revision": "b27a0af", "prompt": "{caption} True or False?", "unread": 0.002, "rows": 324,
            "missing": 0, **changed,
        },
    }  # fmt: skip
