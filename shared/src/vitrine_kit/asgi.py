"""The Flask bridge: an ordinary Flask app as an ASGI application, on the server's own event loop.

The one module that knows ASGI. Each request runs the app's whole WSGI call in a greenlet; async views are
awaited on the server's loop through Flask's documented `async_to_sync` override. Waiting itself is in
`greenlets`, threads are in `offload`; both are offered here again, as this is the module that services
import.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from contextvars import Context, copy_context
from functools import partial
from inspect import CO_COROUTINE
from io import BytesIO
from types import CoroutineType, MethodType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from flask import Flask
from flask.globals import _cv_app, _cv_request
from werkzeug.exceptions import NotFound

from vitrine_kit.greenlets import (
    NoGreenletError,
    await_,
    background_loop,
    drive,
    in_request_greenlet,
    iter_async,
    spawn,
)
from vitrine_kit.lean import make_lean
from vitrine_kit.loopwatch import DEFAULT_THRESHOLD_MS, LoopWatch
from vitrine_kit.offload import blocking, run_blocking
from vitrine_kit.request_body import Receive, RequestBody

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = [
    "Bridge",
    "NoGreenletError",
    "await_",
    "blocking",
    "bridge_lifespan",
    "in_request_greenlet",
    "install",
    "iter_async",
    "run_blocking",
    "spawn",
    "warm_ups",
]

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Any]
LifespanEntry = Callable[[Flask], contextlib.AbstractAsyncContextManager[Any]]
WarmUp = Callable[[], Awaitable[None]]

LIFESPAN_KEY = "vitrine_lifespan"
WARM_UPS_KEY = "vitrine_warm_ups"
INSTALLED_KEY = "vitrine_asgi"
LOOP_WATCH_VARIABLE = "VITRINE_LOOP_WATCH_MS"

logger = logging.getLogger("vitrine.asgi")

_BODILESS = frozenset((204, 304))
_UNIX_SERVER = ("localhost", 80)
"""What a UNIX socket, which has neither name nor port, goes by: WSGI demands both."""
_LARGEST_NAME_CACHE = 512


def bridge_lifespan(app: Flask) -> list[LifespanEntry]:
    """The app's lifespan: callables that take the app and return an async context manager.

    They are entered in order when the server starts and left in reverse order when it stops.
    """
    entries: list[LifespanEntry] = app.extensions.setdefault(LIFESPAN_KEY, [])
    return entries


def warm_ups(app: Flask) -> list[WarmUp]:
    """What a server does after the lifespan's start and before the first request; never a command, nor plain WSGI."""
    found: list[WarmUp] = app.extensions.setdefault(WARM_UPS_KEY, [])
    return found


def install(app: Flask) -> Flask:
    """Make `app` await its async views, handlers, callbacks and signal receivers through `await_`.

    Uses the methods Flask documents for it. `Bridge` does this to its app; the factory does it too, so
    that the same app works under a plain WSGI server, the command line and the test client.
    """
    if app.extensions.get(INSTALLED_KEY):
        return app
    app.extensions[INSTALLED_KEY] = True
    make_lean(app)
    ensure_sync_of_app = app.ensure_sync
    make_response_of_app = app.make_response

    def async_to_sync(func: Callable[..., Any]) -> Callable[..., Any]:
        return partial(_call_and_wait, func)

    def ensure_sync(func: Callable[..., Any]) -> Callable[..., Any]:
        # Flask asks this several times per request; the flag answers for plain functions and methods at once.
        plain = func.__func__ if type(func) is MethodType else func
        code = getattr(plain, "__code__", None)
        if code is None:
            return ensure_sync_of_app(func)
        if code.co_flags & CO_COROUTINE:
            return partial(_call_and_wait, func)
        # A function marked as a coroutine function carries the mark in its attributes.
        return ensure_sync_of_app(func) if plain.__dict__ else func

    def make_response(rv: Any) -> Any:
        # Extensions older than async views call a view without `ensure_sync` (Flask-DebugToolbar does).
        return make_response_of_app(await_(rv) if type(rv) is CoroutineType else rv)

    app.make_response = make_response  # type: ignore[method-assign]  # Flask documents these three as overridable
    app.async_to_sync = async_to_sync  # type: ignore[method-assign]  # likewise
    app.ensure_sync = ensure_sync  # type: ignore[method-assign]  # likewise
    return app


