"""Reading a neighbour's answers: into frozen dataclasses, ignoring unknown members; or into the problem they tell."""

from __future__ import annotations

from typing import Any, TypeVar

import httpx
import orjson
from pydantic import TypeAdapter, ValidationError
from vitrine_kit import problems
from vitrine_kit.logs import get_logger
from vitrine_kit.problems import FieldError, Problem, Unavailable

log = get_logger(__name__)

T = TypeVar("T")


class ProviderAway(problems.Problem):
    """Somebody whom one may sign in with cannot be reached; users itself is well."""

    status, slug, title = 424, "provider-unavailable", "The provider cannot be reached"


_KINDS: dict[int, type[Problem]] = {
    kind.status: kind
    for kind in (
        problems.BadRequest,
        problems.Unauthenticated,
        problems.Forbidden,
        problems.NotFound,
        problems.Conflict,
        problems.Gone,
        problems.PreconditionFailed,
        problems.PayloadTooLarge,
        problems.UnsupportedMediaType,
        problems.Unprocessable,
        problems.PreconditionRequired,
        problems.TooManyRequests,
        problems.GatewayTimeout,
        ProviderAway,
    )
}


class ChallengeNeeded(problems.TooManyRequests):
    """Many tries fail just now: a challenge is to be solved, or waited for, before this one is looked at."""

    def __init__(self, detail: str, *, challenge: dict[str, Any], wait_s: float) -> None:
        super().__init__(detail, retry_after_s=wait_s)
        self.challenge = challenge
        self.wait_s = wait_s


class StepUpNeeded(problems.Forbidden):
    """The person has to prove again who they are; the pages ask for it and come back."""


def read(adapter: TypeAdapter[T], response: httpx.Response, neighbour: str) -> T:
    """The answer's JSON as the adapter's type.

    Raises:
        Problem: the neighbour refused, with its status, reason and field errors.
        Unavailable: it failed, or answered something that is not what was agreed.
    """
    require_success(response, neighbour)
    try:
        return adapter.validate_json(response.content)
    except ValidationError as error:
        log.error(
            "answer_not_understood", neighbour=neighbour, url=response.url.path, errors=error.error_count()
        )
        detail = f"The {neighbour} service gave an answer that could not be read."
        raise Unavailable(detail, service=neighbour) from error


def require_success(response: httpx.Response, neighbour: str) -> None:
    """Raises the problem that an unsuccessful answer tells (see `read`)."""
    if not response.is_success:
        raise problem_of(response, neighbour)


def problem_of(response: httpx.Response, neighbour: str) -> Problem:
    """The problem in an unsuccessful answer; whatever is the neighbour's own fault becomes Unavailable."""
    document = _document(response)
    detail = str(document.get("detail") or document.get("title") or "")
    kind = _KINDS.get(response.status_code)
    headers = {name: response.headers[name] for name in ("Retry-After",) if name in response.headers}
    if kind is None:
        log.error("neighbour_failed", neighbour=neighbour, status=response.status_code)
        return Unavailable(
            f"The {neighbour} service has a problem right now.", service=neighbour, headers=headers
        )
    if document.get("type") == "/problems/step-up-required":
        return StepUpNeeded(detail)
    challenge = document.get("challenge")
    if document.get("type") == "/problems/challenge-required" and isinstance(challenge, dict):
        wait_s = challenge.get("wait_s")
        return ChallengeNeeded(
            detail, challenge=challenge, wait_s=wait_s if isinstance(wait_s, int | float) else 60
        )
    return kind(detail, errors=_errors(document), headers=headers)


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        found = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _errors(document: dict[str, Any]) -> list[FieldError]:
    found = document.get("errors")
    items = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    return [
        FieldError(
            str(item.get("field", "")),
            str(item.get("message", "")),
            item["line"] if isinstance(item.get("line"), int) else None,
        )
        for item in items
    ]
