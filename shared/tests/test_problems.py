"""Every error becomes a problem document that tells the client what it may know."""

from __future__ import annotations

import logging

import httpx
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError
from vitrine_kit import problems
from vitrine_kit.problems import FieldError, NotFound, Problem, Unprocessable, of_database_error, of_exception
from werkzeug.exceptions import ImATeapot, TooManyRequests


class FakeState(Exception):
    """A driver's error with an SQLSTATE."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.sqlstate = state


def dbapi(state: str, kind: type[DBAPIError] = DBAPIError) -> DBAPIError:
    return kind("SELECT secret", {}, FakeState(state))


async def test_an_unexpected_error_tells_nothing_of_its_cause(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        response = await client.get("/api/notes/v1/broken", headers={"X-Request-Id": "known-request-id"})
    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.json()["request_id"] == "known-request-id"
    assert response.headers["X-Request-Id"] == "known-request-id"
    assert response.headers["Cache-Control"] == "no-store"


async def test_an_unknown_address_is_a_problem_too(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/notes/v1/nothing")
    assert response.status_code == 404
    assert response.json()["type"] == "/problems/not-found"
    wrong = await client.put("/api/notes/v1/notes")
    assert wrong.status_code == 405
    assert "POST" in wrong.headers["Allow"]


async def test_a_hostile_request_id_is_replaced(client: httpx.AsyncClient) -> None:
    response = await client.get("/livez", headers={"X-Request-Id": "a b<script>"})
    assert response.headers["X-Request-Id"] != "a b<script>"
    assert len(response.headers["X-Request-Id"]) == 36


def test_the_document_has_the_members_of_rfc_9457() -> None:
    problem = Unprocessable("bad", errors=[FieldError("a.b", "no", line=3)], hint="x")
    assert problem.document() == {
        "type": "/problems/unprocessable",
        "title": "Some of the input is wrong",
        "status": 422,
        "detail": "bad",
        "errors": [{"field": "a.b", "message": "no", "line": 3}],
        "hint": "x",
    }
    assert "detail" not in NotFound().document()


def test_werkzeug_errors_keep_status_and_headers() -> None:
    known = of_exception(TooManyRequests(retry_after=7))
    assert (known.status, known.headers["Retry-After"]) == (429, "7")
    other = of_exception(ImATeapot())
    assert (other.status, other.document()["title"]) == (418, "I'm a Teapot")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (dbapi("22021"), 422),
        (dbapi("22003"), 422),
        (dbapi("57014"), 504),
        (dbapi("40001"), 503),
        (dbapi("53100"), 503),
        (dbapi("23505", IntegrityError), 409),
    ],
)
def test_database_errors_of_the_input_or_the_moment(error: DBAPIError, status: int) -> None:
    found = of_database_error(error)
    assert found is not None
    assert found.status == status
    assert "secret" not in str(found.document())


def test_other_errors() -> None:
    assert of_database_error(dbapi("42601")) is None
    assert of_exception(dbapi("42601")).status == 500
    assert of_exception(ConnectionRefusedError()).status == 503
    assert of_exception(Problem("x")).status == 500
    assert problems.Unavailable(retry_after_s=0.2).headers["Retry-After"] == "1"
