"""Problem documents (RFC 9457): the one tree of errors a client can see, and how Flask renders it.

Problem
├── BadRequest 400            ├── PreconditionFailed 412
├── Unauthenticated 401       ├── PayloadTooLarge 413
├── Forbidden 403             ├── UnsupportedMediaType 415
├── NotFound 404              ├── Unprocessable 422
├── MethodNotAllowed 405      ├── PreconditionRequired 428
├── Conflict 409              ├── TooManyRequests 429
├── Gone 410                  ├── Unavailable 503
└── …                         └── GatewayTimeout 504
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, ClassVar

import orjson
from flask import Flask, Response, request
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from vitrine_kit.logs import current_request_id, get_logger

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_RENDERERS = "vitrine_problem_renderers"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with the input: the dotted path of the field, what is wrong, and the line of a file."""

    field: str
    message: str
    line: int | None = None

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {"field": self.field, "message": self.message}
        if self.line is not None:
            found["line"] = self.line
        return found


class Problem(Exception):
    """An error with an HTTP status that the client may read; `extensions` are further members of the document."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extensions = extensions

    def document(self) -> dict[str, Any]:
        """The problem as the JSON object of RFC 9457, section 3."""
        found: dict[str, Any] = {"type": f"/problems/{self.slug}", "title": self.title, "status": self.status}
        if self.detail:
            found["detail"] = self.detail
        if self.errors:
            found["errors"] = [error.as_dict() for error in self.errors]
        return {**found, **self.extensions}


class BadRequest(Problem):
    status, slug, title = 400, "bad-request", "The request is malformed"


class Unauthenticated(Problem):
    status, slug, title = 401, "unauthenticated", "Sign in first"

    def __init__(self, detail: str = "", **kwargs: Any) -> None:
        headers = {"WWW-Authenticate": "Bearer", **(kwargs.pop("headers", None) or {})}
        super().__init__(detail, headers=headers, **kwargs)


class Forbidden(Problem):
    status, slug, title = 403, "forbidden", "You may not do this"


class NotFound(Problem):
    status, slug, title = 404, "not-found", "There is nothing here"


class MethodNotAllowed(Problem):
    status, slug, title = 405, "method-not-allowed", "This address does not take that method"


class Conflict(Problem):
    status, slug, title = 409, "conflict", "This conflicts with what is there"


class RequestInProgress(Conflict):
    """Another request with the same Idempotency-Key has begun and not ended; asked again later, its answer is there."""

    slug, title = "request-in-progress", "The same request is still running"


class Gone(Problem):
    status, slug, title = 410, "gone", "This is gone for good"


class PreconditionFailed(Problem):
    status, slug, title = 412, "precondition-failed", "It was changed in the meantime"


class PayloadTooLarge(Problem):
    status, slug, title = 413, "payload-too-large", "The body is too large"


class UnsupportedMediaType(Problem):
    status, slug, title = 415, "unsupported-media-type", "This content type is not taken here"


class Unprocessable(Problem):
    status, slug, title = 422, "unprocessable", "Some of the input is wrong"


class PreconditionRequired(Problem):
    status, slug, title = 428, "precondition-required", "Say which version you are changing"


class _Retryable(Problem):
    def __init__(self, detail: str = "", *, retry_after_s: float = 1, **kwargs: Any) -> None:
        headers = {"Retry-After": str(max(1, round(retry_after_s))), **(kwargs.pop("headers", None) or {})}
        super().__init__(detail, headers=headers, **kwargs)


class TooManyRequests(_Retryable):
    status, slug, title = 429, "too-many-requests", "Too many requests"


class Unavailable(_Retryable):
    status, slug, title = 503, "unavailable", "This is not available right now"


class GatewayTimeout(Problem):
    status, slug, title = 504, "timeout", "The request ran out of time"


def of_http_exception(error: HTTPException) -> Problem:
    """The problem for one of Werkzeug's own errors, keeping its status and headers."""
    status = error.code or 500
    for kind in _known_kinds():
        if kind.status == status:
            found = kind(error.description or "")
            break
    else:
        found = _kind_of(status)(error.description or "")
    skipped = {"content-type", "content-length"}
    found.headers.update({k: v for k, v in error.get_headers() if k.lower() not in skipped})
    return found


