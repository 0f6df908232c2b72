"""A headless Chromium, the stack it looks at, and an owner who has signed in there."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest
import pytest_asyncio

playwright_api = pytest.importorskip("playwright.async_api", reason="Playwright for Python is not installed")

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SHELVES = 40
OWNER_PASSWORD = "nine copper kettles hum"
# Words of this session's own, so that the tests can run again on a stack that has seen them before.
MARK = "".join(secrets.choice("bcdfghjklmnpqrstvwxz") for _ in range(4))
SHELF, STUDIO, PLAIN = (f"{word}{MARK}" for word in ("shelf", "studio", "plain"))
HEADER = (
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Grams,"
    "Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,"
    "Image Src,Image Alt Text,Status"
)


def browser_path() -> str:
    """The Chromium on this machine; skips the test, saying why, where there is none."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser on this machine: none of {', '.join(BROWSERS)} is on the PATH")
    return found


def shop_file(folder: Path, name: str, products: int, *, broken_price: bool = False) -> Path:
    """A Shopify export with two sizes for each product, written for these tests."""
    lines = [HEADER]
    for number in range(products):
        handle, title = f"{name}-bowl-{number}", f"{name.capitalize()} bowl {number}"
        price = "n/a" if broken_price and number == 1 else f"{20 + number}.00"
        stock = 0 if number % 5 == 4 else 3
        body = f"<p>Thrown by hand for the {name} test.</p>"
        lines.append(
            f'{handle},{title},"{body}",Kiln Street,Bowls,"handmade, {name}",true,Size,Small,{name}-{number}-S,400,'
            f"shopify,{stock},deny,{price},,https://pictures.invalid/{handle}.jpg,,active"
        )
        lines.append(f"{handle},,,,,,,,Large,{name}-{number}-L,700,shopify,2,deny,{40 + number}.00,60.00,,,")
    path = folder / f"{name}.csv"
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")
    return path


@pytest_asyncio.fixture(scope="session")
async def chromium() -> AsyncIterator[Any]:
    """The browser, one for the session."""
    path = browser_path()
    async with playwright_api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


class Faults:
    """What the browser complained of on the pages it saw."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def watch(self, page: Any) -> None:
        page.on("pageerror", lambda error: self.found.append(f"{page.url}: {error}"))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        # Pictures of the test file lie at an address that cannot be reached; that is what their placeholder is for.
        expected = "net::ERR_" in message.text or "the server responded with a status of 4" in message.text
        if message.type == "error" and not expected:
            self.found.append(message.text)


@pytest_asyncio.fixture
async def faults() -> AsyncIterator[Faults]:
    """Fails the test when a page it opened had a script error or broke its own content policy."""
    found = Faults()
    yield found
    assert found.found == []


@pytest_asyncio.fixture
async def page(chromium: Any, stack: Any, faults: Faults) -> AsyncIterator[Any]:
    """A visitor's page on a desk."""
    context = await chromium.new_context(base_url=stack.url, viewport={"width": 1280, "height": 860})
    found = await context.new_page()
    faults.watch(found)
    yield found
    await context.close()


@pytest_asyncio.fixture(scope="session")
async def owner_cookies(chromium: Any, stack: Any) -> list[Any]:
    """The cookies of an owner, who came by a one-time link, chose a password and added an app."""
    made = stack.cli("users", "create-owner", f"owner-{MARK}@example.org", "--json")
    link = json.loads(made.stdout)["link"]
    context = await chromium.new_context(base_url=stack.url)
    page = await context.new_page()
    await page.goto(urlsplit(link).path)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/account/security")
    await page.get_by_role("link", name="choose a password").click()
    await page.get_by_label("New password", exact=True).fill(OWNER_PASSWORD)
    await page.get_by_label("New password again").fill(OWNER_PASSWORD)
    await page.get_by_role("button", name="Save the password").click()
    await page.get_by_text("Your password is saved.").wait_for()
    await page.goto("/account/security")
    await page.get_by_role("button", name="Add an authenticator app").click()
    app = pyotp.TOTP(await page.locator("[data-totp-secret]").inner_text())
    await page.get_by_label("Code", exact=True).fill(app.at(time.time()))
    await page.get_by_role("button", name="Add the app").click()
    await page.get_by_text("Your authenticator app is added.").wait_for()
    await page.goto("/account/arrive")
    await page.wait_for_url("**/studio")
    cookies = await context.cookies()
    await context.close()
    return list(cookies)


@pytest_asyncio.fixture
async def owner_page(
    chromium: Any, stack: Any, owner_cookies: list[Any], faults: Faults
) -> AsyncIterator[Any]:
    """The owner's page on a desk."""
    context = await chromium.new_context(base_url=stack.url, viewport={"width": 1280, "height": 860})
    await context.add_cookies(owner_cookies)
    found = await context.new_page()
    faults.watch(found)
    yield found
    await context.close()


@pytest_asyncio.fixture(scope="session")
async def shop(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Forty products of the tests' own, brought in over the API."""
    path = shop_file(tmp_path_factory.mktemp("shop"), SHELF, SHELVES)
    headers = {"Authorization": f"Bearer {stack.token()}"}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=30) as client:
        begun = await client.post(
            "/api/catalog/v1/imports", files={"file": (path.name, path.read_bytes(), "text/csv")}
        )
        assert begun.status_code == 202, begun.text
        address = f"/api/catalog/v1/imports/{begun.json()['id']}"
        for _ in range(600):
            found = (await client.get(address)).json()
            if found["status"] in {"done", "failed", "cancelled"}:
                break
            await _tick()
    assert found["status"] == "done", found


async def _tick() -> None:
    import asyncio

    await asyncio.sleep(0.1)
