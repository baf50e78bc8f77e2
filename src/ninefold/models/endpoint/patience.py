"""Patience with failed requests: those of single items are results, those of all requests end the run."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from ninefold.models.endpoint.client import Client
from ninefold.models.endpoint.refusals import Refused

Item = TypeVar("Item")
Result = TypeVar("Result")

LIMIT = 20
"""Maximum number of refusals in a row before the server is asked again what it has answered."""


class Patience(Generic[Item, Result]):
    """A judge of refusals and failures; shared by threads.

    A content filter refuses single items. Any other refusal may be due to the request, such as an image that is too
    large, or to the server, such as a model that takes no images. So it is held back until an item that is asked later
    is answered; if none is, one that was answered before is asked again.

    A failure that may pass (see `Refused`) may be due to its item too, or to an outage. If an item that was answered
    before is answered at that time, and the failed one, asked once more, fails again, it counts as refused.
    """

    def __init__(
        self,
        client: Client,
        answer: Callable[[Item], Result],
        keep: Callable[[Item, Result], None],
        refused: Callable[[Item, Refused], Result],
        *,
        ask_again: Callable[[Item], object] | None = None,
    ) -> None:
        """Judge the refusals that ``answer`` raises.

        Args:
            client: The connection to the server.
            answer: Asks an item.
            keep: Takes an item and its result.
            refused: Makes the result of an item that the server refuses.
            ask_again: Asks an item that was answered before, to see whether the server answers; ``answer`` by default.
        """
        self._client = client
        self._answer = answer
        self._keep = keep
        self._refused = refused
        self._ask_again = ask_again or answer
        self._answered: Item | None = None
        self._held: list[tuple[float, Item, Refused]] = []
        self._lock = threading.Lock()

    def trust(self, item: Item) -> bool:
        """Remember an item that was answered before; False, for it is not to be asked."""
        self._answered = item
        return False

    def ask(self, item: Item) -> None:
        """Ask an item, and hand over its result now or later.

        Raises:
            DataError: If its image cannot be read.
            ModelError: If the server fails, or refuses everything.
        """
        begun = time.monotonic()
        try:
            result = self._answer(item)
        except Refused as error:
            if error.filtered:
                self._keep(item, self._refused(item, error))
            elif error.may_pass and self._answered is not None:
                self._judge_failure(item, error)
            else:
                self._hold(item, error)
            return
        self._take(item, result, begun)

    def end(self) -> None:
        """Judge the refusals that are still held back.

        Raises:
            ModelError: If the server refuses everything.
        """
        self._judge()

    def _take(self, item: Item, result: Result, begun: float) -> None:
        self._keep(item, result)
        self._answered = item
        self._client.be_brief(also_if_busy=False)
        self._let_go(begun)

    def _judge_failure(self, item: Item, error: Refused) -> None:
        """Tell whether an item alone fails, or the server, which may recover within the usual number of tries."""
        if self._answers():
            self._ask_once_more(item, error)
        elif error.tries in {0, self._client.tries}:
            raise error
        else:
            begun = time.monotonic()
            try:
                with self._client.tried(self._client.tries):
                    result = self._answer(item)
            except Refused as last:
                if not self._answers():
                    raise
                self._ask_once_more(item, last)
            else:
                self._take(item, result, begun)

    def _answers(self) -> bool:
        """Return whether an item that was answered before is answered now."""
        if self._answered is None:
            return False
        try:
            with self._client.tried_briefly():
                self._ask_again(self._answered)
        except Refused:
            return False
        return True

    def _ask_once_more(self, item: Item, error: Refused) -> None:
        """Ask an item that failed, now that the server answers; it counts as refused if it fails again."""
        try:
            with self._client.tried_briefly():
                result = self._answer(item)
        except Refused:
            result = self._refused(item, error)
        self._keep(item, result)

    def _hold(self, item: Item, error: Refused) -> None:
        if error.tries:
            self._client.be_brief(also_if_busy=True)
        with self._lock:
            self._held.append((time.monotonic(), item, error))
            full = len(self._held) >= LIMIT
        if full:
            self._judge()

    def _judge(self) -> None:
        """Let the held refusals count if an item that was answered before is answered again."""
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
        for _, item, error in free:
            if error.may_pass:
                self._ask_once_more(item, error)
            else:
                self._keep(item, self._refused(item, error))