@cache
def _kind_of(status: int) -> type[Problem]:
    phrase = HTTPStatus(status).phrase
    slug = phrase.lower().replace(" ", "-").replace("'", "")
    return type("HttpProblem", (Problem,), {"status": status, "slug": slug, "title": phrase})


def _known_kinds() -> list[type[Problem]]:
    kinds = [kind for kind in Problem.__subclasses__() if kind is not _Retryable]
    return [kind for kind in kinds + _Retryable.__subclasses__() if kind.status != 500]


# SQLSTATE classes and codes that the input causes, and what to tell the client (PostgreSQL manual, appendix A).
_INPUT_STATES = {
    "22021": "It holds a character that cannot be stored (a NUL, or bytes that are no UTF-8).",
    "22P05": "It holds a character that cannot be stored.",
    "22003": "A number is out of range.",
    "22001": "A text is too long.",
    "22008": "A date or time is out of range.",
    "22007": "A date or time is malformed.",
    "22P02": "A value has the wrong form.",
    "54000": "The input is too large to be indexed.",
}
_FULL_STATES = {"53100", "53200"}  # the database's disk, its memory
_RETRY_STATES = {"40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53300", "08006", "08003", "08001"}


def of_database_error(error: DBAPIError) -> Problem | None:
    """The problem for a database error that is the input's or the moment's fault, else None."""
    state = getattr(error.orig, "sqlstate", None) or ""
    if state in _INPUT_STATES:
        return Unprocessable(_INPUT_STATES[state])
    if isinstance(error, IntegrityError):
        return Conflict("Another change got there first. Read it again and retry.")
    if state == "57014":
        return GatewayTimeout("The database did not answer in time.")
    if state in _FULL_STATES:
        log.error("database_full", state=state)
        return Unavailable("There is no room left to store this. Try again later.", retry_after_s=60)
    if state in _RETRY_STATES or error.connection_invalidated:
        return Unavailable("The database is busy. Try again in a moment.")
    return None


def of_exception(error: Exception) -> Problem:
    """The problem for any exception; what is not known becomes a 500 that tells nothing of its cause."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return of_http_exception(error)
    if isinstance(error, PoolTimeout):
        return Unavailable("All database connections are in use. Try again in a moment.")
    if isinstance(error, DBAPIError):
        found = of_database_error(error)
        if found is not None:
            log.warning(
                "database_error", state=getattr(error.orig, "sqlstate", None), kind=type(error).__name__
            )
            return found
    if isinstance(error, (ConnectionError, TimeoutError)):
        log.warning("dependency_unreachable", exc_info=error)
        return Unavailable("Something this needs is not reachable right now.")
    log.error("unexpected_error", exc_info=error)
    return Problem("Something went wrong on our side. The request id helps to find it.")


def response_of(problem: Problem) -> Response:
    """The problem as an HTTP response; its status is the document's."""
    body = {**problem.document(), "request_id": current_request_id()}
    response = Response(orjson.dumps(body, default=str), status=problem.status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(problem.headers)
    return response


def render_below(app: Flask, prefix: str, render: Callable[[Problem], Any]) -> None:
    """Has problems of paths that begin with `prefix` told as `render` does, where a protocol has a form of its own.

    Also those of paths that lead nowhere, which no blueprint's own error handler sees.
    """
    app.extensions.setdefault(_RENDERERS, []).append((prefix, render))


def register(app: Flask, *, render: Callable[[Problem], Any] | None = None) -> None:
    """Answers every error of the app with a problem document, or with what `render` makes of the problem."""

    def answer(error: Exception) -> Any:
        if isinstance(error, HTTPException) and error.code is not None and error.code < 400:
            return error
        problem = of_exception(error)
        for prefix, render_own in app.extensions.get(_RENDERERS, ()):
            if request.path.startswith(prefix):
                return render_own(problem)
        return render(problem) if render is not None else response_of(problem)

    app.register_error_handler(Exception, answer)
