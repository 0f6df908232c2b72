"""SCIM's own form of errors (RFC 7644, section 3.12), made of the problems that everything here raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from flask import Response, request
from pydantic import ValidationError
from scim2_models import Error, SCIMException
from vitrine_kit.problems import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    Problem,
    Unprocessable,
)

from vitrine_users.accounts.errors import AddressTaken
from vitrine_users.roles.errors import BuiltInRole, RoleTaken

MEDIA_TYPE = "application/scim+json"
SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"

_KINDS: dict[int, type[Problem]] = {
    kind.status: kind
    for kind in (BadRequest, Forbidden, NotFound, Conflict, PreconditionFailed, PayloadTooLarge)
}

_NOT_SERVED = ("/v2/Me", "/v2/Bulk")
"""How the addresses end of what the protocol has and this service has not, as its configuration says."""


class NotServed(Problem):
    """A part of SCIM that is not here (RFC 7644, sections 3.7 and 3.11)."""

    status, slug, title = 501, "not-implemented", "This part of SCIM is not here"


class NoSuchResource(NotFound):
    """No resource has this id."""

    def __init__(self) -> None:
        super().__init__("There is no such resource.")


class InvalidValue(BadRequest):
    """A value is none that can be kept; says which attribute and why."""

    def __init__(self, attribute: str, message: str) -> None:
        super().__init__(f"{attribute}: {message}", scimType="invalidValue")


class Immutable(BadRequest):
    """Something was to be changed that stays as it is."""

    def __init__(self, message: str) -> None:
        super().__init__(message, scimType="mutability")


class Taken(Conflict):
    """A name that has to be the only one of its kind is somebody else's."""

    def __init__(self, attribute: str) -> None:
        super().__init__(f"{attribute}: another resource has this value.", scimType="uniqueness")


class TooMany(BadRequest):
    """A request changes more members at once than it may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"Change at most {limit} members at once.", scimType="tooMany")


@contextmanager
def as_problems() -> Iterator[None]:
    """Turns what scim2-models finds wrong with a request into problems.

    Raises:
        Problem: with the status and the keyword of RFC 7644.
    """
    try:
        yield
    except ValidationError as error:
        raise _of(Error.from_validation_errors(error)[0]) from None
    except SCIMException as error:
        raise _of(error.to_error()) from None
    except RecursionError:
        raise BadRequest("This is nested too deeply.", scimType="invalidFilter") from None


def _of(error: Error) -> Problem:
    kind = _KINDS.get(error.status or 400, BadRequest)
    more: dict[str, Any] = {"scimType": error.scim_type} if error.scim_type else {}
    return kind((error.detail or "")[:500], **more)


def render(problem: Problem) -> Response:
    """A problem as a SCIM client reads it; 422 is no status of SCIM's."""
    if isinstance(problem, NotFound) and request.path.endswith(_NOT_SERVED):
        problem = NotServed(f"{request.path[request.path.rindex('/') :]} is not served here.")
    status = 400 if isinstance(problem, Unprocessable) else problem.status
    keyword = problem.extensions.get("scimType")
    if isinstance(problem, AddressTaken | RoleTaken):
        keyword = "uniqueness"
    elif isinstance(problem, BuiltInRole):
        status, keyword = 400, "mutability"
    elif isinstance(problem, Unprocessable):
        keyword = "invalidValue"
    body: dict[str, Any] = {"schemas": [SCHEMA], "status": str(status)}
    if keyword:
        body["scimType"] = keyword
    body["detail"] = problem.detail or problem.title
    response = Response(orjson.dumps(body), status=status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(problem.headers)
    return response
