"""The WSGI environ the bridge builds: headers, paths, mounts, addresses; and what is no HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from bridge_serving import RawConnection, serve
from flask import Flask, Response, redirect, request, url_for
from vitrine_kit.asgi import Bridge, spawn


def build_app() -> Flask:
    app = Flask("environ")

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST"])
    @app.route("/<path:path>", methods=["GET", "POST"])
    def show(path: str) -> dict[str, Any]:
        known = ("REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME", "PATH_INFO", "SERVER_PROTOCOL")
        return {
            "path": path,
            "headers": sorted(request.headers.items()),
            "cookies": request.cookies,
            "environ": {name: request.environ.get(name) for name in known},
            "args": request.args,
            "url": request.url,
            "made": url_for("show", path="made"),
        }

    @app.get("/cookies")
    def cookies() -> Response:
        response = redirect("/elsewhere")
        for name in ("a", "b", "c"):
            response.set_cookie(name, f"{name} value")
        response.headers.add("X-Name", "größe".encode().decode("latin-1"))
        return response

    return app


def scope_of(path: str = "/", headers: Sequence[tuple[bytes, bytes]] = (), **changes: Any) -> dict[str, Any]:
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "server": ("server.example", 8000),
        "client": ("203.0.113.9", 4711),
        "headers": [(b"host", b"shop.example"), *headers],
    }
    return {**scope, **changes}


async def call(bridge: Bridge, scope: dict[str, Any]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    sent: list[Any] = []
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    await bridge(scope, receive, send)
    return sent[0]["status"], sent[0]["headers"], b"".join(message.get("body", b"") for message in sent[1:])


async def shown(scope: dict[str, Any], **options: Any) -> Any:
    app = build_app()
    status, _, body = await call(Bridge(app, **options), scope)
    assert status == 200, body
    return app.json.loads(body)


async def test_headers_of_one_name_are_joined_and_cookies_by_semicolon() -> None:
    headers = [
        (b"accept", b"a"),
        (b"x-many", b"1"),
        (b"cookie", b"a=1"),
        (b"x-many", b"2"),
        (b"cookie", b"b=2"),
    ]
    found = await shown(scope_of(headers=headers))
    assert ["X-Many", "1,2"] in found["headers"]
    assert found["cookies"] == {"a": "1", "b": "2"}


async def test_a_header_with_an_underscore_does_not_get_in() -> None:
    found = await shown(scope_of(headers=[(b"x_real_ip", b"6.6.6.6"), (b"x-real-ip", b"203.0.113.9")]))
    assert [header for header in found["headers"] if header[0] == "X-Real-Ip"] == [
        ["X-Real-Ip", "203.0.113.9"]
    ]
    assert "6.6.6.6" not in str(found["headers"])


async def test_more_header_names_than_are_remembered_work_alike() -> None:
    bridge = Bridge(build_app())
    for number in range(600):
        _, _, body = await call(bridge, scope_of(headers=[(f"x-header-{number}".encode(), b"v")]))
        assert f'["X-Header-{number}","v"]'.encode() in body


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/plain", "plain"),
        (b"/gr%C3%B6%C3%9Fe", "größe"),
        (b"/a%2Fb", "a/b"),
        (b"/broken%FF", "broken\ufffd"),
    ],
)
async def test_paths_are_taken_from_the_very_bytes(raw: bytes, path: str) -> None:
    assert (await shown(scope_of(raw_path=raw, path="/replaced")))["path"] == path


async def test_a_server_that_gives_no_raw_path_will_do() -> None:
    scope = scope_of("/größe")
    del scope["raw_path"]
    assert (await shown(scope))["path"] == "größe"


async def test_query_and_url() -> None:
    found = await shown(scope_of("/x", query_string=b"q=%C3%A4&r=1+2", scheme="https"))
    assert found["args"] == {"q": "ä", "r": "1 2"}
    assert found["url"] == "https://shop.example/x?q=ä&r=1+2"


async def test_the_root_path_of_the_server_becomes_the_script_name() -> None:
    found = await shown(scope_of("/shop/item", root_path="/shop"))
    assert (found["environ"]["SCRIPT_NAME"], found["environ"]["PATH_INFO"]) == ("/shop", "/item")
    assert found["made"] == "/shop/made"
    # A server that leaves it out of the path, and a path that only looks alike.
    found = await shown(scope_of("/shopping", root_path="/shop/"))
    assert (found["environ"]["SCRIPT_NAME"], found["environ"]["PATH_INFO"]) == ("/shop", "/shopping")


@pytest.mark.parametrize(
    ("path", "info"), [("/mount/item", "/item"), ("/mount/", "/"), ("/mount/mount", "/mount")]
)
async def test_the_base_path_becomes_the_script_name(path: str, info: str) -> None:
    found = await shown(scope_of(path), base_path="/mount")
    assert (found["environ"]["SCRIPT_NAME"], found["environ"]["PATH_INFO"]) == ("/mount", info)
    assert found["made"] == "/mount/made"


@pytest.mark.parametrize("path", ["/", "/item", "/mountain", "/x/mount/"])
async def test_outside_of_the_base_path_there_is_nothing(path: str) -> None:
    status, _, body = await call(Bridge(build_app(), base_path="/mount"), scope_of(path))
    assert status == 404
    assert b"not found" in body.lower()


@pytest.mark.parametrize("base_path", ["mount", "/mount/", "/"])
def test_a_wrong_base_path_is_refused_at_once(base_path: str) -> None:
    with pytest.raises(ValueError, match="base_path"):
        Bridge(build_app(), base_path=base_path)


async def test_addresses_are_passed_on_and_may_be_missing() -> None:
    found = (await shown(scope_of()))["environ"]
    assert (found["REMOTE_ADDR"], found["SERVER_NAME"], found["SERVER_PORT"]) == (
        "203.0.113.9",
        "server.example",
        "8000",
    )
    found = (await shown(scope_of(client=None, server=("/run/users.sock", None))))["environ"]
    assert (found["REMOTE_ADDR"], found["SERVER_NAME"], found["SERVER_PORT"]) == ("", "localhost", "80")


async def test_several_cookies_are_set_and_text_is_encoded() -> None:
    status, headers, _ = await call(Bridge(build_app()), scope_of("/cookies"))
    assert status == 302
    assert [value.split(b";")[0] for name, value in headers if name == b"set-cookie"] == [
        b'a="a value"',
        b'b="b value"',
        b'c="c value"',
    ]
    assert (b"x-name", "größe".encode()) in headers


async def test_hundreds_of_response_headers_go_out() -> None:
    app = Flask("many")

    @app.get("/")
    def many() -> Response:
        response = Response("many")
        for number in range(600):
            response.headers.add(f"X-Header-{number}", str(number))
        return response

    _, headers, _ = await call(Bridge(app), scope_of())
    assert {(f"x-header-{number}".encode(), str(number).encode()) for number in range(600)} <= set(headers)


async def test_a_websocket_is_refused_before_it_opens() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await Bridge(build_app())({"type": "websocket", "path": "/"}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_an_upgrade_through_the_server_is_answered_as_http() -> None:
    async with serve(Bridge(build_app())) as served, await served.connect() as connection:
        upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        upgrade += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
        await connection.send(b"GET / HTTP/1.1\r\nHost: x\r\n" + upgrade + b"\r\n")
        status, _ = await connection.head()
        assert 400 <= status < 500


async def test_an_unknown_protocol_is_an_error() -> None:
    with pytest.raises(ValueError, match="carrier-pigeon"):
        await call(Bridge(build_app()), scope_of(type="carrier-pigeon"))


async def test_a_plain_wsgi_application_in_the_way_works() -> None:
    app = build_app()
    inner = app.wsgi_app

    def middleware(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/written":
            write = start_response("200 OK", [("Content-Type", "text/plain")])
            write(b"written ")
            return [b"", b"returned"]
        if environ["PATH_INFO"] == "/replaced":
            start_response("200 OK", [("Content-Type", "text/plain")])
            try:
                raise ValueError
            except ValueError:
                import sys

                start_response("503 Sorry", [("Content-Type", "text/plain")], sys.exc_info())
            return [b"replaced"]
        if environ["PATH_INFO"] == "/twice":
            start_response("200 OK", [])
            start_response("200 OK", [])
        if environ["PATH_INFO"] == "/never":
            return [b"no start"]
        return inner(environ, start_response)

    app.wsgi_app = middleware  # type: ignore[method-assign]  # the way Flask documents
    bridge = Bridge(app)
    assert (await call(bridge, scope_of("/written")))[2] == b"written returned"
    status, _, body = await call(bridge, scope_of("/replaced"))
    assert (status, body) == (503, b"replaced")
    assert (await call(bridge, scope_of("/other")))[0] == 200
    for path in ("/twice", "/never"):
        with pytest.raises(AssertionError, match="start_response"):
            await call(bridge, scope_of(path))


async def test_an_error_after_the_headers_went_out_is_raised() -> None:
    def broken(_: Any, start_response: Any) -> Any:
        import sys

        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"some")
        try:
            raise KeyError("late")
        except KeyError:
            start_response("500 Late", [], sys.exc_info())
        return []

    app = build_app()
    app.wsgi_app = broken  # type: ignore[method-assign]  # the way Flask documents
    with pytest.raises(KeyError, match="late"):
        await call(Bridge(app), scope_of())


async def test_the_debugger_shows_the_frames_and_evaluates_in_them(capsys: Any) -> None:
    app = build_app()
    app.debug = True

    @app.get("/fails")
    async def fails() -> str:
        secret_ingredient = "cinnamon"
        raise ValueError(secret_ingredient)

    bridge = Bridge(app, debugger=True)
    debugger = bridge._wsgi_app
    debugger.pin = None  # type: ignore[union-attr]  # no PIN is asked for where there is nobody to type it
    local = [(b"host", b"localhost")]
    status, _, body = await call(bridge, scope_of("/fails", headers=()) | {"headers": local})
    assert status == 500
    assert b"secret_ingredient" in body
    secret = debugger.secret  # type: ignore[union-attr]
    frame = list(debugger.frames)[-1]  # type: ignore[union-attr]
    query = f"__debugger__=yes&cmd=secret_ingredient%2Brequest.path&frm={frame}&s={secret}".encode()
    scope = scope_of("/fails", query_string=query) | {"headers": local}
    status, _, body = await call(bridge, scope)
    assert status == 200
    assert b"cinnamon/fails" in body
    assert "ValueError: cinnamon" in capsys.readouterr().err


async def test_raw_connections_may_pipeline() -> None:
    async with serve(Bridge(build_app())) as served:
        connection: RawConnection = await served.connect()
        async with connection:
            await connection.send(b"GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\n\r\n")
            for path in (b'"path":"one"', b'"path":"two"'):
                assert path in (await connection.response())[2]


async def test_the_test_client_works_on_a_running_loop() -> None:
    app = Bridge(build_app()).app
    response = await spawn(app.test_client().get, "/from/the/client")
    assert response.json["path"] == "from/the/client"
