"""Request bodies through the bridge: streamed, counted, held back, and torn off."""

from __future__ import annotations

import asyncio
import csv
import io
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from bridge_serving import RawConnection, Served, serve
from flask import Flask, request
from vitrine_kit.asgi import Bridge, await_, blocking
from waiting import until
from werkzeug.exceptions import ClientDisconnected

MIB = 1024 * 1024


def build_app() -> Flask:
    app = Flask("bodies")
    state: dict[str, Any] = app.extensions.setdefault(
        "state", {"read": 0, "go": asyncio.Event(), "errors": []}
    )

    @app.post("/length")
    async def length() -> dict[str, int]:
        return {"length": len(request.get_data())}

    @app.post("/limited/<int:limit>")
    async def limited(limit: int) -> dict[str, int]:
        request.max_content_length = limit
        return {"length": len(request.get_data())}

    @app.post("/stream")
    def stream() -> dict[str, int]:
        while piece := request.stream.read(65536):
            state["read"] += len(piece)
        return {"length": state["read"]}

    @app.post("/hesitates")
    async def hesitates() -> dict[str, int]:
        await state["go"].wait()
        while piece := request.stream.read(65536):
            state["read"] += len(piece)
        return {"length": state["read"]}

    @app.post("/blocking")
    @blocking
    def in_thread() -> dict[str, int]:
        total = 0
        while piece := request.stream.read(65536):
            total += len(piece)
        return {"length": total}

    @app.post("/lines")
    def lines() -> dict[str, Any]:
        stream = request.environ["wsgi.input"]
        first, short = stream.readline(), stream.readline(3)
        return {"first": first.decode(), "short": short.decode(), "rest": [line.decode() for line in stream]}

    @app.post("/csv")
    def rows() -> dict[str, Any]:
        text = io.TextIOWrapper(
            io.BufferedReader(request.environ["wsgi.input"]), encoding="utf-8", newline=""
        )
        return {"rows": list(csv.reader(text))}

    @app.post("/form")
    async def form() -> dict[str, Any]:
        upload = request.files["file"]
        size = len(upload.read())
        return {"name": upload.filename, "size": size, "field": request.form["field"]}

    @app.post("/refuses")
    async def refuses() -> tuple[str, int]:
        return "no", 401

    @app.post("/reads-twice")
    def reads_twice() -> dict[str, Any]:
        stream = request.environ["wsgi.input"]
        errors = []
        for _ in range(2):
            try:
                stream.read()
            except ClientDisconnected as error:
                errors.append(type(error).__name__)
        state["errors"] = errors
        return {}

    @app.errorhandler(400)
    def bad(error: Any) -> tuple[str, int]:
        state["errors"].append(type(error).__name__)
        return "bad", 400

    return app


@pytest.fixture
def app() -> Flask:
    return build_app()


@pytest_asyncio.fixture
async def served(app: Flask) -> AsyncIterator[Served]:
    async with serve(Bridge(app)) as found:
        yield found


async def in_chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 3 * MIB])
@pytest.mark.parametrize("path", ["/length", "/stream", "/blocking"])
async def test_a_body_arrives_whole(served: Served, path: str, size: int) -> None:
    assert (await served.client.post(path, content=b"x" * size)).json() == {"length": size}


async def test_a_chunked_body_arrives_whole(served: Served) -> None:
    response = await served.client.post("/length", content=in_chunks(b"a" * 1000, b"b" * 70_000, b"c"))
    assert response.json() == {"length": 71_001}


@pytest.mark.parametrize(("limit", "status"), [(2999, 413), (3000, 200), (3001, 200), (1000, 413), (1, 413)])
async def test_a_chunked_body_beyond_the_limit_is_refused_not_cut(
    served: Served, limit: int, status: int
) -> None:
    body = in_chunks(*[b"x" * 1000] * 3)
    response = await served.client.post(f"/limited/{limit}", content=body)
    assert response.status_code == status
    if status == 200:
        assert response.json() == {"length": 3000}


async def test_the_limit_of_the_app_is_held_too(app: Flask, served: Served) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 1000
    for content in (b"x" * 1001, in_chunks(b"x" * 1000, b"y")):
        assert (await served.client.post("/length", content=content)).status_code == 413
    for content in (b"x" * 1000, in_chunks(b"x" * 1000)):
        assert (await served.client.post("/length", content=content)).json() == {"length": 1000}


