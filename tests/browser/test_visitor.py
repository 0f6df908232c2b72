"""A visitor in a real browser: browses, searches, chooses; with and without scripts, on a desk and a phone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.browser.conftest import SHELF

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.usefixtures("shop")]

PUBLIC = [
    "/",
    "/products",
    f"/products/{SHELF}-bowl-3",
    "/categories",
    "/search?q=bowl",
    "/sign-in",
    "/register",
    "/check-your-mail",
    "/forgot-password",
    "/verify-email/no-such-link",
    "/reset-password/no-such-link",
    "/status",
    "/api",
    "/nothing",
]


async def test_from_the_home_page_to_a_product(page: Any) -> None:
    await page.goto("/")
    await page.get_by_role("link", name="Browse everything").click()
    await page.wait_for_url("**/products")
    assert await page.locator(".card").count() == 24
    await page.locator(".card a").first.click()
    await page.wait_for_url("**/products/*")
    assert await page.locator("h1").count() == 1
    assert await page.locator('script[type="application/ld+json"]').count() == 1


async def test_show_more_adds_to_the_same_page(page: Any) -> None:
    await page.goto("/products")
    await page.get_by_role("link", name="Show more").click()
    await page.locator(".card").nth(24).wait_for()
    assert page.url.endswith("/products")
    addresses = await page.locator(".card a").evaluate_all("links => links.map(link => link.href)")
    assert len(addresses) == len(set(addresses)), "no product twice"


async def test_search_finds_by_words_and_says_when_there_is_nothing(page: Any) -> None:
    await page.goto("/")
    await page.get_by_role("searchbox").fill(f"{SHELF} bowl 7")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/search?q=*")
    assert await page.get_by_role("heading", name=f"{SHELF.capitalize()} bowl 7", exact=True).count() == 1
    await page.get_by_role("searchbox").fill("xylophone quartz")
    await page.keyboard.press("Enter")
    await page.get_by_text("Nothing matches those words").wait_for()


async def test_choosing_a_size_changes_price_and_address_in_place(page: Any) -> None:
    await page.goto(f"/products/{SHELF}-bowl-3")
    price = page.locator("[data-price]")
    assert "23.00" in await price.inner_text()
    await page.get_by_role("radio", name="Large").check()
    assert "43.00" in await price.inner_text()
    assert "60.00" in await page.locator("[data-before]").inner_text()
    assert "variant=" in page.url
    await page.reload()
    assert "43.00" in await price.inner_text(), "the address keeps the choice"
    assert not await page.get_by_role("button", name="Show this one").is_visible()


async def test_what_is_sold_out_is_said(page: Any) -> None:
    await page.goto(f"/products/{SHELF}-bowl-4?o1=Small")
    assert await page.locator("[data-stock]").inner_text() == "Sold out"
    await page.get_by_role("radio", name="Large").check()
    assert await page.locator("[data-stock]").inner_text() == "Only 2 left"


async def test_a_picture_that_cannot_be_had_leaves_its_placeholder(page: Any) -> None:
    await page.goto(f"/products/{SHELF}-bowl-3")
    await page.locator(".gallery img.is-missing").first.wait_for(state="attached")
    assert await page.locator(".gallery .frame__initial").first.is_visible()


async def test_filters_apply_at_once_and_can_be_taken_back(page: Any) -> None:
    await page.goto("/products")
    await page.locator("[name=sort]").select_option("-price")
    await page.wait_for_url("**/products?sort=-price")
    await page.get_by_role("checkbox", name="In stock").click()
    await page.wait_for_url(re.compile("in_stock=1"))
    await page.get_by_role("link", name="Remove: in stock").click()
    await page.wait_for_url("**/products?sort=-price")


async def test_everything_works_without_scripts(chromium: Any, stack: Any) -> None:
    context = await chromium.new_context(base_url=stack.url, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/products")
    await page.get_by_role("link", name="Show more").click()
    await page.wait_for_url(re.compile("after="))
    await page.get_by_role("searchbox").fill(f"{SHELF} bowl 9")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name=re.compile(f"{SHELF} bowl 9", re.IGNORECASE)).first.click()
    await page.wait_for_url(f"**/products/{SHELF}-bowl-9")
    await page.get_by_role("radio", name="Large").check()
    await page.get_by_role("button", name="Show this one").click()
    await page.wait_for_url(re.compile("o1=Large"))
    assert "49.00" in await page.locator("[data-price]").inner_text()
    await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_fits_a_phone(chromium: Any, stack: Any, faults: Any, scheme: str) -> None:
    context = await chromium.new_context(
        base_url=stack.url, viewport={"width": 360, "height": 740}, color_scheme=scheme, has_touch=True
    )
    page = await context.new_page()
    faults.watch(page)
    for path in PUBLIC:
        await page.goto(path)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{path} is {width} px wide"
    await context.close()


async def test_a_long_address_does_not_widen_the_page_that_names_it(chromium: Any, stack: Any) -> None:
    context = await chromium.new_context(base_url=stack.url, viewport={"width": 360, "height": 740})
    page = await context.new_page()
    await page.goto("/forgot-password")
    email = "somebodywithaverylongname@departmentofhats.example.org"
    await page.get_by_label("E-mail address").fill(email)
    await page.locator("main").get_by_role("button").click()
    await page.get_by_text(email).wait_for()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await context.close()


@pytest.mark.parametrize("path", PUBLIC, ids=[path.replace(SHELF, "shelf") for path in PUBLIC])
async def test_every_page_can_be_read_by_ear(page: Any, path: str) -> None:
    await page.goto(path)
    assert await page.evaluate("document.documentElement.lang") == "en"
    assert await page.title()
    assert await page.locator("main").count() == 1
    assert await page.locator("h1").count() == 1
    nameless = await page.evaluate(
        """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea')]
            .filter(e => !(e.labels?.length || e.ariaLabel || e.textContent.trim() || e.closest('[hidden]')))
            .map(e => e.outerHTML)"""
    )
    assert nameless == []
    assert await page.locator("img:not([alt])").count() == 0
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "Skip to the content"
