"""The gunicorn worker that serves a service: uvicorn with the settings Vitrine relies on."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, ClassVar

from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from uvicorn import Config, Server
from uvicorn_worker import UvicornWorker

from vitrine_kit.draining import STATE_KEY

PR_SET_PDEATHSIG = 1

UNREADY_VARIABLE = "VITRINE_UNREADY_S"
DEFAULT_UNREADY_S = 5.0
DRAIN_S = 20
"""Seconds that running requests get to end once nothing more is accepted; shorter than gunicorn's patience."""


def unready_s() -> float:
    """How long a worker goes on serving after SIGTERM while `/readyz` says that it should get nothing more.

    Raises:
        ValueError: VITRINE_UNREADY_S is no number of seconds.
    """
    found = float(os.environ.get(UNREADY_VARIABLE) or DEFAULT_UNREADY_S)
    if not 0 <= found <= 3600:
        raise ValueError(f"{UNREADY_VARIABLE} is {found}: from 0 to 3600 seconds make sense")
    return found


class ServiceLogger(Logger):  # type: ignore[misc]  # the package ships no types
    """gunicorn's messages, sent through the app's own logging: one form for every line of a service."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        if not logging.root.handlers:  # the app, which is imported next, puts its own in place
            logging.basicConfig(level=logging.INFO)
        self.error_log.handlers = []
        self.error_log.propagate = True


class DrainingServer(Server):
    """A uvicorn server that says it is unready before it stops accepting.

    For `unready_s` after the first SIGTERM it serves as before, but for `/readyz`, and asks for a new connection with
    each answer: a load balancer takes it out, and at the end few idle connections are closed under somebody who is
    about to use them. Any further signal ends the waiting, and so does `is_orphaned`.
    """

    def __init__(self, config: Config, *, unready_s: float, is_orphaned: Callable[[], bool]) -> None:
        super().__init__(config)
        self._unready_s = unready_s
        self._is_orphaned = is_orphaned
        self._exit_at_s: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the waiting, or the exit."""
        first = self._exit_at_s is None and not self.should_exit
        if (
            sig == signal.SIGTERM
            and first
            and self.started
            and self._unready_s > 0
            and not self._is_orphaned()
        ):
            self._exit_at_s = time.monotonic() + self._unready_s
            self.lifespan.state[STATE_KEY] = True
            self.config.encoded_headers = [*self.config.encoded_headers, (b"connection", b"close")]
            logging.getLogger("uvicorn.error").info("Unready for %s s before draining", self._unready_s)
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Exit once the waiting is over; uvicorn calls this ten times a second."""
        if self._exit_at_s is not None and time.monotonic() >= self._exit_at_s and not self.should_exit:
            super().handle_exit(signal.SIGTERM, None)
        return await super().on_tick(counter)


class VitrineWorker(UvicornWorker):  # type: ignore[misc]  # the package ships no types
    """A uvicorn worker that drains on SIGTERM and does not outlive its gunicorn.

    On SIGTERM it is unready for VITRINE_UNREADY_S seconds, then stops accepting, closes idle keep-alive connections,
    lets running requests end for `DRAIN_S` seconds, leaves the app's lifespan and exits. SIGINT and SIGQUIT, which
    gunicorn sends when it shall be quick, leave out the first.
    """

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": "httptools",
        # The bridge refuses WebSockets; without this uvicorn would look for a library to accept them.
        "ws": "none",
        "lifespan": "on",
        # A connection's next request must not start in the context of its previous one.
        "reset_contextvars": True,
        "timeout_graceful_shutdown": DRAIN_S,
        # Nginx stands in front: it writes the access log and the Date, and the app knows which headers to
        # trust.
        "proxy_headers": False,
        "server_header": False,
        "date_header": False,
        "access_log": False,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        logging.getLogger("uvicorn.error").propagate = True

    def init_process(self) -> None:
        """Tie this worker's life to gunicorn's before it serves anything."""
        self.end_with_parent()
        super().init_process()

    def end_with_parent(self) -> None:
        """Ask the kernel for SIGTERM when gunicorn is killed, which has no time left to stop its workers."""
        if sys.platform == "linux":
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        self.stop_if_orphaned()

    def is_orphaned(self) -> bool:
        """Whether gunicorn is gone."""
        return bool(os.getppid() != self.ppid)

    def stop_if_orphaned(self) -> None:
        """Begin to drain if gunicorn is gone; also catches its death before the kernel was asked."""
        if self.is_orphaned():
            os.kill(os.getpid(), signal.SIGTERM)

    async def _serve(self) -> None:
        # As in the base class, but with our server; and SIGQUIT ends it, for which uvicorn has no handler.
        self.config.app = self.wsgi
        server = DrainingServer(self.config, unready_s=unready_s(), is_orphaned=self.is_orphaned)
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, server.handle_exit, signal.SIGINT, None)
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    async def callback_notify(self) -> None:
        """Tell gunicorn that the loop turns; uvicorn calls this regularly."""
        self.stop_if_orphaned()
        await super().callback_notify()
