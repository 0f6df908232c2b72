"""The same app under plain WSGI servers, as ordinary Flask apps run everywhere."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from werkzeug.serving import make_server

APP = """
import asyncio
import threading
import time
from contextlib import asynccontextmanager

from flask import Flask, g, request

from vitrine_kit.asgi import await_, blocking, bridge_lifespan, install, iter_async, run_blocking

def create_app():
    app = install(Flask("plain"))
    state = {"entered": 0}

    @asynccontextmanager
    async def lifespan(_):
        state["entered"] += 1
        yield

    bridge_lifespan(app).append(lifespan)

    @app.before_request
    async def before():
        g.user = request.headers.get("X-User")

    @app.get("/who")
    async def who():
        await asyncio.sleep(0.01)
        return {"user": g.user, "header": request.headers.get("X-User"), "entered": state["entered"],
                "loop": id(asyncio.get_running_loop())}

    @app.get("/nested")
    async def nested():
        def helper():
            return await_(asyncio.sleep(0.001, "nested"))
        return helper()

    @app.get("/blocking")
    @blocking
    def blocks():
        time.sleep(0.01)
        return threading.current_thread().name

    @app.get("/offloads")
    async def offloads():
        return await run_blocking(lambda: request.path)

    @app.get("/stream")
    def stream():
        async def pieces():
            for piece in "abc":
                await asyncio.sleep(0.001)
                yield piece
        return app.response_class(iter_async(pieces()))

    @app.post("/length")
    async def length():
        return {"length": len(request.get_data())}

    return app
"""


@pytest.fixture(scope="module")
def app_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("plain")
    (directory / "plain_app.py").write_text(textwrap.dedent(APP))
    return directory


@contextmanager
def werkzeug_server(app_dir: Path) -> Iterator[str]:
    scope: dict[str, object] = {}
    exec((app_dir / "plain_app.py").read_text(), scope)
    server = make_server("127.0.0.1", 0, scope["create_app"](), threaded=True)  # type: ignore[operator]  # a function
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def gthread_server(app_dir: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "8", "-b", "127.0.0.1:0"]
    command += ["--no-control-socket", "plain_app:create_app()"]
    process = subprocess.Popen(
        command,
        cwd=app_dir,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(app_dir)},
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"Listening at: (http://\S+)", line):
                break
        else:
            raise AssertionError("gunicorn did not start")
        drain = threading.Thread(target=process.stderr.read)
        drain.start()
        yield found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        drain.join()
        process.stderr.close()


@pytest.fixture(scope="module", params=[werkzeug_server, gthread_server], ids=["werkzeug", "gthread"])
def base_url(request: pytest.FixtureRequest, app_dir: Path) -> Iterator[str]:
    with request.param(app_dir) as url:
        yield url


def test_requests_in_threads_keep_apart_and_share_one_loop(base_url: str) -> None:
    with httpx.Client(base_url=base_url) as client, ThreadPoolExecutor(8) as threads:
        users = [f"user-{number}" for number in range(40)]
        answers = list(threads.map(lambda user: client.get("/who", headers={"X-User": user}).json(), users))
    for user, answer in zip(users, answers, strict=True):
        assert (answer["user"], answer["header"], answer["entered"]) == (user, user, 1)
    assert len({answer["loop"] for answer in answers}) == 1


def test_nesting_blocking_streaming_and_bodies_work(base_url: str) -> None:
    with httpx.Client(base_url=base_url) as client:
        assert client.get("/nested").text == "nested"
        assert not client.get("/blocking").text.startswith("vitrine-")
        assert client.get("/offloads").text == "/offloads"
        assert client.get("/stream").text == "abc"
        assert client.post("/length", content=b"x" * 300_000).json() == {"length": 300_000}
