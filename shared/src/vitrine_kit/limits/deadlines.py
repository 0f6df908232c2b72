"""The time a request has left, handed from service to service in X-Request-Timeout-Ms."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass

from vitrine_kit.problems import GatewayTimeout

DEADLINE_HEADER = "X-Request-Timeout-Ms"
DEADLINE_VARIABLE = "HTTP_X_REQUEST_TIMEOUT_MS"
"""The header's name in a WSGI environ."""
LEAST_TIME_S = 0.02
MOST_TIME_MS = 600_000

_deadline: ContextVar[Deadline | None] = ContextVar("vitrine_deadline", default=None)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the monotonic clock after which nobody waits for the answer any more."""

    at_s: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining_s(self) -> float:
        """Seconds left, 0 at least."""
        return max(0.0, self.at_s - time.monotonic())


def current_deadline() -> Deadline | None:
    """The deadline of the request being served, None outside of one."""
    return _deadline.get()


def set_deadline(deadline: Deadline | None) -> None:
    """Makes it the deadline of this context."""
    _deadline.set(deadline)


def deadline_of(header: str | None, default_ms: int) -> Deadline:
    """The deadline a request's header gives it; `default_ms` from now without a header that can be read.

    Raises:
        GatewayTimeout: 20 ms or less are left, too little to do anything in.
    """
    budget_ms = default_ms
    if header is not None and header.isascii() and header.isdigit():
        budget_ms = min(int(header[:9]), MOST_TIME_MS)
    if budget_ms <= LEAST_TIME_S * 1000:
        raise GatewayTimeout("No time was left when the request arrived.")
    return Deadline.after(budget_ms / 1000)
