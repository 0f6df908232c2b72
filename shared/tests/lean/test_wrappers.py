"""Lean requests and responses hold and answer what Flask's own do."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import (
    Flask,
    Request,
    Response,
    request,
)
from vitrine_kit.lean import LeanRequest, make_lean

PATHS = [
    "/dict",
    "/text",
    "/list",
    "/tuple-body",
    "/no-length",
    "/stream",
    "/redirect",
    "/content-location",
    "/cookie",
    "/etag",
    "/bytes/200",
    "/bytes/204",
    "/bytes/304",
    "/bytes/418",
    "/bytes/799",
    "/slash",
    "/slash/",
    "/nowhere",
    "/url/a/b",
    "/url/gr%C3%B6%C3%9Fe?q=%C3%A4",
    "//double",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_answers_are_the_same(clients: tuple[Any, Any], path: str, method: str) -> None:
    for _ in range(2):  # the second time from what was remembered of the first
        original, lean = (client.open(path, method=method) for client in clients)
        assert lean.status == original.status
        assert sorted(_plain(lean)) == sorted(_plain(original))
        if original.mimetype == "application/json" and original.data:
            assert lean.get_json() == original.get_json()
        else:
            assert lean.data == original.data


def _plain(response: Any) -> list[tuple[str, str]]:
    # JSON is written without spaces and newline by the one and not the other: its length differs.
    skipped = ("Content-Length",) if response.mimetype == "application/json" else ()
    return [(name, value) for name, value in response.headers if name not in skipped]


def test_callbacks_on_close_run() -> None:
    closed = []
    app = make_lean(Flask("closes"))

    @app.get("/")
    def index() -> Response:
        response = app.make_response({"a": 1})
        response.call_on_close(lambda: closed.append(True))
        return response

    with app.test_client() as client:
        client.get("/").close()
    assert closed == [True]


def test_uploaded_files_are_closed_after_the_request() -> None:
    app = make_lean(Flask("uploads"))
    streams = []

    @app.post("/")
    def take() -> list[str]:
        streams.append(request.files["one"].stream)
        return [request.files["one"].read().decode()]

    answer = app.test_client().post("/", data={"one": (io.BytesIO(b"text"), "one.txt")})
    assert answer.json == ["text"]
    assert [stream.closed for stream in streams] == [True]


ENVIRONS = [
    {},
    {"QUERY_STRING": "q=%C3%A4", "PATH_INFO": "//gr\xc3\xb6\xc3\x9fe", "SCRIPT_NAME": "/mount/"},
    {"SERVER_PORT": ""},
    {"SERVER_PORT": "/run/app.sock"},
    {"REQUEST_METHOD": "post", "wsgi.url_scheme": "https", "REMOTE_ADDR": "192.0.2.1"},
]


@pytest.mark.parametrize("changes", ENVIRONS)
@pytest.mark.parametrize("shallow", [False, True])
def test_requests_hold_the_same(changes: dict[str, str], shallow: bool) -> None:
    bare = {"REQUEST_METHOD": "GET", "SERVER_NAME": "shop.example", "SERVER_PORT": "8080"}
    environs = [{**bare, **changes} for _ in range(2)]
    original, lean = (
        kind(environ, shallow=shallow) for kind, environ in zip((Request, LeanRequest), environs, strict=True)
    )
    held = [dict(vars(one), headers=list(one.headers), environ=set(one.environ)) for one in (original, lean)]
    assert held[0] == held[1]
    assert lean.environ.get("werkzeug.request") is (None if shallow else lean)
    assert LeanRequest({}).server is None
