"""JSON log lines on standard error, each with the request's id; no secret and no body is ever logged."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import orjson
import structlog
from flask import Flask, Response, request
from structlog.typing import EventDict

from vitrine_kit.ids import new_id

_request_id: ContextVar[str | None] = ContextVar("vitrine_request_id", default=None)
_SANE_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")
QUIET_PATHS = ("/livez", "/readyz", "/metrics")


def get_logger(name: str) -> Any:
    """A structured logger: `log.info("event_name", key=value)`."""
    return structlog.get_logger(name)


def current_request_id() -> str | None:
    """The id of the request being served, or None outside of one."""
    return _request_id.get()


@contextmanager
def on_behalf_of(request_id: str | None) -> Iterator[None]:
    """Logs what is done within, and calls neighbours, under the id of the request that asked for it some time ago."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def _add_request_id(_logger: Any, _method: str, event: EventDict) -> EventDict:
    if (found := _request_id.get()) is not None:
        event.setdefault("request_id", found)
    return event


def _to_json(value: Any, **_kwargs: Any) -> str:
    return orjson.dumps(value, default=str).decode()


def configure_logging(service: str, instance: str, level: str = "INFO") -> None:
    """Sends structlog's and the standard library's records to standard error as one JSON object a line."""

    def add_origin(_logger: Any, _method: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        event.setdefault("instance", instance)
        return event

    chain: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
        add_origin,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *chain,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=chain,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # The client of a neighbour tells of every call at INFO; our own clients log what goes wrong.
    logging.getLogger("httpx").setLevel(max(logging.WARNING, root.level))


def register(app: Flask) -> None:
    """Takes or makes the request's id, returns it in the answer, and writes a line for each request.

    Nginx logs every request; ours is at level DEBUG but for errors of the server, which are warnings.
    """
    log = get_logger("vitrine.request")

    def start() -> None:
        environ = request.environ
        given = environ.get("HTTP_X_REQUEST_ID", "")
        _request_id.set(given if _SANE_ID.match(given) else str(new_id()))
        environ["vitrine.started_s"] = time.perf_counter()

    def finish(response: Response) -> Response:
        request_id = _request_id.get()
        if request_id is not None:
            response.headers["X-Request-Id"] = request_id
        status = response.status_code
        level = logging.WARNING if status >= 500 else logging.DEBUG
        if logging.getLogger("vitrine.request").isEnabledFor(level):
            environ = request.environ
            path = environ["PATH_INFO"]
            if path not in QUIET_PATHS:
                duration_ms = round((time.perf_counter() - environ.get("vitrine.started_s", 0)) * 1000, 2)
                # What a route calls `token` is the secret of a link.
                secret = (request.view_args or {}).get("token")
                path = path.replace(secret, "…") if secret else path
                method = environ["REQUEST_METHOD"]
                log.log(level, "request", method=method, path=path, status=status, duration_ms=duration_ms)
        return response

    app.before_request(start)
    app.after_request(finish)
