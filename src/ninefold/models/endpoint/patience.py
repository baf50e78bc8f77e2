"""Patience with failed requests: those of single examples are results, those of all requests end the run."""

import threading
import time
from collections.abc import Callable

from ninefold.models.endpoint.client import Client
from ninefold.models.endpoint.refusals import Refused
from ninefold.types import Example, Prediction

LIMIT = 20
"""Maximum number of refusals in a row before the server is asked again what it has answered."""


class Patience:
    """A judge of refusals and failures; shared by threads.

    A content filter refuses single examples. Any other refusal may be due to the request, such as an image that is too
    large, or to the server, such as a model that takes no images. So it is held back until an example that is asked
    later is answered; if none is, one that was answered before is asked again.

    A failure that may pass (see `Refused`) may be due to its example too, or to an outage. If an example that was
    answered before is answered at that time, and the failed one, asked once more, fails again, it counts as refused.
    """

    def __init__(
        self, client: Client, answer: Callable[[Example], Prediction], keep: Callable[[Example, Prediction], None]
    ) -> None:
        """Judge the refusals that ``answer`` raises, and hand predictions to ``keep``."""
        self._client = client
        self._answer = answer
        self._keep = keep
        self._answered: Example | None = None
        self._held: list[tuple[float, Example, Refused]] = []
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
        begun = time.monotonic()
        try:
            prediction = self._answer(example)
        except Refused as error:
            if error.filtered:
                self._keep(example, _refused(example, error))
            elif error.may_pass and self._answered is not None:
                self._judge_failure(example, error)
            else:
                self._hold(example, error)
            return
        self._take(example, prediction, begun)

    def end(self) -> None:
        """Judge the refusals that are still held back.

        Raises:
            ModelError: If the server refuses everything.
        """
        self._judge()

    def _take(self, example: Example, prediction: Prediction, begun: float) -> None:
        self._keep(example, prediction)
        self._answered = example
        self._client.be_brief(also_if_busy=False)
        self._let_go(begun)

    def _judge_failure(self, example: Example, error: Refused) -> None:
        """Tell whether an example alone fails, or the server, which may recover within the usual number of tries."""
        if self._answers():
            self._ask_once_more(example, error)
        elif error.tries in {0, self._client.tries}:
            raise error
        else:
            begun = time.monotonic()
            try:
                with self._client.tried(self._client.tries):
                    prediction = self._answer(example)
            except Refused as last:
                if not self._answers():
                    raise
                self._ask_once_more(example, last)
            else:
                self._take(example, prediction, begun)

    def _answers(self) -> bool:
        """Return whether an example that was answered before is answered now."""
        if self._answered is None:
            return False
        try:
            with self._client.tried_briefly():
                self._answer(self._answered)
        except Refused:
            return False
        return True

    def _ask_once_more(self, example: Example, error: Refused) -> None:
        """Ask an example that failed, now that the server answers; it counts as refused if it fails again."""
        try:
            with self._client.tried_briefly():
                prediction = self._answer(example)
        except Refused:
            prediction = _refused(example, error)
        self._keep(example, prediction)

    def _hold(self, example: Example, error: Refused) -> None:
        if error.tries:
            self._client.be_brief(also_if_busy=True)
        with self._lock:
            self._held.append((time.monotonic(), example, error))
            full = len(self._held) >= LIMIT
        if full:
            self._judge()

    def _judge(self) -> None:
        """Let the held refusals count if an example that was answered before is answered again."""
        with self._lock:
            held = list(self._held)
        if held:
            begun = time.monotonic()
            if not self._answers():
                raise held[0][-1]
            self._let_go(begun)

    def _let_go(self, begun: float) -> None:
        """Let the refusals count that were held back before an answer was asked for."""
        with self._lock:
            free = [each for each in self._held if each[0] <= begun]
            self._held = [each for each in self._held if each[0] > begun]
        for _, example, error in free:
            if error.may_pass:
                self._ask_once_more(example, error)
            else:
                self._keep(example, _refused(example, error))


def _refused(example: Example, error: Refused) -> Prediction:
    return Prediction(example.id, "", refused=error.reason)
