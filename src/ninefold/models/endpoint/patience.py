"""Patience with refusals: those of single examples are results, those of all requests end the run."""

import threading
from collections.abc import Callable

from ninefold.models.endpoint.refusals import Refused
from ninefold.types import Example, Prediction

LIMIT = 20
"""Maximum number of refusals in a row before the server is asked again what it has answered."""


class Patience:
    """A judge of refusals; shared by threads.

    A content filter refuses single examples. Any other refusal may be due to the request, such as an image that is too
    large, or to the server, such as a model that takes no images. So it is held back until the next answer shows that
    the server still answers; if none comes, an example that was answered before is asked again.
    """

    def __init__(self, answer: Callable[[Example], Prediction], keep: Callable[[Example, Prediction], None]) -> None:
        """Judge the refusals that ``answer`` raises, and hand predictions to ``keep``."""
        self._answer = answer
        self._keep = keep
        self._answered: Example | None = None
        self._held: list[tuple[Example, Refused]] = []
        self._lock = threading.Lock()

    def trust(self, example: Example) -> bool:
        """Remember an example that was answered before; False, for it is not to be asked."""
        self._answered = example
        return False

    def ask(self, example: Example) -> None:
        """Ask an example, and hand over its prediction now or later.

        Raises:
            DataError: If its image cannot be read.
            ModelError: If the server fails, or refuses everything.
        """
        try:
            prediction = self._answer(example)
        except Refused as error:
            if error.filtered:
                self._keep(example, _refused(example, error))
            else:
                self._hold(example, error)
            return
        self._keep(example, prediction)
        self._answered = example
        self._let_go()

    def end(self) -> None:
        """Judge the refusals that are still held back.

        Raises:
            ModelError: If the server refuses everything.
        """
        self._judge()

    def _hold(self, example: Example, error: Refused) -> None:
        with self._lock:
            self._held.append((example, error))
            full = len(self._held) == LIMIT
        if full:
            self._judge()

    def _judge(self) -> None:
        """Let the held refusals count if an example that was answered before is answered again."""
        with self._lock:
            held = list(self._held)
        if held:
            if self._answered is None:
                raise held[0][1]
            self._answer(self._answered)
            self._let_go()

    def _let_go(self) -> None:
        with self._lock:
            held, self._held = self._held, []
        for example, error in held:
            self._keep(example, _refused(example, error))


def _refused(example: Example, error: Refused) -> Prediction:
    return Prediction(example.id, "", refused=error.reason)
