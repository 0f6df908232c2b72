"""The gunicorn worker that serves a service: uvicorn with the settings Vitrine relies on."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from typing import Any, ClassVar

from gunicorn.glogging import Logger
from uvicorn_worker import UvicornWorker

PR_SET_PDEATHSIG = 1

DRAIN_S = 20
"""Seconds that running requests get to end after SIGTERM; shorter than gunicorn's `graceful_timeout`."""


class ServiceLogger(Logger):  # type: ignore[misc]  # the package ships no types
    """gunicorn's messages, sent through the app's own logging: one form for every line of a service."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        if not logging.root.handlers:  # the app, which is imported next, puts its own in place
            logging.basicConfig(level=logging.INFO)
        self.error_log.handlers = []
        self.error_log.propagate = True


class VitrineWorker(UvicornWorker):  # type: ignore[misc]  # the package ships no types
    """A uvicorn worker that drains on SIGTERM and does not outlive its gunicorn.

    On SIGTERM it stops accepting, closes idle keep-alive connections, lets running requests end for `DRAIN_S`
    seconds, leaves the app's lifespan and exits.
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

    def stop_if_orphaned(self) -> None:
        """Begin to drain if gunicorn is gone; also catches its death before the kernel was asked."""
        if os.getppid() != self.ppid:
            os.kill(os.getpid(), signal.SIGTERM)

    async def callback_notify(self) -> None:
        """Tell gunicorn that the loop turns; uvicorn calls this regularly."""
        self.stop_if_orphaned()
        await super().callback_notify()
