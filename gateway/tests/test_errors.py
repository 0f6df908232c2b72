"""Error pages for people, problem documents for programs."""

from __future__ import annotations

import pytest
from flask import Flask
from gateway_browser import Browser
from shop_neighbours import FakeCatalog
from vitrine_gateway.errors import away_service, words_for
from vitrine_kit.outbound import NeighbourUnavailable
from vitrine_kit.problems import Conflict, GatewayTimeout, NotFound, Unavailable, Unprocessable


async def test_what_is_not_there_is_a_friendly_page(browser: Browser) -> None:
    page = await browser.get("/nothing/here")
    assert page.status_code == 404
    assert page.headers["Content-Type"].startswith("text/html")
    assert "Nothing on this shelf" in page.text
    assert 'role="search"' in page.text


@pytest.mark.parametrize("path", ["/api/unknown/v1/x", "/internal/events", "/static/none.css"])
async def test_programs_get_problem_documents(browser: Browser, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


async def test_a_wrong_method_names_the_right_ones(browser: Browser) -> None:
    page = await browser.send("DELETE", "/products")
    assert page.status_code == 405
    assert "GET" in page.headers["Allow"]


async def test_a_mistake_of_ours_tells_nothing_of_its_cause(browser: Browser, app: Flask) -> None:
    def broken() -> str:
        raise RuntimeError("the secret cause")

    app.view_functions["storefront.search"] = broken
    page = await browser.get("/search?q=x")
    assert page.status_code == 500
    assert "secret cause" not in page.text
    assert "Something broke on our side" in page.text
    assert page.headers["X-Request-Id"] in page.text


async def test_when_even_the_error_page_is_broken_a_document_is_left(browser: Browser, app: Flask) -> None:
    def undefined(_value: object) -> str:
        from jinja2 import UndefinedError

        raise UndefinedError("a mistake in the template")

    app.context_processor(lambda: {"asset": undefined})
    page = await browser.get("/nothing")
    assert page.status_code == 404
    assert page.headers["Content-Type"] == "application/problem+json"


async def test_a_catalog_that_is_up_but_broken_counts_as_away(browser: Browser, catalog: FakeCatalog) -> None:
    catalog.failing = 500
    page = await browser.get("/")
    assert page.status_code == 503
    assert "The catalogue is away" in page.text


@pytest.mark.parametrize(("status", "shown"), [(429, 429), (403, 403), (418, 503), (504, 503)])
async def test_a_refusal_by_the_catalog_keeps_its_status_where_it_is_the_readers(
    browser: Browser, catalog: FakeCatalog, status: int, shown: int
) -> None:
    catalog.failing = status
    assert (await browser.get("/")).status_code == shown


def test_the_words_of_an_error_are_its_own_where_they_help() -> None:
    assert words_for(Conflict("The slug is taken.")).text == "The slug is taken."
    assert words_for(NotFound("row 7 of table x")).text.startswith("The page you asked for")
    assert words_for(Unprocessable("")).text
    assert words_for(GatewayTimeout()).title == "That took too long"
    away = NeighbourUnavailable("users", "ConnectError")
    assert words_for(away).title == "Sign-in is away for a moment"
    assert away_service(away) == "users"
    assert away_service(Unavailable()) is None
    assert away_service(Unavailable(service="users")) == "users"
