"""A circuit breaker: after many failures in a short time calls fail at once, until a probe succeeds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from enum import Enum


class BreakerState(Enum):
    """What the breaker does with a call: lets it through, refuses it, or lets a single probe through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """Opens at 50 % failures of at least 20 calls in 10 s; after 5 s one probe decides whether it closes.

    Whoever got True from `allow` must report exactly one of `succeed`, `fail` and `forget`.
    """

    def __init__(
        self,
        *,
        window_s: float = 10.0,
        least_calls: int = 20,
        failure_ratio: float = 0.5,
        open_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[BreakerState], None] | None = None,
    ) -> None:
        self._window_s = window_s
        self._least_calls = least_calls
        self._failure_ratio = failure_ratio
        self._open_s = open_s
        self._clock = clock
        self._on_change = on_change
        # One cell for each second: [second, calls, failures].
        self._cells: deque[list[int]] = deque()
        self._opened_at: float | None = None
        self._probing = False

    @property
    def state(self) -> BreakerState:
        """The state now."""
        if self._opened_at is None:
            return BreakerState.CLOSED
        if self._probing or self._clock() - self._opened_at >= self._open_s:
            return BreakerState.HALF_OPEN
        return BreakerState.OPEN

    def allow(self) -> bool:
        """Whether a call may be made now; in the half-open state only one at a time."""
        if self._opened_at is None:
            return True
        if self._probing or self._clock() - self._opened_at < self._open_s:
            return False
        self._probing = True
        return True

    def retry_after_s(self) -> float:
        """Seconds until the next probe is let through."""
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._open_s - (self._clock() - self._opened_at))

    def succeed(self) -> None:
        """Reports a call that the neighbour answered."""
        if self._opened_at is not None:
            if not self._probing:
                return  # begun before the breaker opened; only a probe closes it
            self._opened_at = None
            self._probing = False
            self._cells.clear()
            self._changed()
        self._count(failed=False)

    def fail(self) -> None:
        """Reports a call that failed for the neighbour's sake."""
        if self._opened_at is not None:
            if self._probing:
                self._probing = False
                self._opened_at = self._clock()
                self._changed()
            return
        self._count(failed=True)
        calls = sum(cell[1] for cell in self._cells)
        failures = sum(cell[2] for cell in self._cells)
        if calls >= self._least_calls and failures >= calls * self._failure_ratio:
            self._opened_at = self._clock()
            self._changed()

    def forget(self) -> None:
        """Reports a call that says nothing of the neighbour, such as one the caller gave up."""
        self._probing = False

    def _count(self, *, failed: bool) -> None:
        second = int(self._clock())
        cells = self._cells
        if not cells or cells[-1][0] != second:
            while cells and cells[0][0] <= second - self._window_s:
                cells.popleft()
            cells.append([second, 0, 0])
        cells[-1][1] += 1
        cells[-1][2] += failed

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change(self.state)
