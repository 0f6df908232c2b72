"""The API page shows every service's own document, and misses by name the one that is away."""

from __future__ import annotations

from flask import Flask
from gateway_browser import Browser, words
from shop_neighbours import OPENAPI, FakeCatalog, FakeUsers
from vitrine_gateway.docs.reading import kind_of, read_document


async def test_all_documents_are_on_one_page(browser: Browser) -> None:
    page = await browser.get("/api")
    assert page.status_code == 200
    text = words(page.text)
    assert text.count("/api/example/v1/things List things") == 2, "users and catalog have one each"
    assert "For: things:write" in text
    assert "made_at string (date-time) or null" in text
    assert "colour red | green" in text
    assert "parts list of Part" in text
    assert 'href="/api/users/openapi.json"' in page.text


async def test_a_service_that_is_away_is_missed_by_name(
    browser: Browser, users: FakeUsers, catalog: FakeCatalog
) -> None:
    users.stopped = catalog.garbled = True
    page = await browser.get("/api")
    assert page.status_code == 200
    assert "The users service does not answer right now" in page.text
    assert "The catalog service does not answer right now" in page.text


async def test_a_document_is_kept_for_a_minute_and_longer_while_its_service_is_away(
    browser: Browser, users: FakeUsers, app: Flask
) -> None:
    await browser.get("/api")
    await browser.get("/api")
    assert users.asked("/api/users/openapi.json") == 1
    shelf = app.extensions["vitrine_api_documents"]
    shelf._read = {name: (-1000.0, document) for name, (_read_s, document) in shelf._read.items()}
    users.stopped = True
    assert "The users service does not answer" not in (await browser.get("/api")).text


async def test_an_answer_that_is_no_document_is_none(browser: Browser, users: FakeUsers) -> None:
    users.failing = 404
    assert "The users service does not answer" in (await browser.get("/api")).text


def test_references_that_lead_nowhere_or_in_circles_do_no_harm() -> None:
    odd = {
        "paths": {
            "/x": {
                "get": {
                    "parameters": [{"$ref": "#/nowhere/at/all"}, {"$ref": "elsewhere.json"}],
                    "responses": {},
                }
            }
        },
        "components": {"schemas": {"A": {"$ref": "#/components/schemas/A"}}},
    }
    document = read_document("odd", odd)
    assert document.sections[0].operations[0].parameters[0].name == ""
    body = {
        "paths": {
            "/x": {
                "post": {
                    "requestBody": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}
                    }
                }
            }
        },
        "components": odd["components"],
    }
    assert read_document("odd", body).sections[0].operations[0].body == ()


def test_kinds_are_said_in_a_few_words() -> None:
    assert kind_of(OPENAPI, {"type": ["string", "null"]}) == "string or null"
    assert kind_of(OPENAPI, {"type": "array"}) == "list"
    assert kind_of(OPENAPI, {"enum": list("abcdefghij")}) == "a | b | c | d | e | f | g | h | …"
    assert kind_of(OPENAPI, {"const": 1}) == "1"
    assert kind_of(OPENAPI, {}) == "any"
