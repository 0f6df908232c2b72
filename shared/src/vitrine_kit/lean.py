"""Cheaper forms of what Flask and Werkzeug do for every request, put in place through the hooks Flask documents.

Each does the same as the original in the common case and hands everything else to the original.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import orjson
from flask import Flask, Request, Response
from flask.json.provider import DefaultJSONProvider
from werkzeug.datastructures import Headers
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.routing import MapAdapter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_STATUS_LINES = {code: f"{code} {name.upper()}" for code, name in HTTP_STATUS_CODES.items()}
# Flask writes these types in ways of its own; and a MultiDict is a dict of lists only to those who look inside.
_JSON_OPTIONS = (
    orjson.OPT_NON_STR_KEYS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
_MOST_HOSTS = 64
_FOR_THE_ORIGINAL = frozenset(("location", "content-location"))


def make_lean(app: Flask) -> Flask:
    """Give `app` the lean forms, wherever it does not have a class or method of its own in that place."""
    if app.request_class is Request:
        app.request_class = LeanRequest
    if app.response_class is Response:
        app.response_class = LeanResponse
    if type(app.json) is DefaultJSONProvider:
        app.json = OrjsonProvider(app)
    if type(app).create_url_adapter is Flask.create_url_adapter:
        app.create_url_adapter = UrlAdapters(app)  # type: ignore[method-assign]  # documented as overridable
    if type(app).make_response is Flask.make_response:
        make_other = app.make_response

        def make_response(rv: Any) -> Response:
            # The first that Flask does with a dict or a list, after asking what else it may be.
            kind = type(rv)
            return cast(Response, app.json.response(rv)) if kind is dict or kind is list else make_other(rv)

        app.make_response = make_response  # type: ignore[method-assign]  # documented as overridable
    return app


class LeanRequest(Request):
    """A request that has nothing to close unless its files were read."""

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


class OrjsonProvider(DefaultJSONProvider):
    """Writes Flask's JSON with orjson: the same types and the same order of keys, in UTF-8 without escapes.

    What orjson refuses (integers beyond 64 bits, lone surrogates) the original writes; in debug mode it
    writes everything, indented.
    """

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        if kwargs:
            return super().dumps(obj, **kwargs)
        return self._encode(obj).decode()

    def response(self, *args: Any, **kwargs: Any) -> Response:
        if self._app.debug:
            return cast(Response, super().response(*args, **kwargs))
        body = self._encode(self._prepare_response_obj(args, kwargs))
        make_response = cast("type[Response]", self._app.response_class)
        return make_response(body, mimetype=self.mimetype)

    def _encode(self, obj: Any) -> bytes:
        option = _JSON_OPTIONS | orjson.OPT_SORT_KEYS if self.sort_keys else _JSON_OPTIONS
        try:
            return orjson.dumps(obj, self._write_other, option)
        except TypeError:
            return super().dumps(obj).encode()

    def _write_other(self, value: Any) -> Any:
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, dict):
            return dict(value.items())
        if isinstance(value, (list, tuple)):
            return list(value)
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return float(value)
        return self.default(value)


class UrlAdapters:
    """Binds the URL map to a request; what depends on scheme and host alone is worked out once for each."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._original = app.create_url_adapter
        self._config = app.config
        self._known: dict[tuple[str, str], tuple[str, MapAdapter]] = {}

    def __call__(self, request: Request | None) -> MapAdapter | None:
        config = self._config
        if request is None:
            return self._original(None) if config["SERVER_NAME"] is not None else None
        environ = request.environ
        host = environ.get("HTTP_HOST")
        if (
            host is None
            or "HTTP_UPGRADE" in environ
            or config["TRUSTED_HOSTS"] is not None
            or request.trusted_hosts is not None
        ):
            return self._original(request)
        scheme = environ["wsgi.url_scheme"]
        known = self._known.get((scheme, host))
        if known is None:
            adapter = self._original(request)
            # Only what Werkzeug took for a valid host gets here; clients name hosts, so the number is
            # bounded.
            if adapter is not None and len(self._known) < _MOST_HOSTS:
                self._known[scheme, host] = (request.host, adapter)
            return adapter
        request.host, pattern = known
        return MapAdapter(
            pattern.map,
            pattern.server_name,
            _wsgi_text(environ.get("SCRIPT_NAME", "")),
            pattern.subdomain,
            pattern.url_scheme,
            _wsgi_text(environ.get("PATH_INFO", "")),
            environ["REQUEST_METHOD"],
            _wsgi_text(environ.get("QUERY_STRING", "")),
        )


def _wsgi_text(value: str) -> str:
    """The text behind WSGI's bytes-as-latin-1."""
    return value if value.isascii() else value.encode("latin-1").decode(errors="replace")