async def test_nothing_is_read_from_a_client_before_the_view_asks(app: Flask, served: Served) -> None:
    async with await served.connect() as connection:
        await connection.send(
            f"POST /hesitates HTTP/1.1\r\nHost: x\r\nContent-Length: {64 * MIB}\r\n\r\n".encode()
        )
        sending = asyncio.create_task(_send_all(connection, 64 * MIB))
        sent = -1
        while sent != connection.writer.transport.get_write_buffer_size() or sent == 0:
            sent = connection.writer.transport.get_write_buffer_size()
            await asyncio.sleep(0.1)
        # The sender is stuck: sockets and one buffer are full, the rest waits on its own side.
        assert not sending.done()
        assert app.extensions["state"]["read"] == 0
        app.extensions["state"]["go"].set()
        assert httpx.Response(200, content=(await connection.response())[2]).json() == {"length": 64 * MIB}
        await sending


async def _send_all(connection: RawConnection, size: int) -> None:
    piece = b"x" * 65536
    for _ in range(size // len(piece)):
        await connection.send(piece)


async def test_a_large_upload_is_never_held_in_memory(served: Served) -> None:
    tracemalloc.start()
    try:
        async with await served.connect() as connection:
            await connection.send(
                f"POST /stream HTTP/1.1\r\nHost: x\r\nContent-Length: {96 * MIB}\r\n\r\n".encode()
            )
            await _send_all(connection, 96 * MIB)
            assert (await connection.response())[0] == 200
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


async def test_lines_and_text_wrappers_work_on_the_stream(served: Served) -> None:
    text = "one\ntwo and a half\n\nfour"
    response = await served.client.post(
        "/lines", content=in_chunks(*[bytes([byte]) for byte in text.encode()])
    )
    assert response.json() == {"first": "one\n", "short": "two", "rest": [" and a half\n", "\n", "four"]}
    response = await served.client.post("/csv", content='sku,title\r\n1,"größe, \nzwei"\r\n'.encode())
    assert response.json() == {"rows": [["sku", "title"], ["1", "größe, \nzwei"]]}


async def test_a_form_with_a_file_is_parsed(served: Served) -> None:
    response = await served.client.post(
        "/form", data={"field": "value"}, files={"file": ("a.bin", b"z" * MIB)}
    )
    assert response.json() == {"name": "a.bin", "size": MIB, "field": "value"}


async def test_continue_is_sent_only_when_the_body_is_wanted(served: Served) -> None:
    head = "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    async with await served.connect() as connection:
        await connection.send(head.format("/length").encode())
        assert (await connection.head())[0] == 100
        await connection.send(b"hello")
        assert (await connection.response())[2] == b'{"length":5}'
    async with await served.connect() as connection:
        await connection.send(head.format("/refuses").encode())
        assert (await connection.head())[0] == 401


async def test_an_unread_body_does_not_harm_the_next_request(served: Served) -> None:
    async with await served.connect() as connection:
        body = b"x" * 300_000
        for _ in range(2):
            await connection.send(
                b"POST /refuses HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + body
            )
            assert (await connection.response())[0] == 401


@pytest.mark.parametrize("path", ["/length", "/stream"])
@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
async def test_a_client_that_leaves_in_its_upload_is_no_server_error(
    app: Flask, served: Served, caplog: Any, path: str, framing: str
) -> None:
    connection = await served.connect()
    part = b"5\r\nhello\r\n" if "chunked" in framing else b"hello"
    await connection.send(f"POST {path} HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n".encode() + part)
    connection.abort()
    await until(lambda: app.extensions["state"]["errors"] == ["ClientDisconnected"])
    assert "Exception on" not in caplog.text


async def test_a_torn_body_stays_torn_for_whoever_reads_on(app: Flask, served: Served) -> None:
    connection = await served.connect()
    await connection.send(b"POST /reads-twice HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhello")
    connection.abort()
    await until(lambda: app.extensions["state"]["errors"] == ["ClientDisconnected"] * 2)


async def test_a_body_on_a_protocol_without_length_headers_is_read(app: Flask) -> None:
    messages = [
        {"type": "http.request", "body": b"hello ", "more_body": True},
        {"type": "http.request", "body": b"", "more_body": True},
        {"type": "http.request", "body": b"there", "more_body": False},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/length",
        "query_string": b"",
        "headers": [],
        "http_version": "2",
    }
    await Bridge(app)(scope, receive, send)
    assert sent[1]["body"] == b'{"length":11}'


async def test_pieces_shorter_than_asked_are_put_together(app: Flask, served: Served) -> None:
    @app.post("/exactly")
    def exactly() -> dict[str, Any]:
        stream = request.environ["wsgi.input"]
        found = [
            stream.read(4).decode(),
            stream.read(0).decode(),
            stream.read(100).decode(),
            stream.read(1).decode(),
        ]
        await_(asyncio.sleep(0))
        return {"found": found, "readable": stream.readable()}

    response = await served.client.post("/exactly", content=in_chunks(b"a", b"bc", b"defg", b"hi"))
    assert response.json() == {"found": ["abcd", "", "efghi", ""], "readable": True}
