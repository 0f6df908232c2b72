"""Finding what blocks an event loop: a thread that notices a stalled loop and logs where it stands."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from types import TracebackType

logger = logging.getLogger("vitrine.loopwatch")

DEFAULT_THRESHOLD_MS = 100.0


@dataclass(frozen=True)
class Stall:
    """One time the loop did not turn: how long (milliseconds), and the loop thread's stack while it stood."""

    duration_ms: float
    stack: str


class LoopWatch:
    """Watches one running loop from a thread; logs and keeps each stall longer than `threshold_ms`.

    Usable as an async context manager around what must not block. Costs the loop one empty callback per half
    threshold.
    """

    def __init__(self, threshold_ms: float = DEFAULT_THRESHOLD_MS) -> None:
        if threshold_ms <= 0:
            raise ValueError("threshold_ms must be positive")
        self.threshold_ms = threshold_ms
        self.stalls: list[Stall] = []
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch the running loop, which must be that of the calling thread."""
        loop = asyncio.get_running_loop()
        self._stopping.clear()
        self._thread = threading.Thread(
            target=self._watch, args=(loop, threading.get_ident()), name="vitrine-loopwatch", daemon=True
        )
        self._thread.start()

    async def stop(self) -> None:
        """End the watch; a stall that is being measured is recorded first."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, thread.join)

    async def __aenter__(self) -> LoopWatch:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _watch(self, loop: asyncio.AbstractEventLoop, loop_thread: int) -> None:
        threshold_s = self.threshold_ms / 1000
        while not self._stopping.wait(threshold_s / 2):
            turned = threading.Event()
            asked = time.monotonic()
            try:
                loop.call_soon_threadsafe(turned.set)
            except RuntimeError:
                return  # the loop is closed: nothing is left to watch
            if turned.wait(threshold_s):
                continue
            frame = sys._current_frames().get(loop_thread)
            stack = "".join(traceback.format_stack(frame)) if frame is not None else ""
            while not turned.wait(threshold_s):
                if loop.is_closed():
                    return
            stall = Stall((time.monotonic() - asked) * 1000, stack)
            self.stalls.append(stall)
            logger.warning("The event loop stood still for %.0f ms in:\n%s", stall.duration_ms, stall.stack)
