"""gunicorn with the kit's worker and settings: serving on uvloop, draining, ending with its parent."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import stat
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import psutil
import pytest
import uvicorn
from bridge_serving import RawConnection
from vitrine_kit.testing import free_port

APP = """
import asyncio
import os
from contextlib import asynccontextmanager

from flask import Flask, g, request

from vitrine_kit import health
from vitrine_kit.asgi import Bridge, bridge_lifespan, iter_async

IMPORTED_IN = os.getpid()


def create_asgi():
    app = Flask("worker")
    health.register(app, name="worker", version="1", database=None, schema=None)

    @asynccontextmanager
    async def lifespan(_):
        if os.environ.get("FAIL_START"):
            raise ConnectionError("no database")
        yield
        print("lifespan left", flush=True)

    bridge_lifespan(app).append(lifespan)

    @app.get("/")
    async def index():
        loop = type(asyncio.get_running_loop()).__module__
        return {"pid": os.getpid(), "imported_in": IMPORTED_IN, "loop": loop, "address": request.remote_addr}

    @app.get("/slow/<int:ms>")
    async def slow(ms):
        await asyncio.sleep(ms / 1000)
        return {"pid": os.getpid()}

    @app.post("/who")
    async def who():
        found = sorted(g)
        g.user = request.headers["X-User"]
        return {"found": found, "length": len(request.get_data())}

    @app.get("/stream")
    async def stream():
        async def pieces():
            while True:
                yield "x" * 1000
                await asyncio.sleep(0.01)
        return app.response_class(iter_async(pieces()))

    @app.get("/hold")
    def hold():
        import time
        time.sleep(30)
        return ""

    return Bridge(app)
"""


@dataclass
class Instance:
    """A running gunicorn with its UNIX socket."""

    process: asyncio.subprocess.Process
    directory: Path
    client: httpx.AsyncClient

    @property
    def socket(self) -> str:
        return str(self.directory / "service.sock")

    async def connect(self) -> RawConnection:
        return RawConnection(*await asyncio.open_unix_connection(self.socket))

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    async def output(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.read()).decode()


async def launch(directory: Path, **environment: str) -> asyncio.subprocess.Process:
    (directory / "worker_app.py").write_text(textwrap.dedent(APP))
    settings = {
        "VITRINE_BIND": f"unix:{directory}/service.sock",
        "VITRINE_RUN_DIR": str(directory),
        "VITRINE_WORKERS": "1",
        "VITRINE_UNREADY_S": "0",
        "PYTHONPATH": str(directory),
        **environment,
    }
    command = ["-m", "gunicorn", "-c", "python:vitrine_kit.gunicorn_conf", "worker_app:create_asgi()"]
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


@asynccontextmanager
async def running(directory: Path, **environment: str) -> AsyncIterator[Instance]:
    process = await launch(directory, **environment)
    address = environment.get("VITRINE_BIND")
    transport = None if address else httpx.AsyncHTTPTransport(uds=str(directory / "service.sock"))
    base_url = f"http://{address or 'service'}"
    async with httpx.AsyncClient(transport=transport, base_url=base_url, timeout=10) as client:
        try:
            async with asyncio.timeout(20):
                while True:
                    try:
                        await client.get("/")
                        break
                    except httpx.ConnectError:
                        assert process.returncode is None, await process.stdout.read()  # type: ignore[union-attr]  # piped
                        await asyncio.sleep(0.02)
                instance = Instance(process, directory, client)
                # The first worker answers before the others are there.
                while len(instance.workers()) < int(environment.get("VITRINE_WORKERS", "1")):
                    await asyncio.sleep(0.02)
            yield instance
        finally:
            if process.returncode is None:
                process.terminate()
                await process.communicate()


async def test_it_serves_on_uvloop_from_one_import(tmp_path: Path) -> None:
    async with running(tmp_path, VITRINE_WORKERS="2") as instance:
        found = (await instance.client.get("/")).json()
        assert found["loop"] == "uvloop"
        assert found["imported_in"] == instance.process.pid != found["pid"]
        assert found["address"] == ""
        assert len(instance.workers()) == 2
        async with asyncio.timeout(10):
            while not (
                tmp_path / "control.sock"
            ).exists():  # a thread of the master makes it, in its own time
                await asyncio.sleep(0.02)
        assert stat.S_ISSOCK((tmp_path / "control.sock").stat().st_mode)
        assert stat.S_IMODE(Path(instance.socket).stat().st_mode) & 0o077 == 0
        response = await instance.client.get("/")
        assert {"server", "date"}.isdisjoint(response.headers)


async def test_a_kept_connection_carries_nothing_over(tmp_path: Path) -> None:
    async with running(tmp_path) as instance, await instance.connect() as connection:
        for user in ("ann", "ben", "cho"):
            body = b"x" * 200_000
            head = f"POST /who HTTP/1.1\r\nHost: x\r\nX-User: {user}\r\nContent-Length: {len(body)}\r\n\r\n"
            await connection.send(head.encode() + body)
            assert json.loads((await connection.response())[2]) == {"found": [], "length": len(body)}


async def test_on_sigterm_running_requests_are_answered_and_idle_connections_closed(tmp_path: Path) -> None:
    async with running(tmp_path) as instance, await instance.connect() as idle:
        await idle.get("/")
        await idle.response()
        running_requests = [asyncio.create_task(instance.client.get("/slow/800")) for _ in range(5)]
        await asyncio.sleep(0.2)
        loop = asyncio.get_running_loop()
        stopped_at = loop.time()
        instance.process.send_signal(signal.SIGTERM)
        assert await idle.reader.read() == b""
        assert loop.time() - stopped_at < 0.5
        answers = await asyncio.gather(*running_requests)
        assert [answer.status_code for answer in answers] == [200] * 5
        assert await instance.process.wait() == 0
        assert loop.time() - stopped_at < 3
        assert "lifespan left" in await instance.output()


async def unready(instance: Instance) -> httpx.Response:
    """The first answer of /readyz that is not 200, on a connection of its own as a probe would ask."""
    async with asyncio.timeout(10):
        while True:
            answer = await instance.client.get("/readyz", headers={"Connection": "close"})
            if answer.status_code != 200:
                return answer
            await asyncio.sleep(0.02)


def on_a_port(unready_s: float) -> dict[str, str]:
    """As in a container: gunicorn takes a UNIX socket's name away at once, a port stays while a worker listens."""
    return {"VITRINE_BIND": f"127.0.0.1:{free_port()}", "VITRINE_UNREADY_S": str(unready_s)}


