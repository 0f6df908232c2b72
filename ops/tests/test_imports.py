"""`import` follows an import to its end, and its outcome and exit code tell what became of every row."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from vitrine_ops import imports
from vitrine_ops.exits import Exit, Failure

COUNTS = {kind: {"created": 2, "updated": 0, "unchanged": 1, "failed": 0} for kind in imports.KINDS}


def client(
    handler: Callable[[httpx.Request], httpx.Response], token: Callable[[], str] = lambda: "token"
) -> imports.ImportClient:
    return imports.ImportClient(
        httpx.Client(base_url="http://shop", transport=httpx.MockTransport(handler)), token
    )


def ended(**changes: Any) -> dict[str, Any]:
    return {"id": "i", "status": "done", "format": "shopify", "counts": COUNTS, "error": None, **changes}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "POLL_S", 0.0)


def test_a_file_is_uploaded_under_its_name_and_followed_to_its_end() -> None:
    states = iter(["reading", "merging", "done"])
    seen: list[httpx.Request] = []

    def catalogue(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.method == "POST":
            assert b'filename="shop.csv"' in request.read()
            assert b"EUR" in request.read()
            return httpx.Response(202, json={"id": "i", "status": "queued"})
        return httpx.Response(200, json=ended(status=next(states)))

    shop = client(catalogue)
    told: list[str] = []
    started = shop.upload(io.BytesIO(b"a,b"), "shop.csv", currency="EUR")
    assert shop.follow(started, progress=lambda found: told.append(found["status"]))["status"] == "done"
    assert told == ["reading", "merging", "done"]
    assert {request.headers["Authorization"] for request in seen} == {"Bearer token"}


def test_a_token_that_ended_is_made_anew() -> None:
    tokens = iter(["old", "new"])

    def catalogue(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if request.headers["Authorization"] == "Bearer new" else 401, json=ended())

    assert client(catalogue, lambda: next(tokens)).get("i")["status"] == "done"


def test_a_short_outage_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([httpx.Response(503, headers={"Retry-After": "0"}), httpx.Response(200, json=ended())])
    assert client(lambda _request: next(answers)).get("i")["id"] == "i"


def test_a_refused_file_says_why_and_where() -> None:
    problem = {
        "title": "Unprocessable",
        "status": 422,
        "detail": "This is no catalogue.",
        "errors": [{"field": "file", "message": "no header", "line": 1}],
    }
    with pytest.raises(Failure) as raised:
        client(lambda _request: httpx.Response(422, json=problem)).upload(
            io.BytesIO(b""), "x.csv", currency=None
        )
    assert raised.value.code is Exit.BAD_DATA
    assert "This is no catalogue." in raised.value.message
    assert "line 1, file: no header" in raised.value.message


@pytest.mark.parametrize(
    ("status", "code"), [(403, Exit.NO_PERMISSION), (500, Exit.UNAVAILABLE), (413, Exit.BAD_DATA)]
)
def test_each_refusal_has_its_exit_code(status: int, code: Exit) -> None:
    with pytest.raises(Failure) as raised:
        client(lambda _request: httpx.Response(status, text="<html>")).upload(
            io.BytesIO(b""), "x.csv", currency=None
        )
    assert raised.value.code is code


def test_a_shop_that_is_gone_is_told() -> None:
    def gone(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(Failure, match="refused") as raised:
        client(gone).upload(io.BytesIO(b""), "x.csv", currency=None)
    assert raised.value.code is Exit.UNAVAILABLE


def test_the_outcome_has_every_count() -> None:
    document, code = imports.outcome(ended(), [])
    assert code is Exit.OK
    assert document["counts"]["variants"] == {"created": 2, "updated": 0, "unchanged": 1, "failed": 0}
    assert json.loads(json.dumps(document))["ok"] is True
    assert "products  2 created, 0 updated, 1 unchanged, 0 failed" in imports.render(document)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "failed", "error": {"detail": "no catalogue"}},
        {"status": "cancelled"},
        {"counts": {**COUNTS, "images": {"created": 0, "updated": 0, "unchanged": 0, "failed": 1}}},
    ],
)
def test_anything_short_of_all_rows_is_no_success(changes: dict[str, Any]) -> None:
    document, code = imports.outcome(
        ended(**changes), [{"line": 7, "field": "Price", "message": "no number"}]
    )
    assert code is Exit.BAD_DATA
    assert document["ok"] is False
    assert "line 7, Price: no number" in imports.render(document)


def test_progress_is_told_with_and_without_a_total() -> None:
    assert (
        imports.progress_line({"status": "reading", "progress": {"rows_read": 5, "rows_total": 10}})
        == "reading: 5 of 10 rows"
    )
    assert (
        imports.progress_line({"status": "reading", "progress": {"rows_read": 5, "rows_total": None}})
        == "reading: 5 rows"
    )
