"""Reading a neighbour's answers: unknown members are ignored, refusals keep their meaning."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter
from vitrine_gateway.clients.catalog_types import Category, Person, ProductSummary
from vitrine_gateway.clients.wire import problem_of, read
from vitrine_kit.problems import Conflict, NotFound, Problem, TooManyRequests, Unavailable, Unprocessable

CATEGORY: TypeAdapter[Category] = TypeAdapter(Category)


def told(status: int, **options: Any) -> httpx.Response:
    return httpx.Response(status, request=httpx.Request("GET", "http://catalog/x"), **options)


def test_unknown_members_are_ignored_and_missing_ones_have_defaults() -> None:
    body = {"id": "1", "slug": "bowls", "name": "Bowls", "brand_new": {"deep": []}}
    assert read(CATEGORY, told(200, json=body), "catalog") == Category("1", "bowls", "Bowls")


def test_who_made_a_product_is_an_id_or_a_person() -> None:
    adapter: TypeAdapter[ProductSummary] = TypeAdapter(ProductSummary)
    base = {"id": "1", "slug": "s", "title": "t", "status": "active"}
    assert adapter.validate_python({**base, "created_by": "u"}).created_by == "u"
    assert adapter.validate_python({**base, "created_by": {"id": "u", "name": "Edith"}}).created_by == Person(
        "u", "Edith"
    )
    assert adapter.validate_python({**base, "created_by": None}).created_by is None


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"id": 1}', b"[]", b"null"])
def test_what_was_not_agreed_counts_as_absence(body: bytes) -> None:
    with pytest.raises(Unavailable):
        read(CATEGORY, told(200, content=body), "catalog")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFound), (409, Conflict), (422, Unprocessable), (429, TooManyRequests), (418, Unavailable)],
)
def test_a_refusal_keeps_its_kind(status: int, kind: type[Problem]) -> None:
    with pytest.raises(kind):
        read(CATEGORY, told(status, json={"title": "No"}), "catalog")


def test_reasons_fields_and_waiting_times_come_along() -> None:
    errors = [{"field": "title", "message": "Too long", "line": 3}, {"field": "x"}, "odd"]
    problem = problem_of(told(422, json={"title": "No", "detail": "Because", "errors": errors}), "catalog")
    assert problem.detail == "Because"
    assert [(e.field, e.message, e.line) for e in problem.errors] == [
        ("title", "Too long", 3),
        ("x", "", None),
    ]
    slow = problem_of(told(429, json={}, headers={"Retry-After": "30"}), "users")
    assert slow.headers["Retry-After"] == "30"


@pytest.mark.parametrize("content", [b"not json", b"[1]", b'{"errors": "odd"}'])
def test_a_refusal_without_a_document_is_still_a_refusal(content: bytes) -> None:
    assert problem_of(told(404, content=content), "catalog").errors == []