async def test_on_sigterm_it_is_unready_while_it_serves_and_then_drains(tmp_path: Path) -> None:
    async with running(tmp_path, **on_a_port(unready_s=1.5)) as instance:
        assert (await instance.client.get("/readyz")).json()["status"] == "ok"
        loop = asyncio.get_running_loop()
        stopped_at = loop.time()
        instance.process.send_signal(signal.SIGTERM)
        answer = await unready(instance)
        assert (answer.status_code, answer.json()["reason"]) == (503, "draining")
        assert answer.headers["Cache-Control"] == "no-store"
        slow = asyncio.create_task(instance.client.get("/slow/2000"))
        statuses = set()
        while loop.time() < stopped_at + 1.2:
            for path in ("/", "/livez"):
                statuses.add((await instance.client.get(path)).status_code)
        assert statuses == {200}
        assert (await slow).status_code == 200
        assert await instance.process.wait() == 0
        assert 1.5 < loop.time() - stopped_at < 8
        assert "lifespan left" in await instance.output()


async def test_a_second_signal_ends_the_waiting_in_which_each_answer_asks_for_a_new_connection(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, **on_a_port(unready_s=60)) as instance:
        assert "connection" not in (await instance.client.get("/")).headers
        instance.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            while (await instance.client.get("/")).headers.get("connection") != "close":
                await asyncio.sleep(0.02)
        (worker,) = instance.workers()
        worker.terminate()
        async with asyncio.timeout(5):
            assert await instance.process.wait() == 0
        assert "lifespan left" in await instance.output()


async def test_sigint_to_gunicorn_ends_the_waiting(tmp_path: Path) -> None:
    async with running(tmp_path, **on_a_port(unready_s=60)) as instance:
        instance.process.send_signal(signal.SIGTERM)
        await unready(instance)
        instance.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(5):
            assert await instance.process.wait() == 0
        assert "lifespan left" in await instance.output()


async def test_sigint_alone_does_not_wait(tmp_path: Path) -> None:
    async with running(tmp_path, **on_a_port(unready_s=60)) as instance:
        instance.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(5):
            await instance.process.wait()
        assert "lifespan left" in await instance.output()


def test_gunicorn_waits_longer_than_its_workers_do(monkeypatch: pytest.MonkeyPatch) -> None:
    from vitrine_kit import gunicorn_conf
    from vitrine_kit.worker import DRAIN_S

    monkeypatch.delenv("VITRINE_UNREADY_S", raising=False)
    assert importlib.reload(gunicorn_conf).graceful_timeout == 5 + DRAIN_S + 5
    monkeypatch.setenv("VITRINE_UNREADY_S", "0.5")
    assert importlib.reload(gunicorn_conf).graceful_timeout == 1 + DRAIN_S + 5
    monkeypatch.setenv("VITRINE_UNREADY_S", "-1")
    with pytest.raises(ValueError, match="VITRINE_UNREADY_S"):
        importlib.reload(gunicorn_conf)


