"""Fixtures of the gateway's tests: fake neighbours, the app between them, and browsers of several people."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from flask import Flask
from gateway_app import browsing, make_gateway
from gateway_browser import SESSION, Browser
from shop_neighbours import ALL_PERMISSIONS, FakeCatalog, FakeUsers


@pytest.fixture
def users() -> FakeUsers:
    return FakeUsers()


@pytest.fixture
def catalog() -> FakeCatalog:
    return FakeCatalog()


@pytest.fixture
def app(users: FakeUsers, catalog: FakeCatalog) -> Flask:
    return make_gateway(users, catalog)


@pytest_asyncio.fixture
async def browser(app: Flask) -> AsyncIterator[Browser]:
    async with browsing(app) as found:
        yield found


@pytest_asyncio.fixture
async def editor(browser: Browser, users: FakeUsers) -> Browser:
    """A browser of somebody who may do everything in the studio."""
    browser.cookies[SESSION] = users.add("editor@example.org", *ALL_PERMISSIONS, name="Edith Lind")
    return browser


@pytest_asyncio.fixture
async def customer(browser: Browser, users: FakeUsers) -> Browser:
    """A browser of somebody who is signed in and may do nothing in the studio."""
    browser.cookies[SESSION] = users.add("carl@example.org", name="Carl")
    return browser
