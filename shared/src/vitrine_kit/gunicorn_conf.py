"""gunicorn's settings for every service, from the environment (`-c python:vitrine_kit.gunicorn_conf`).

VITRINE_BIND            `unix:/path.sock` or `host:port` (default 127.0.0.1:8000)
VITRINE_WORKERS         worker processes (default 2)
VITRINE_RUN_DIR         a directory of this instance alone, for its control socket and heartbeat files
VITRINE_UMASK           of its socket and files (default 0o077: its own user alone)
VITRINE_LOG_LEVEL       gunicorn's own messages, on stderr (default INFO)
VITRINE_MAX_REQUESTS    a worker is replaced after about this many requests (default 200000; 0 never)
VITRINE_UNREADY_S       after SIGTERM a worker serves for so long while /readyz says 503 (default 5)
VITRINE_WORKER_TIMEOUT_S a worker whose loop stands still for longer is killed (default 30)
"""

# gunicorn reads module-level names; this is the one module of the kit that reads the environment when
# imported.

from __future__ import annotations

import gc
import math
import os
from pathlib import Path
from typing import Any

from vitrine_kit.worker import DRAIN_S, unready_s

bind = os.environ.get("VITRINE_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("VITRINE_WORKERS", "2"))
worker_class = "vitrine_kit.worker.VitrineWorker"

# The app is imported once and forked; what must not be shared (connections, loops) is made in its lifespan.
preload_app = True

timeout = int(os.environ.get("VITRINE_WORKER_TIMEOUT_S", "30"))
# Longer than a worker is unready and then gives running requests, so that gunicorn's patience does not end first.
graceful_timeout = math.ceil(unready_s()) + DRAIN_S + 5
# Longer than Nginx keeps its upstream connections, so that Nginx never sends into a connection just closed.
keepalive = 75

max_requests = int(os.environ.get("VITRINE_MAX_REQUESTS", "200000"))
max_requests_jitter = max_requests // 4

# Of the UNIX socket, and of every file a service writes. Nginx runs as the same user; where it does not, it comes
# over TCP or the mask is given.
umask = int(os.environ.get("VITRINE_UMASK", "0o077"), 0)

loglevel = os.environ.get("VITRINE_LOG_LEVEL", "INFO").lower()
logger_class = "vitrine_kit.worker.ServiceLogger"
errorlog = "-"
accesslog = None

_run_dir = os.environ.get("VITRINE_RUN_DIR")
if _run_dir:
    worker_tmp_dir = _run_dir
    # gunicorn's default is one path per user, which the instances of all services would fight over.
    control_socket = str(Path(_run_dir, "control.sock"))
else:
    control_socket_disable = True


def when_ready(server: Any) -> None:
    """Keep what the import made out of the workers' garbage collection, so that its memory stays shared."""
    gc.collect()
    gc.freeze()
