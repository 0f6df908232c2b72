"""Streamed responses: sent as they come, held back by a slow reader, closed when the reader leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from bridge_serving import RawConnection, serve
from flask import Flask, Response, g, request, session, stream_with_context
from vitrine_kit.asgi import Bridge, await_, iter_async
from waiting import until

CHUNK = b"x" * 65536


def build_app() -> Flask:
    app = Flask("streams")
    app.secret_key = "a secret for tests alone"
    log: list[str] = app.extensions.setdefault("log", [])
    state: dict[str, Any] = app.extensions.setdefault("state", {"made": 0, "release": asyncio.Event()})

    @app.teardown_request
    def torn_down(error: BaseException | None) -> None:
        log.append(f"teardown {type(error).__name__}")

    @app.get("/slowly")
    async def slowly() -> Response:
        async def pieces() -> AsyncIterator[str]:
            try:
                yield "first"
                await state["release"].wait()
                yield "second"
            finally:
                await asyncio.sleep(0)
                log.append("generator closed")

        response = Response(iter_async(pieces()))
        response.call_on_close(lambda: log.append("response closed"))
        return response

    @app.get("/silent")
    async def silent() -> Response:
        async def pieces() -> AsyncIterator[str]:
            log.append("begun")
            try:
                await asyncio.sleep(30)
                yield "never"
            finally:
                log.append("generator closed")

        return Response(iter_async(pieces()))

    @app.get("/endless")
    def endless() -> Response:
        def pieces() -> Iterator[bytes]:
            try:
                while True:
                    state["made"] += 1
                    yield CHUNK
            finally:
                await_(asyncio.sleep(0))
                log.append("generator closed")

        return Response(pieces())

    @app.get("/context")
    async def context() -> Response:
        session["seen"] = "yes"
        g.word = "kept"

        @stream_with_context
        def pieces() -> Iterator[str]:
            yield request.args["q"]
            await_(asyncio.sleep(0.001))
            yield f" {g.word} {session['seen']}"

        return Response(pieces())

    @app.get("/breaks")
    def breaks() -> Response:
        def pieces() -> Iterator[str]:
            yield "some"
            raise ValueError("broke in the middle")

        return Response(pieces())

    @app.get("/breaks-at-once")
    def breaks_at_once() -> Response:
        def pieces() -> Iterator[str]:
            raise ValueError("broke before the first byte")
            yield "never"

        return Response(pieces())

    @app.get("/declared")
    def declared() -> Response:
        def pieces() -> Iterator[bytes]:
            yield b"12345"
            yield b""
            yield b"67890"
            log.append("asked once more")
            yield b"too much"
            log.append("asked again")

        response = Response(pieces(), content_type="text/plain")
        response.content_length = 10
        response.call_on_close(lambda: log.append("response closed"))
        return response

    @app.get("/overlong")
    def overlong() -> Response:
        response = Response(iter([b"123456789"]), content_type="text/plain")
        response.content_length = 4
        return response

    @app.get("/empty")
    def empty() -> Response:
        return Response(iter([]), status=200)

    @app.post("/echo")
    def echo() -> Response:
        @stream_with_context
        def pieces() -> Iterator[bytes]:
            while piece := request.stream.read(4):
                yield piece

        return Response(pieces())

    @app.post("/ignores-body")
    def ignores_body() -> Response:
        async def pieces() -> AsyncIterator[str]:
            try:
                yield "begun"
                await asyncio.sleep(30)
            finally:
                log.append("generator closed")

        return Response(iter_async(pieces()))

    return app


@pytest.fixture
def app() -> Flask:
    return build_app()


def said(app: Flask, line: str) -> Callable[[], bool]:
    return lambda: line in app.extensions["log"]


async def test_a_piece_is_sent_before_the_next_is_made(app: Flask) -> None:
    async with serve(Bridge(app)) as served, await served.connect() as connection:
        await connection.get("/slowly")
        status, headers = await connection.head()
        assert status == 200
        assert ("transfer-encoding", "chunked") in headers
        assert await connection.chunk() == b"first"
        app.extensions["state"]["release"].set()
        assert await connection.chunk() == b"second"
        assert await connection.chunk() == b""
        await until(said(app, "response closed"))
    assert app.extensions["log"] == ["teardown NoneType", "generator closed", "response closed"]


async def test_the_connection_serves_on_after_a_stream(app: Flask) -> None:
    app.extensions["state"]["release"].set()
    async with serve(Bridge(app)) as served, await served.connect() as connection:
        for _ in range(3):
            await connection.get("/slowly")
            assert (await connection.response())[2] == b"firstsecond"


@pytest.mark.parametrize("path", ["/slowly", "/endless", "/silent"])
async def test_the_generator_is_closed_when_the_reader_leaves(app: Flask, path: str) -> None:
    async with serve(Bridge(app)) as served:
        connection = await served.connect()
        await connection.get(path)
        if path == "/silent":
            await until(said(app, "begun"))
        else:
            await connection.head()
        connection.abort()
        await until(said(app, "generator closed"), 1.0)
        await until(lambda: not served.server.server_state.tasks, 1.0)
        # Only the stream was ended: the server serves on.
        app.extensions["state"]["release"].set()
        assert (await served.client.get("/slowly")).text == "firstsecond"
    assert app.extensions["log"].count("generator closed") == 2


async def test_a_slow_reader_holds_the_generator_back(app: Flask) -> None:
    async with serve(Bridge(app)) as served, await served.connect() as connection:
        connection.reader._limit = 1  # type: ignore[attr-defined]  # the smallest buffer a reader can have
        await connection.get("/endless")
        state = app.extensions["state"]
        made = -1
        while made != state["made"]:
            made = state["made"]
            await asyncio.sleep(0.1)
        # What the sockets of both ends take, and no more; without back-pressure it would be thousands by now.
        assert 1 < made * len(CHUNK) < 32 * 1024 * 1024
        await asyncio.sleep(0.1)
        assert state["made"] == made
        # Other requests go on meanwhile.
        assert (await served.client.get("/empty")).status_code == 200


async def test_streams_keep_the_request_where_asked(app: Flask) -> None:
    async with serve(Bridge(app)) as served:
        response = await served.client.get("/context?q=1")
        assert response.text == "1 kept yes"


async def test_an_error_in_the_middle_is_not_taken_for_the_end(app: Flask) -> None:
    async with serve(Bridge(app)) as served, await served.connect() as connection:
        await connection.get("/breaks")
        await connection.head()
        assert await connection.chunk() == b"some"
        assert await connection.reader.read() == b""  # closed, without the last chunk


async def test_an_error_before_the_first_byte_is_a_500(app: Flask) -> None:
    async with serve(Bridge(app)) as served:
        assert (await served.client.get("/breaks-at-once")).status_code == 500


async def test_a_declared_length_ends_the_response(app: Flask) -> None:
    async with serve(Bridge(app)) as served, await served.connect() as connection:
        await connection.get("/declared")
        _, headers, body = await connection.response()
        assert body == b"1234567890"
        assert ("content-length", "10") in headers
        await until(said(app, "response closed"))
        await connection.get("/overlong")
        assert (await connection.response())[2] == b"1234"
    assert "asked once more" in app.extensions["log"]
    assert "asked again" not in app.extensions["log"]


@pytest.mark.parametrize("path", ["/empty", "/declared", "/slowly"])
async def test_head_sends_the_headers_alone(app: Flask, path: str) -> None:
    app.extensions["state"]["release"].set()
    async with serve(Bridge(app)) as served, await served.connect() as connection:
        await connection.send(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        status, headers = await connection.head()
        assert status == 200
        if path == "/declared":
            assert ("content-length", "10") in headers
        # The next response follows at once: no body was sent.
        await connection.get("/empty")
        assert (await connection.response())[0] == 200


async def test_a_response_may_be_streamed_while_the_request_still_comes(app: Flask) -> None:
    async with serve(Bridge(app)) as served, await served.connect() as connection:
        await connection.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for word in (b"ping", b"pong", b"last"):
            await connection.send(b"4\r\n" + word + b"\r\n")
            if word == b"ping":
                assert (await connection.head())[0] == 200
            assert await connection.chunk() == word
        await connection.send(b"0\r\n\r\n")
        assert await connection.chunk() == b""


async def test_leaving_ends_a_stream_that_never_read_its_request(app: Flask) -> None:
    async with serve(Bridge(app)) as served:
        connection = await served.connect()
        await connection.send(b"POST /ignores-body HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
        await connection.head()
        connection.abort()
        await until(said(app, "generator closed"), 1.0)


async def test_a_cancelled_request_is_torn_down_once_and_stays_cancelled(app: Flask) -> None:
    begun = asyncio.Event()

    @app.get("/waits")
    async def waits() -> str:
        begun.set()
        try:
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0)
            app.extensions["log"].append("view left")
        return "never"

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        app.extensions["log"].append(message["type"])

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/waits",
        "query_string": b"",
        "headers": [],
        "http_version": "1.1",
    }
    task = asyncio.create_task(Bridge(app)(scope, receive, send))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert app.extensions["log"] == ["view left", "teardown CancelledError"]


async def test_a_generator_that_will_not_be_cancelled_ends_at_its_next_piece(app: Flask) -> None:
    cancelling: list[int] = []

    @app.get("/stubborn")
    def stubborn() -> Response:
        async def pieces() -> AsyncIterator[str]:
            while True:
                yield "more"
                try:
                    await asyncio.sleep(30)
                except asyncio.CancelledError:
                    app.extensions["log"].append("would not")

        return Response(iter_async(pieces()))

    bridge = Bridge(app)

    async def observed(scope: Any, receive: Any, send: Any) -> None:
        await bridge(scope, receive, send)
        task = asyncio.current_task()
        assert task is not None
        cancelling.append(task.cancelling())
        await asyncio.sleep(0)  # a cancellation left behind would end this

    async with serve(observed, lifespan="off") as served:
        connection = await served.connect()
        await connection.get("/stubborn")
        await connection.head()
        assert await connection.chunk() == b"more"
        await asyncio.sleep(0.01)
        connection.abort()
        await until(lambda: cancelling == [0])
    assert app.extensions["log"].count("would not") == 1


async def test_shutdown_ends_streams_that_do_not_end_by_themselves(app: Flask) -> None:
    async with serve(Bridge(app), timeout_graceful_shutdown=1) as served:
        connection: RawConnection = await served.connect()
        await connection.get("/silent")
        await until(said(app, "begun"))
    assert "generator closed" in app.extensions["log"]
    connection.abort()
