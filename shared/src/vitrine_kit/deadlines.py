"""The time a request has left, handed from service to service in X-Request-Timeout-Ms, and holding work to it."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType

from vitrine_kit.problems import GatewayTimeout, Problem

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


_enforced: ContextVar[Deadline | None] = ContextVar("vitrine_enforced_deadline", default=None)


def within_deadline() -> AbstractAsyncContextManager[None]:
    """Cancels what is awaited within once the request's time is over; outside of a request it does nothing.

    Within another such block, or in a task begun there, the outer one does it alone: a second cancellation would cut
    off the cleaning up after the first, such as asking the server to end a statement.

    Raises:
        GatewayTimeout: instead of the cancellation, and of what the cancellation led to.
    """
    deadline = _deadline.get()
    return _NOTHING_TO_DO if deadline is None or deadline is _enforced.get() else _Bound(deadline)


_NOTHING_TO_DO = nullcontext()
_OVER = "The database did not answer in the time this request had."


class _Bound(AbstractAsyncContextManager[None]):
    """asyncio.timeout, whose own end is told apart from any other TimeoutError; a class, for every read enters one."""

    __slots__ = ("_before", "_deadline", "_timeout")

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    async def __aenter__(self) -> None:
        self._before = _enforced.get()
        self._timeout = asyncio.timeout(self._deadline.remaining_s())
        await self._timeout.__aenter__()
        _enforced.set(self._deadline)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _enforced.set(self._before)
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            raise GatewayTimeout(_OVER) from error
        # A library that was cut off may fail in a way of its own while it cleans up.
        if isinstance(error, Exception) and not isinstance(error, Problem) and self._timeout.expired():
            raise GatewayTimeout(_OVER) from error
