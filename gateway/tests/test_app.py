"""The app as a whole: its settings, the debug toolbar, and plain WSGI."""

from __future__ import annotations

import pytest
from gateway_app import SECRET, browsing, make_gateway
from gateway_browser import SESSION, Browser, words
from pydantic import ValidationError
from shop_neighbours import FakeCatalog, FakeUsers
from vitrine_gateway import create_app, create_asgi
from vitrine_gateway.settings import GatewaySettings
from vitrine_kit.asgi import spawn


def test_the_environment_configures_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_SECRET_KEY", SECRET)
    monkeypatch.setenv("VITRINE_SHOP_NAME", "Kiln Street")
    monkeypatch.setenv("VITRINE_PUBLIC_URL", "https://kiln.example")
    assert create_app().extensions["vitrine_gateway"].settings.shop_name == "Kiln Street"
    assert create_asgi().app.extensions["vitrine"].name == "gateway"


@pytest.mark.parametrize(
    "wrong", [{"locale": "xx_YY"}, {"currency": "euro"}, {"verdict_s": 60}, {"shop_name": ""}]
)
def test_a_wrong_setting_keeps_the_app_from_starting(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings(secret_key=SECRET, **wrong)


async def test_the_gateway_is_ready_with_every_neighbour_stopped(
    browser: Browser, users: FakeUsers, catalog: FakeCatalog
) -> None:
    users.stopped = catalog.stopped = True
    for path in ("/livez", "/readyz"):
        assert (await browser.get(path)).status_code == 200


async def test_the_shops_name_and_currency_are_settings(users: FakeUsers, catalog: FakeCatalog) -> None:
    app = make_gateway(users, catalog, shop_name="Kiln & Street", locale="de_DE", currency="EUR")
    catalog.add("Tidal bowl")
    async with browsing(app) as browser:
        page = await browser.get("/products")
        assert "<title>Everything · Kiln &amp; Street</title>" in page.text
        assert "24,00 €" in words(page.text)


async def test_in_development_the_debug_toolbar_works_with_async_views(
    users: FakeUsers, catalog: FakeCatalog
) -> None:
    catalog.add("Tidal bowl")
    async with browsing(make_gateway(users, catalog, environment="development")) as browser:
        browser.cookies[SESSION] = users.add("carl@example.org")
        for path in ("/", "/products/tidal-bowl", "/account"):
            page = await browser.get(path)
            assert page.status_code == 200
            assert "flDebug" in page.text, path
            assert "'unsafe-inline'" in page.headers["Content-Security-Policy"]
        assert (await browser.get("/_debug_toolbar/static/js/toolbar.js")).status_code == 200


async def test_outside_of_development_there_is_no_toolbar(browser: Browser) -> None:
    assert "flDebug" not in (await browser.get("/")).text
    assert (await browser.get("/_debug_toolbar/static/js/toolbar.js")).status_code == 404


async def test_the_same_app_runs_under_plain_wsgi(users: FakeUsers, catalog: FakeCatalog) -> None:
    catalog.add("Tidal bowl")
    client = make_gateway(users, catalog).test_client()
    page = await spawn(client.get, "/products")
    assert page.status_code == 200
    assert "Tidal bowl" in page.text