def _call_and_wait(func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    return await_(func(*args, **kwargs))


def _start_lifespan_in_background() -> None:
    """Start the current app's lifespan on the background loop, once, where no ASGI server does."""
    app_context = _cv_app.get(None)
    if app_context is None or background_loop.entered(app_context.app):
        return
    app = app_context.app
    background_loop.enter_once(app, [entry(app) for entry in bridge_lifespan(app)])


background_loop.on_use = _start_lifespan_in_background


class Bridge:
    """An ASGI 3 application that serves a Flask app: HTTP and lifespan; WebSockets are refused.

    `base_path` is the URL prefix the app is mounted under: it moves to `SCRIPT_NAME`, and a path outside of
    it is answered 404. `debugger` puts Werkzeug's interactive debugger around the app (never in production:
    it runs what is typed into it).
    """

    def __init__(self, app: Flask, *, base_path: str = "", debugger: bool = False) -> None:
        if base_path and (not base_path.startswith("/") or base_path.endswith("/")):
            raise ValueError(f"base_path must begin with a slash and not end with one: {base_path!r}")
        self.app = install(app)
        self.base_path = base_path
        self._wsgi_app: WSGIApplication = app
        if debugger:
            from werkzeug.debug import DebuggedApplication

            self._wsgi_app = DebuggedApplication(app, evalex=True)
        self._context = _without_flask(copy_context())
        # The debugger keeps frames in memory: it must be this very process that is asked for them.
        self._multiprocess = not debugger

    def __repr__(self) -> str:
        return f"<Bridge of {self.app!r}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        kind = scope["type"]
        if kind == "http":
            environ = self._build_environ(scope, receive)
            wsgi_app = self._mount(environ) if self.base_path else self._wsgi_app
            exchange = _Exchange(wsgi_app, environ, receive, send)
            if scope["method"] == "HEAD":
                exchange.bodiless = True
            try:
                await drive(exchange.run, self._context.copy())
            except asyncio.CancelledError:
                # Where it was us, to end a stream whose reader has gone, the server's task goes on.
                if not exchange.take_back_cancellation():
                    raise
            else:
                exchange.take_back_cancellation()
            finally:
                exchange.release()
        elif kind == "lifespan":
            await self._serve_lifespan(receive, send)
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "no WebSockets here"})
        else:
            raise ValueError(f"Unknown ASGI connection type: {kind!r}")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Bridge]:
        """Enter the app's lifespan for the length of the block, as a server does; for tests and tools."""
        async with contextlib.AsyncExitStack() as stack:
            threshold_ms = float(
                os.environ.get(LOOP_WATCH_VARIABLE) or (DEFAULT_THRESHOLD_MS if self.app.debug else 0)
            )
            if threshold_ms > 0:
                await stack.enter_async_context(LoopWatch(threshold_ms))
            for entry in bridge_lifespan(self.app):
                await stack.enter_async_context(entry(self.app))
            # Every request starts from a copy of this: it sees what the lifespan set, and nothing of other
            # requests.
            self._context = _without_flask(copy_context())
            yield self

    async def _serve_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        started = False
        try:
            async with self.running():
                for warm_up in warm_ups(self.app):
                    await warm_up()
                started = True
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except Exception as error:
            phase = "shutdown" if started else "startup"
            logger.exception("The lifespan %s of %s failed", phase, self.app.name)
            await send({"type": f"lifespan.{phase}.failed", "message": f"{type(error).__name__}: {error}"})
        else:
            await send({"type": "lifespan.shutdown.complete"})

    def _build_environ(self, scope: Scope, receive: Receive) -> dict[str, Any]:
        raw_path = scope.get("raw_path")
        if raw_path is None:
            path = scope["path"].encode().decode("latin-1")
        elif b"%" in raw_path:
            # The server's own decoded path replaces what is no UTF-8; WSGI wants the very bytes.
            path = unquote_to_bytes(raw_path).decode("latin-1")
        else:
            path = raw_path.decode("latin-1")
        root_path = scope.get("root_path", "")
        if root_path:
            root_path = root_path.rstrip("/").encode().decode("latin-1")
            if path == root_path or path.startswith(root_path + "/"):
                path = path[len(root_path) :]
        server = scope.get("server")
        client = scope.get("client")
        if not server or server[1] is None:
            server = _UNIX_SERVER
        environ: dict[str, Any] = {
            "REQUEST_METHOD": scope["method"],
            "SCRIPT_NAME": root_path,
            "PATH_INFO": path,
            "QUERY_STRING": scope["query_string"].decode("latin-1"),
            "SERVER_NAME": server[0],
            "SERVER_PORT": str(server[1]),
            "SERVER_PROTOCOL": "HTTP/" + scope["http_version"],
            "SERVER_SOFTWARE": "vitrine",
            "REMOTE_ADDR": client[0] if client else "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scope.get("scheme", "http"),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": self._multiprocess,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
            "asgi.scope": scope,
        }
        if client:
            environ["REMOTE_PORT"] = str(client[1])
        for name, value in scope["headers"]:
            key = _ENVIRON_KEYS.get(name)
            if key is None:
                key = _environ_key(name)
            if not key:
                continue
            text = value.decode("latin-1")
            if key in environ:
                text = environ[key] + ("; " if key == "HTTP_COOKIE" else ",") + text
            environ[key] = text

        if (
            "CONTENT_LENGTH" in environ
            or "HTTP_TRANSFER_ENCODING" in environ
            or scope["http_version"][:2] != "1."
        ):
            environ["wsgi.input"] = RequestBody(environ, receive)
        else:
            environ["wsgi.input"] = BytesIO()
        return environ

    def _mount(self, environ: dict[str, Any]) -> WSGIApplication:
        """Move the base path to where WSGI has it; what lies outside of it is not the app's."""
        path = environ["PATH_INFO"]
        if path != self.base_path and not path.startswith(self.base_path + "/"):
            return NotFound()
        environ["SCRIPT_NAME"] += self.base_path
        environ["PATH_INFO"] = path[len(self.base_path) :]
        return self._wsgi_app


