"""Load shedding: a worker runs so many requests, lets a few wait, and refuses the rest at once."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app

from vitrine_kit.asgi import await_
from vitrine_kit.deadlines import LEAST_TIME_S, current_deadline
from vitrine_kit.problems import GatewayTimeout, Unavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

EXEMPT_PATHS = frozenset({"/livez", "/readyz", "/metrics"})
EXTENSION = "vitrine_shedder"
_ADMITTED = "vitrine.admitted"


class LoadShedder:
    """Counts the requests of one worker process: 64 running and 32 waiting, then 503 (Google SRE book, chapter 22)."""

    def __init__(self, running_limit: int = 64, waiting_limit: int = 32) -> None:
        self.running_limit = running_limit
        self.waiting_limit = waiting_limit
        self.running = 0
        self.shed = 0
        self._queue: deque[Future[None]] = deque()
        # Held for a few instructions; under a threaded WSGI server requests really do run side by side.
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """Requests waiting for a place."""
        return len(self._queue)

    def enter(self) -> Future[None] | None:
        """Takes a place: None when there is one, else a future that ends when one is handed over.

        Raises:
            Unavailable: too many are waiting.
        """
        with self._lock:
            if self.running < self.running_limit:
                self.running += 1
                return None
            if len(self._queue) >= self.waiting_limit:
                self.shed += 1
                raise Unavailable("Too many requests at once. Try again in a moment.")
            place: Future[None] = Future()
            self._queue.append(place)
            return place

    def abandon(self, place: Future[None]) -> None:
        """Gives up waiting for a place, or gives it back where it was handed over meanwhile."""
        with self._lock:
            if place.cancel():
                if place in self._queue:
                    self._queue.remove(place)
                return
        self.leave()

    def leave(self) -> None:
        """Gives a place back: to whoever has waited longest, else to nobody."""
        with self._lock:
            place = self._queue.popleft() if self._queue else None
            if place is None:
                self.running -= 1
        if place is not None and not place.cancelled():
            place.set_result(None)

    async def wait(self, place: Future[None]) -> None:
        """Waits for the place to be handed over, no longer than the request has time.

        Raises:
            GatewayTimeout: the request's time is over.
        """
        deadline = current_deadline()
        longest_s = None if deadline is None else max(0.0, deadline.remaining_s() - LEAST_TIME_S)
        try:
            await asyncio.wait_for(asyncio.wrap_future(place), longest_s)
        except TimeoutError as error:
            self.abandon(place)
            raise GatewayTimeout("No place became free in time.") from error
        except BaseException:
            self.abandon(place)
            raise

    def admit(self, environ: WSGIEnvironment) -> None:
        """Takes a place for the request of a WSGI environ, waiting for one if need be.

        Raises:
            Unavailable: too many are waiting.
            GatewayTimeout: no place became free in the time the request has.
        """
        place = self.enter()
        if place is not None:
            await_(self.wait(place))
        environ[_ADMITTED] = True

    def dismiss(self, environ: WSGIEnvironment) -> None:
        """Gives the request's place back, once: a teardown may run a second time (stream_with_context)."""
        if environ.pop(_ADMITTED, False):
            self.leave()


def shedder_of(app: Flask | None = None) -> LoadShedder | None:
    """The shedder of an app, of the current one by default."""
    found: Any = (app or current_app).extensions.get(EXTENSION)
    return found if isinstance(found, LoadShedder) else None
