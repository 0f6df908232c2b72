"""The compared servers: how each is started, one worker each, and what it uses while it runs."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from vitrine_ops.exits import Exit, Failure

APPS = "vitrine_ops.bench.apps"
START_S = 30

Kind = Literal["bridge", "uvicorn", "gthread"]


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Contender:
    """One server of the comparison."""

    key: str
    label: str
    app: str
    kind: Kind = "uvicorn"
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, python: Path, port: int) -> list[str]:
        """The command line that serves at `port` of the loopback."""
        app = f"{APPS}.{self.app}"
        if self.kind == "bridge":
            gunicorn = ["gunicorn", "-c", "python:vitrine_kit.gunicorn_conf", app]
            return [str(python), "-m", *gunicorn]
        if self.kind == "gthread":
            gthread = ["gunicorn", "-k", "gthread", "-w", "1", "--threads", "40", "-b", f"127.0.0.1:{port}"]
            return [str(python), "-m", *gthread, "--no-control-socket", "--log-level", "warning", app]
        uvicorn = ["uvicorn", app, "--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop"]
        quiet = ["--http", "httptools", "--no-access-log", "--no-server-header", "--no-date-header"]
        return [str(python), "-m", *uvicorn, *quiet, "--log-level", "warning", *self.options]

    def settings(self, port: int) -> dict[str, str]:
        """What it needs in its environment."""
        found = dict(self.environment)
        if self.kind == "bridge":
            found |= {
                "VITRINE_BIND": f"127.0.0.1:{port}",
                "VITRINE_WORKERS": "1",
                "VITRINE_MAX_REQUESTS": "0",
                "VITRINE_LOG_LEVEL": "WARNING",
            }
        return found


BRIDGE = Contender("bridge", "Flask on Vitrine's bridge, Core reads", "bridge:asgi", "bridge")
CONTENDERS = (
    BRIDGE,
    Contender("fastapi", "FastAPI, ORM", "fastapi_app:app"),
    Contender("litestar", "Litestar, ORM", "litestar_app:app"),
    Contender("quart", "Quart, ORM", "quart_app:app"),
    # Without it half of the requests on kept connections fail: asgiref's executors live in the context.
    Contender(
        "wsgi_to_asgi", "Flask behind WsgiToAsgi, ORM", "flask_app:asgi", options=("--reset-contextvars",)
    ),
    Contender(
        "gthread",
        "Flask async on gunicorn gthread, ORM",
        "flask_app:wsgi",
        "gthread",
        environment={"BENCH_LOOP_PER_REQUEST": "1"},
    ),
    Contender("raw", "raw ASGI, asyncpg (the limit)", "raw:app"),
)
NEIGHBOUR = Contender("neighbour", "the neighbour", "neighbour:app")


class Running:
    """A started server."""

    def __init__(self, contender: Contender, port: int, process: psutil.Popen) -> None:
        self.contender = contender
        self.port = port
        self.process = process

    def _tree(self) -> list[psutil.Process]:
        return [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def cpu_s(self) -> float:
        """Processor seconds it has used so far, its children's included."""
        return sum(sum(process.cpu_times()[:2]) for process in self._tree())

    def memory_mib(self) -> float:
        """Its share of memory: PSS where the system tells it, else RSS."""
        total = 0
        for process in self._tree():
            found = process.memory_full_info()
            total += getattr(found, "pss", found.rss)
        return total / 2**20


@contextmanager
def serve(contender: Contender, python: Path, environ: Mapping[str, str], folder: Path) -> Iterator[Running]:
    """Start a server and stop it at the end.

    Raises:
        Failure: it does not listen in time; holds what it printed.
    """
    port = free_port()
    log = folder / f"{contender.key}.log"
    with log.open("wb") as output:
        process = psutil.Popen(
            contender.command(python, port),
            env={**environ, **contender.settings(port)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        _wait_until_listening(process, port, contender, log)
        yield Running(contender, port, process)
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
        try:
            process.wait(10)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_listening(process: psutil.Popen, port: int, contender: Contender, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    said = log.read_text(errors="replace").strip()
    raise Failure(Exit.SOFTWARE, f"{contender.label} did not start:\n{said}")