async def test_an_idle_instance_stops_at_once(tmp_path: Path) -> None:
    async with running(tmp_path, VITRINE_WORKERS="2") as instance:
        loop = asyncio.get_running_loop()
        stopped_at = loop.time()
        instance.process.send_signal(signal.SIGTERM)
        assert await instance.process.wait() == 0
        assert loop.time() - stopped_at < 1.5


async def test_streams_without_end_do_not_keep_a_worker_past_its_readers(tmp_path: Path) -> None:
    async with running(tmp_path) as instance:
        connection = await instance.connect()
        await connection.get("/stream")
        await connection.head()
        connection.abort()
        loop = asyncio.get_running_loop()
        stopped_at = loop.time()
        instance.process.send_signal(signal.SIGTERM)
        assert await instance.process.wait() == 0
        assert loop.time() - stopped_at < 3


async def test_workers_end_when_gunicorn_is_killed(tmp_path: Path) -> None:
    async with running(tmp_path, VITRINE_WORKERS="2", VITRINE_UNREADY_S="60") as instance:
        workers = instance.workers()
        instance.process.kill()
        await instance.process.wait()
        gone, alive = await asyncio.to_thread(psutil.wait_procs, workers, timeout=5)
        assert (len(gone), alive) == (2, [])


async def test_a_killed_worker_is_replaced(tmp_path: Path) -> None:
    async with running(tmp_path) as instance:
        (worker,) = instance.workers()
        worker.kill()
        async with asyncio.timeout(10):
            while (await _pid(instance.client)) in (None, worker.pid):
                await asyncio.sleep(0.05)


async def _pid(client: httpx.AsyncClient) -> int | None:
    try:
        return int((await client.get("/")).json()["pid"])
    except httpx.TransportError:
        return None


async def test_a_worker_is_replaced_after_its_number_of_requests(tmp_path: Path) -> None:
    async with running(tmp_path, VITRINE_MAX_REQUESTS="20") as instance:
        first = await _pid(instance.client)
        async with asyncio.timeout(10):
            while (await _pid(instance.client)) in (None, first):
                await asyncio.sleep(0.01)


async def test_a_worker_whose_loop_is_held_is_killed(tmp_path: Path) -> None:
    async with running(tmp_path, VITRINE_WORKER_TIMEOUT_S="2") as instance:
        (worker,) = instance.workers()
        holding = asyncio.create_task(instance.client.get("/hold", timeout=25))
        gone, _ = await asyncio.to_thread(psutil.wait_procs, [worker], timeout=25)
        assert gone == [worker]
        with pytest.raises(httpx.TransportError):
            await holding


async def test_a_start_that_fails_is_said_and_ends_gunicorn(tmp_path: Path) -> None:
    process = await launch(tmp_path, FAIL_START="1")
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 3
    assert b"ConnectionError: no database" in output


async def test_without_a_run_directory_there_is_no_control_socket(tmp_path: Path) -> None:
    environment: dict[str, Any] = {
        "VITRINE_RUN_DIR": "",
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
    }
    async with running(tmp_path, **environment) as instance:
        assert (await instance.client.get("/")).status_code == 200
        assert {path.name for path in tmp_path.iterdir()} <= {"service.sock", "worker_app.py", "__pycache__"}


def test_an_orphan_asks_itself_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    from vitrine_kit.worker import VitrineWorker

    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: asked.append((pid, number)))
    worker = VitrineWorker.__new__(VitrineWorker)
    worker.ppid = os.getppid()
    worker.stop_if_orphaned()
    assert asked == []
    worker.ppid = -1
    worker.stop_if_orphaned()
    assert asked == [(os.getpid(), signal.SIGTERM)]


@pytest.mark.parametrize("orphaned", [True, False])
def test_an_orphan_does_not_wait_to_be_found_unready(orphaned: bool) -> None:
    """Nobody would stop it a second time."""
    from vitrine_kit.worker import DrainingServer

    server = DrainingServer(uvicorn.Config("x:y"), unready_s=60, is_orphaned=lambda: orphaned)
    server.started = True
    server.lifespan = SimpleNamespace(state={})  # type: ignore[assignment]  # as far as it is used
    server.handle_exit(signal.SIGTERM, None)
    assert server.should_exit is orphaned
    assert bool(server.lifespan.state) is not orphaned