class _Exchange:
    """One request and its response: what runs inside the greenlet."""

    __slots__ = (
        "_environ",
        "_headers",
        "_left",
        "_receive",
        "_send",
        "_sent_start",
        "_status",
        "_task",
        "_watcher",
        "_wsgi_app",
        "bodiless",
        "complete",
        "disconnected",
    )

    def __init__(
        self, wsgi_app: WSGIApplication, environ: dict[str, Any], receive: Receive, send: Send
    ) -> None:
        self._wsgi_app = wsgi_app
        self._environ = environ
        self._receive = receive
        self._send = send
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._left: int | None = None
        self._sent_start = False
        self._watcher: asyncio.Task[None] | None = None
        self._task: asyncio.Task[Any] | None = None
        self.bodiless = False
        self.complete = False
        self.disconnected = False

    def run(self) -> None:
        result = self._wsgi_app(self._environ, self.start_response)
        try:
            if self._status and self._left is None and not self.bodiless:
                # A stream may wait long before its first chunk; its reader may leave meanwhile.
                self._watch()
            self._send_body(result)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def take_back_cancellation(self) -> bool:
        """Undo our own cancelling of the task; False where somebody else wants it cancelled too, or alone."""
        return self.disconnected and self._task is not None and self._task.uncancel() == 0

    def release(self) -> None:
        """Let go of what would otherwise live until the garbage collector comes."""
        if self._watcher is not None:
            self._watcher.cancel()
        body = self._environ["wsgi.input"]
        if type(body) is RequestBody:
            body.release()

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        """WSGI's `start_response`; the returned `write` is the old way for apps that return no iterable."""
        if exc_info is not None and self._sent_start:
            raise exc_info[1].with_traceback(exc_info[2])
        if self._status and exc_info is None:
            raise AssertionError("start_response was called twice without exc_info")
        self._status = int(status[:3])
        self._left = None
        raw: list[tuple[bytes, bytes]] = []
        for name, value in headers:
            raw_name = _RAW_NAMES.get(name)
            if raw_name is None:
                raw_name = _raw_name(name)
            if raw_name == b"content-length":
                self._left = int(value)
            raw.append((raw_name, value.encode("latin-1")))
        self._headers = raw
        if self._status in _BODILESS:
            self.bodiless = True
        return self._write

    def _write(self, chunk: bytes) -> None:
        if chunk and not self.complete:
            self._send_chunk(chunk)

    def _send_body(self, result: Iterable[bytes]) -> None:
        for chunk in result:
            if chunk:
                if self.complete:
                    return  # more than was promised: the rest is not sent, nor asked for
                self._send_chunk(chunk)
                if self.disconnected:
                    return
        if not self.complete:
            self._start()
            self.complete = True
            await_(self._send({"type": "http.response.body", "body": b"", "more_body": False}))

    def _start(self) -> None:
        if not self._sent_start:
            if not self._status:
                raise AssertionError("the app sent a body before it called start_response")
            self._sent_start = True
            await_(
                self._send({"type": "http.response.start", "status": self._status, "headers": self._headers})
            )

    def _send_chunk(self, chunk: bytes) -> None:
        self._start()
        left = self._left
        if left is not None:
            if len(chunk) >= left:
                # All that was promised: the client gets the end now, whatever the app still does after it.
                self.complete = True
                body = {"type": "http.response.body", "body": chunk[:left], "more_body": False}
                await_(self._send(body))
                return
            self._left = left - len(chunk)
        await_(self._send({"type": "http.response.body", "body": chunk, "more_body": True}))
        self._watch()
        # A turn of the loop: a generator that never waits would keep every other request waiting, and would
        # never hear that its reader has gone.
        await_(_turn())

    def _watch(self) -> None:
        """Start to listen for the client leaving. Only for streams: it costs a task."""
        if self._watcher is None:
            self._task = asyncio.current_task()
            body = self._environ["wsgi.input"]
            if type(body) is RequestBody:
                body.watch()
            self._watcher = asyncio.get_running_loop().create_task(self._wait_for_disconnect())

    async def _wait_for_disconnect(self) -> None:
        body = self._environ["wsgi.input"]
        if type(body) is RequestBody:
            await body.until_disconnect()
        else:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        # The server also says so when the response has been sent to its end.
        if not self.complete and self._task is not None:
            self.disconnected = True
            self._task.cancel()


