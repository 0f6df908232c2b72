"""What every answer says to browsers and caches."""

from __future__ import annotations

import re

import pytest
from gateway_app import browsing, make_gateway
from gateway_browser import FORM, SESSION, Browser
from shop_neighbours import FakeCatalog, FakeUsers

PUBLIC_PAGES = [
    "/",
    "/products",
    "/products/tidal-bowl",
    "/categories",
    "/categories/bowls",
    "/search?q=bowl",
]


@pytest.fixture
def shop(catalog: FakeCatalog) -> FakeCatalog:
    shelf = catalog.add_category("Bowls")
    catalog.add("Tidal bowl", categories=[shelf])
    return catalog


@pytest.mark.parametrize("path", PUBLIC_PAGES)
async def test_public_pages_may_be_kept_for_seconds_and_set_no_cookie(
    browser: Browser, shop: FakeCatalog, path: str
) -> None:
    page = await browser.get(path)
    assert page.headers["Cache-Control"] == "public, max-age=3, stale-while-revalidate=30"
    assert page.headers["Vary"] == "Cookie"
    assert "set-cookie" not in page.headers


@pytest.mark.parametrize("path", PUBLIC_PAGES)
async def test_a_page_made_for_one_reader_is_kept_by_nobody_else(
    customer: Browser, shop: FakeCatalog, path: str
) -> None:
    assert (await customer.get(path)).headers["Cache-Control"] == "private, no-cache"


async def test_a_cookie_of_another_application_changes_nothing(browser: Browser, shop: FakeCatalog) -> None:
    browser.cookies["theme"] = "dark"
    assert (await browser.get("/")).headers["Cache-Control"].startswith("public")
    browser.cookies[FORM] = "anything"
    assert (await browser.get("/")).headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    "path",
    ["/account", "/account/delete", "/studio", "/studio/products", "/studio/products/new", "/studio/imports"],
)
async def test_account_and_studio_pages_are_not_kept_at_all(editor: Browser, path: str) -> None:
    assert (await editor.get(path)).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/sign-in", "/register", "/sign-in/link/x", "/status", "/api", "/nothing", "/products/nothing"]
)
async def test_forms_and_errors_are_not_kept(browser: Browser, path: str) -> None:
    assert (await browser.get(path)).headers["Cache-Control"] == "no-store"


async def test_the_policy_lets_only_marked_scripts_run(browser: Browser, shop: FakeCatalog) -> None:
    first, second = await browser.get("/products/tidal-bowl"), await browser.get("/products/tidal-bowl")
    nonces = []
    for page in (first, second):
        policy = dict(
            part.strip().partition(" ")[::2] for part in page.headers["Content-Security-Policy"].split(";")
        )
        nonces.append(re.fullmatch(r"'nonce-([\w-]{16,})'", policy["script-src"])[1])  # type: ignore[index]
        assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert policy["default-src"] == "'none'"
        assert policy["img-src"] == "'self' https: data:"
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        tags = re.findall(r"<script\b[^>]*>", page.text)
        assert tags
        assert all(f'nonce="{nonces[-1]}"' in tag for tag in tags)
        assert not re.search(r'\son\w+="|\sstyle="|javascript:', page.text), "nothing inline"
    assert nonces[0] != nonces[1]


@pytest.mark.parametrize("path", ["/", "/nothing", "/studio", "/livez", "/static/css/base.css"])
async def test_every_answer_is_protected(browser: Browser, path: str) -> None:
    headers = (await browser.get(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers, "plain http cannot promise https"
    assert headers["X-Request-Id"]


async def test_over_https_browsers_are_told_to_stay_there(users: FakeUsers, catalog: FakeCatalog) -> None:
    async with browsing(make_gateway(users, catalog, public_url="https://shop.example")) as browser:
        value = (await browser.get("/")).headers["Strict-Transport-Security"]
        assert value == "max-age=31536000; includeSubDomains"
        browser.cookies[SESSION] = users.add("carl@example.org")
        assert (await browser.get("/account")).status_code == 200


async def test_static_files_change_their_address_with_their_content(browser: Browser) -> None:
    page = await browser.get("/")
    addresses = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text))
    assert len(addresses) >= 5
    for address in addresses:
        assert re.search(r"\?v=[0-9a-f]{12}$|\.woff2$", address), address
        assert (await browser.get(address)).status_code == 200


async def test_a_head_request_is_a_get_without_the_page(browser: Browser, shop: FakeCatalog) -> None:
    page = await browser.send("HEAD", "/")
    assert page.status_code == 200
    assert page.content == b""
    assert page.headers["Cache-Control"].startswith("public")
