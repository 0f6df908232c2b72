"""Requests and responses that cost less to make."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Request, Response
from werkzeug.datastructures import EnvironHeaders, Headers
from werkzeug.http import HTTP_STATUS_CODES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_STATUS_LINES = {code: f"{code} {name.upper()}" for code, name in HTTP_STATUS_CODES.items()}
_FOR_THE_ORIGINAL = frozenset(("location", "content-location"))


def wsgi_text(value: str) -> str:
    """The text behind WSGI's bytes-as-latin-1."""
    return value if value.isascii() else value.encode("latin-1").decode(errors="replace")


class LeanRequest(Request):
    """A request made without the two calls that spread the environ; nothing to close unless its files were read."""

    def __init__(
        self, environ: WSGIEnvironment, populate_request: bool = True, shallow: bool = False
    ) -> None:
        port = environ.get("SERVER_PORT", "")
        if "SERVER_NAME" not in environ or not port.isdecimal():
            super().__init__(environ, populate_request, shallow)
            return
        self.method = environ.get("REQUEST_METHOD", "GET").upper()
        self.scheme = environ.get("wsgi.url_scheme", "http")
        self.server = environ["SERVER_NAME"], int(port)
        self.root_path = wsgi_text(environ.get("SCRIPT_NAME") or "").rstrip("/")
        self.path = "/" + wsgi_text(environ.get("PATH_INFO") or "").lstrip("/")
        self.query_string = environ.get("QUERY_STRING", "").encode("latin-1")
        self.headers = EnvironHeaders(environ)
        self.remote_addr = environ.get("REMOTE_ADDR")
        self.environ = environ
        self.shallow = shallow
        if populate_request and not shallow:
            environ["werkzeug.request"] = self

    def close(self) -> None:
        if "files" in self.__dict__:
            super().close()


class LeanResponse(Response):
    """A response whose whole body is at hand goes out without copying its headers and wrapping its body."""

    def __init__(
        self,
        response: Any = None,
        status: Any = None,
        headers: Any = None,
        mimetype: str | None = None,
        content_type: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        if (
            mimetype == "application/json"
            and type(response) is bytes
            and headers is None
            and content_type is None
        ):
            line = _STATUS_LINES.get(200 if status is None else status)
            if line is not None:
                self._status = line
                self._status_code = status or 200
                self.headers = Headers()
                self.headers._list = [("Content-Type", mimetype), ("Content-Length", str(len(response)))]
                self.direct_passthrough = direct_passthrough
                self._on_close = []
                self.response = [response]
                return
        super().__init__(response, status, headers, mimetype, content_type, direct_passthrough)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status = self._status_code
        body = self.response
        if (
            type(body) is not list
            or self._on_close
            or status < 200
            or status in (204, 304)
            or environ["REQUEST_METHOD"] == "HEAD"
        ):
            return super().__call__(environ, start_response)
        headers = self.headers._list
        has_length = False
        for name, _ in headers:
            lowered = name.lower()
            if lowered == "content-length":
                has_length = True
            elif lowered in _FOR_THE_ORIGINAL:
                return super().__call__(environ, start_response)
        chunks = [chunk.encode() if type(chunk) is str else chunk for chunk in body]
        headers = headers.copy()
        if not has_length and self.automatically_set_content_length:
            headers.append(("Content-Length", str(sum(map(len, chunks)))))
        start_response(self._status, headers)
        return chunks
