"""Blocking functions run off the loop, with the request, in a bounded pool."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
import pytest_asyncio
from bridge_serving import Served, serve
from flask import Flask, Response, g, request, session, stream_with_context
from vitrine_kit import offload
from vitrine_kit.asgi import Bridge, NoGreenletError, await_, blocking, run_blocking
from vitrine_kit.loopwatch import LoopWatch
from waiting import until

NOTE: ContextVar[str] = ContextVar("note", default="none")


def build_app() -> Flask:
    app = Flask("offload")
    app.secret_key = "a secret for tests alone"
    state: dict[str, Any] = app.extensions.setdefault("state", {"now": 0, "most": 0, "closed_in": None})
    lock = threading.Lock()

    @app.get("/sleep")
    @blocking
    def sleep() -> dict[str, Any]:
        with lock:
            state["now"] += 1
            state["most"] = max(state["most"], state["now"])
        time.sleep(0.5)
        with lock:
            state["now"] -= 1
        g.note = "from the thread"
        session["seen"] = request.args.get("q")
        return {"thread": threading.current_thread().name, "q": request.args.get("q"), "note": NOTE.get()}

    @app.before_request
    def note() -> None:
        NOTE.set("set before")

    @app.after_request
    def header(response: Response) -> Response:
        response.headers["X-Note"] = g.get("note", "")
        return response

    @app.get("/fails")
    @blocking
    def fails() -> str:
        raise LookupError("in the thread")

    @app.errorhandler(LookupError)
    def lookup(error: LookupError) -> tuple[str, int]:
        return str(error), 410

    @app.get("/waits")
    @blocking
    def waits() -> dict[str, Any]:
        # From the thread, async code runs on the loop, and may wait in sync code there once more.
        async def on_loop() -> str:
            def nested() -> str:
                return await_(asyncio.sleep(0.001, threading.current_thread().name))

            return nested() + " " + request.path

        return {"where": await_(on_loop())}

    @app.get("/async")
    async def mixed() -> dict[str, Any]:
        first, second = await asyncio.gather(
            run_blocking(time.sleep, 0.05), run_blocking(sum, (1, 2), start=3)
        )
        return {"slept": first, "sum": second}

    def count() -> Iterator[str]:
        try:
            for number in range(3):
                time.sleep(0.2)
                yield f"{number} {threading.current_thread().name.partition('_')[0]} {request.path}\n"
        finally:
            state["closed_in"] = threading.current_thread().name

    @app.get("/generator")
    @blocking
    def generator() -> Any:
        return stream_with_context(count())

    @app.get("/tuple")
    @blocking
    def in_tuple() -> Any:
        return stream_with_context(count()), 203

    @app.get("/response")
    @blocking
    def in_response() -> Any:
        return Response(stream_with_context(count()), mimetype="text/plain")

    @app.get("/whole")
    @blocking
    def whole() -> Any:
        return Response("whole"), 202

    @app.get("/plain-response")
    @blocking
    def plain_response() -> Any:
        return Response("plain")

    @app.get("/endless")
    @blocking
    def endless() -> Any:
        def numbers() -> Iterator[str]:
            try:
                while True:
                    time.sleep(0.01)
                    yield "x"
            finally:
                state["closed_in"] = threading.current_thread().name

        return Response(numbers())

    return app


@pytest.fixture
def app() -> Flask:
    return build_app()


@pytest_asyncio.fixture
async def served(app: Flask) -> AsyncIterator[Served]:
    async with serve(Bridge(app)) as found:
        yield found


async def test_blocking_views_run_at_once_and_do_not_hold_the_loop(app: Flask, served: Served) -> None:
    async with LoopWatch(400) as watch:
        begun = time.monotonic()
        answers = await asyncio.gather(*(served.client.get(f"/sleep?q={number}") for number in range(8)))
        took = time.monotonic() - begun
    assert [answer.json()["q"] for answer in answers] == [str(number) for number in range(8)]
    assert all(answer.json()["thread"].startswith("vitrine-blocking") for answer in answers)
    assert {answer.json()["note"] for answer in answers} == {"set before"}
    assert {answer.headers["X-Note"] for answer in answers} == {"from the thread"}
    assert all("session=" in answer.headers["Set-Cookie"] for answer in answers)
    assert took < 8 * 0.5 / 2
    assert watch.stalls == []


async def test_the_pool_is_bounded(app: Flask, served: Served) -> None:
    await asyncio.gather(*(served.client.get("/sleep") for _ in range(20)))
    assert app.extensions["state"]["most"] == offload.POOL_THREADS


async def test_errors_come_back_to_the_handlers(served: Served) -> None:
    answer = await served.client.get("/fails")
    assert (answer.status_code, answer.text) == (410, "in the thread")


async def test_async_code_called_in_the_thread_runs_on_the_loop(served: Served) -> None:
    assert (await served.client.get("/waits")).json() == {"where": "MainThread /waits"}


async def test_async_views_offload_what_blocks(served: Served) -> None:
    assert (await served.client.get("/async")).json() == {"slept": None, "sum": 6}


@pytest.mark.parametrize(("path", "status"), [("/generator", 200), ("/tuple", 203), ("/response", 200)])
async def test_a_generator_is_advanced_in_the_pool(
    app: Flask, served: Served, path: str, status: int
) -> None:
    async with LoopWatch(150) as watch:
        answer = await served.client.get(path)
    assert answer.status_code == status
    assert answer.text == "".join(f"{number} vitrine-blocking {path}\n" for number in range(3))
    assert app.extensions["state"]["closed_in"].startswith("vitrine-blocking")
    assert watch.stalls == []


async def test_a_pooled_generator_is_closed_when_the_reader_leaves(app: Flask, served: Served) -> None:
    connection = await served.connect()
    await connection.get("/endless")
    await connection.head()
    connection.abort()
    await until(lambda: app.extensions["state"]["closed_in"] is not None)
    assert app.extensions["state"]["closed_in"].startswith("vitrine-blocking")


async def test_whole_responses_pass_through(served: Served) -> None:
    assert (await served.client.get("/whole")).status_code == 202
    assert (await served.client.get("/plain-response")).text == "plain"


def test_under_plain_wsgi_the_function_is_called(app: Flask) -> None:
    answer = app.test_client().get("/sleep?q=1")
    assert answer.json["thread"] == "MainThread"


async def test_on_the_loop_outside_a_request_it_refuses() -> None:
    with pytest.raises(NoGreenletError, match="run_blocking"):
        blocking(time.sleep)(0)


def test_an_async_function_cannot_be_marked() -> None:
    async def view() -> str:
        return ""

    with pytest.raises(TypeError, match="run_blocking"):
        blocking(view)


async def test_a_forked_child_makes_threads_of_its_own() -> None:
    await run_blocking(int)
    before = offload._pool
    assert before is not None
    offload._forget_pool()
    assert await run_blocking(threading.current_thread) is not None
    assert offload._pool is not before
    before.shutdown()
