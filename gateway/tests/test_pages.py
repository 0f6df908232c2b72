"""Who may open what: every route declares its access, and one guard holds it before any form is read."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from gateway_browser import SESSION, Browser, form_values
from shop_neighbours import ALL_PERMISSIONS, FakeCatalog, FakeUsers, made_id
from vitrine_gateway.pages import PUBLIC, SIGNED_IN, local_path, page_of

NO_PAGES = {"static", "health.livez", "health.readyz", "vitrine_metrics"}
UNKNOWN_ID = made_id("nothing at all")
FROM_ELSEWHERE = {"/oauth2/authorize", "/oauth2/logout"}
"""Where other sites may send forms, which are answered by going on to the same page by GET."""
WITHOUT_PARAMETERS = {"/oauth2/authorize": {400}, "/oauth2/logout": {303}}
"""What pages answer that an application sends people to, where it sends nothing with them."""


def guarded_routes(app: Flask) -> list[tuple[str, str, str]]:
    """Every page as method, path and access, with some id or word in place of each variable."""
    found = []
    for rule in app.url_map.iter_rules():
        page = page_of(app, rule.endpoint)
        if page is None:
            continue
        values = {
            name: "something" if "slug" in name or name == "token" else UNKNOWN_ID for name in rule.arguments
        }
        with app.test_request_context():
            path = app.url_map.bind("localhost").build(rule.endpoint, values)
        found += [(method, path, page.access) for method in sorted((rule.methods or set()) & {"GET", "POST"})]
    return found


def test_every_route_of_the_app_declares_its_access(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    undeclared = {name for name in endpoints if page_of(app, name) is None}
    assert undeclared == NO_PAGES


async def test_anybody_who_is_not_signed_in_is_sent_to_sign_in_from_every_guarded_page(
    app: Flask, browser: Browser, catalog: FakeCatalog
) -> None:
    checked = 0
    for method, path, access in guarded_routes(app):
        if access == PUBLIC:
            continue
        page = await browser.send(method, path)
        assert page.status_code == 303, (method, path)
        assert page.headers["Location"].startswith("/sign-in"), (method, path)
        assert page.headers["Cache-Control"] == "no-store"
        checked += 1
    assert checked >= 20
    assert not catalog.seen, "nothing was asked of the catalog for them"


async def test_a_customer_is_refused_every_page_that_asks_for_a_permission(
    app: Flask, customer: Browser, catalog: FakeCatalog
) -> None:
    for method, path, access in guarded_routes(app):
        if access in {PUBLIC, SIGNED_IN}:
            continue
        page = await customer.send(method, path)
        assert page.status_code == 403, (method, path)
        assert "does not have the permission" in page.text
    assert not catalog.seen


async def test_each_permission_opens_its_own_pages_only(
    app: Flask, browser: Browser, users: FakeUsers
) -> None:
    for held in ALL_PERMISSIONS:
        browser.cookies[SESSION] = users.add(f"{held[:3]}{len(held)}@example.org", held)
        for method, path, access in guarded_routes(app):
            if method == "GET" and access not in {PUBLIC, SIGNED_IN}:
                status = (await browser.get(path)).status_code
                assert (status == 403) == (access != held), (held, path, status)


async def test_every_public_page_opens_for_anybody(app: Flask, browser: Browser) -> None:
    for method, path, access in guarded_routes(app):
        if access == PUBLIC and method == "GET":
            expected = WITHOUT_PARAMETERS.get(path, {200, 404, 410})
            assert (await browser.get(path)).status_code in expected, path


async def test_every_post_without_the_form_token_is_refused(
    app: Flask, editor: Browser, users: FakeUsers, catalog: FakeCatalog
) -> None:
    checked = 0
    for method, path, _access in guarded_routes(app):
        if method != "POST" or path in FROM_ELSEWHERE:
            continue
        page = await editor.send("POST", path, data={"title": "x", "email": "a@b.c", "csrf_token": "made up"})
        assert page.status_code == 403, path
        assert "form had been open too long" in page.text
        checked += 1
    assert checked >= 12
    assert all(request.method == "GET" for request in catalog.seen)
    assert {request.url.path for request in users.seen} == {"/internal/sessions/exchange"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8081"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:8080"},
    ],
)
async def test_a_form_from_another_site_is_refused_though_its_token_is_right(
    editor: Browser, catalog: FakeCatalog, headers: dict[str, str]
) -> None:
    page = await editor.get("/studio/products/new")
    values = {**form_values(page.text, "/studio/products/new"), "title": "Bowl"}
    refused = await editor.send("POST", "/studio/products/new", data=values, headers=headers)
    assert refused.status_code == 403
    assert "another site" in refused.text
    assert not catalog.products
    for own in ({"Origin": "http://localhost:8080"}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}, {}):
        assert (
            await editor.send("POST", "/studio/products/new", data=values, headers=own)
        ).status_code == 303


@pytest.mark.parametrize("target", ["/", "/studio?x=1", "/products/a%20b", "/a//b"])
def test_paths_of_ours_may_be_gone_on_to(target: str) -> None:
    assert local_path(target) == target


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "studio",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/a\nb",
        "/ok\\..",
        "/" + "a" * 3000,
        "/\x7f",
    ],
)
def test_other_addresses_may_not(target: str | None) -> None:
    assert local_path(target, "/home") == "/home"


async def test_a_form_larger_than_a_form_is_refused(editor: Browser) -> None:
    page = await editor.get("/studio/products/new")
    values: dict[str, Any] = form_values(page.text, "/studio/products/new")
    refused = await editor.send(
        "POST", "/studio/products/new", data={**values, "description_html": "x" * 1_200_000}
    )
    assert refused.status_code == 413
    assert "too large" in refused.text


async def test_the_way_back_after_signing_in_is_where_one_wanted_to_go(browser: Browser) -> None:
    page = await browser.get("/studio/products?q=a%26b")
    assert page.headers["Location"] == "/sign-in?next=/studio/products?q%3Da%2526b"