async def _turn() -> None:
    await asyncio.sleep(0)


def _without_flask(context: Context) -> Context:
    """`context` without a Flask app or request in it, for a request that starts from it."""
    if _cv_app not in context and _cv_request not in context:
        return context
    clean = Context()
    for variable, value in context.items():
        if variable is not _cv_app and variable is not _cv_request:
            clean.run(variable.set, value)
    return clean


def _environ_key(name: bytes) -> str:
    """The WSGI name of a request header; empty for one that must not get in.

    `X-User` and `X_User` would arrive as one name, and a proxy that strips the first would let the second
    pass.
    """
    text = name.decode("latin-1").upper()
    if "_" in text:
        key = ""
    elif text in {"CONTENT-TYPE", "CONTENT-LENGTH"}:
        key = text.replace("-", "_")
    else:
        key = "HTTP_" + text.replace("-", "_")
    # Names come from clients: the cache must not grow with them.
    if len(_ENVIRON_KEYS) < _LARGEST_NAME_CACHE:
        _ENVIRON_KEYS[name] = key
    return key


def _raw_name(name: str) -> bytes:
    raw = name.lower().encode("latin-1")
    if len(_RAW_NAMES) < _LARGEST_NAME_CACHE:
        _RAW_NAMES[name] = raw
    return raw


_ENVIRON_KEYS: dict[bytes, str] = {}
_RAW_NAMES: dict[str, bytes] = {}
