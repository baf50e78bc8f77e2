"""A bound on simultaneous requests that follows the server: additive increase, multiplicative decrease (AIMD)."""

import threading
import time
from collections.abc import Callable

from ninefold.models.endpoint.connection import Response, Unanswered

OVERLOADED = {429, 503, 529}
"""HTTP statuses of a server that has too many requests."""

FIRST = 4
"""Bound to begin with."""

SLOW = 2.0
"""Factor of the shortest time per letter above which answers are slow, so that the bound grows no further."""

_SHORT = 500
"""Letters that are added to the length of an answer, because short ones take time too."""


class Window:
    """A bound on simultaneous requests; shared by threads.

    It grows after as many good answers as it is wide, unless they were slow: twofold until the first sign of overload,
    then by one. A status of overload, a time-out or a broken connection halves it, once for all requests that were
    under way at that time. Answers are timed per letter, because long ones take longer.
    """

    def __init__(self, most: int) -> None:
        """Begin with few requests; there are never more than ``most``."""
        self.most = max(1, most)
        self.bound = min(FIRST, self.most)
        self._now = 0
        self._free = threading.Condition()
        self._shrunk = float("-inf")
        self._is_new = True
        self._round: list[float] = []
        self._shortest = float("inf")

    def through(self, request: Callable[[], Response]) -> Response:
        """Make a request as soon as there is a place for it, and return its response.

        Raises:
            Exception: What the request raises.
        """
        with self._free:
            self._free.wait_for(lambda: self._now < self.bound)
            self._now += 1
        begun = time.monotonic()
        response, is_overloaded = None, False
        try:
            response = request()
            is_overloaded = response.status in OVERLOADED
        except Unanswered:
            is_overloaded = True
            raise
        finally:
            with self._free:
                self._now -= 1
                if is_overloaded:
                    self._shrink(begun)
                elif response is not None and response.status < 300:
                    self._count((time.monotonic() - begun) / (_SHORT + len(response.body)))
                self._free.notify_all()
        return response

    def _shrink(self, begun: float) -> None:
        if begun > self._shrunk:
            self._shrunk = time.monotonic()
            self.bound = max(1, self.bound // 2)
        self._is_new, self._round = False, []

    def _count(self, pace: float) -> None:
        self._round.append(pace)
        if len(self._round) < self.bound:
            return
        mean, self._round = sum(self._round) / len(self._round), []
        # A server may become slower for good, so the shortest time is forgotten by and by.
        self._shortest = min(1.05 * self._shortest, mean)
        if mean > SLOW * self._shortest:
            self._is_new = False
        else:
            self.bound = min(self.most, 2 * self.bound if self._is_new else self.bound + 1)
