"""The owner in a real browser: comes by a link, imports a shop, edits a product; with and without scripts."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.browser.conftest import MARK, PLAIN, SHELF, STUDIO, shop_file

pytestmark = [pytest.mark.stack, pytest.mark.browser]


async def test_a_link_for_the_owner_asks_before_it_signs_in(page: Any, stack: Any) -> None:
    link = json.loads(stack.cli("open-link", "--force", "--json").stdout)["sign_in_link"]
    await page.goto(urlsplit(link).path)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/account/security")
    assert await page.get_by_text("Your role asks for two proofs that it is you.").is_visible()
    await page.goto("/studio/products")
    assert page.url.endswith("/account/security")


async def test_the_link_brought_the_owner_into_the_studio(owner_page: Any, owner_cookies: list[Any]) -> None:
    await owner_page.goto("/studio")
    assert await owner_page.get_by_role("heading", name="Overview").is_visible()
    session = next(cookie for cookie in owner_cookies if "session" in cookie["name"])
    assert session["httpOnly"]
    assert session["sameSite"] == "Lax"
    assert session["secure"], "the loopback counts as secure"
    assert session["name"].startswith("__Host-")


async def test_an_import_shows_its_progress_and_its_result(owner_page: Any, tmp_path: Path) -> None:
    path = shop_file(tmp_path, STUDIO, 300, broken_price=True)
    await owner_page.goto("/studio/imports")
    await owner_page.get_by_label("File").set_input_files(path)
    await owner_page.get_by_role("button", name="Import", exact=True).click()
    await owner_page.wait_for_url("**/studio/imports/*-*")
    await owner_page.locator('[data-live="ended"]').wait_for(timeout=60_000)
    counts = await owner_page.locator(".list--counts").inner_text()
    assert re.search(r"Products\s+(299|300)", counts), counts
    problem = owner_page.locator("tr", has_text="n/a").first
    assert await problem.is_visible()
    assert re.search(r"\b4\b", await problem.inner_text()), "the line of the file"
    await owner_page.goto(f"/search?q={STUDIO}+bowl+7")
    assert (
        await owner_page.get_by_role("heading", name=f"{STUDIO.capitalize()} bowl 7", exact=True).count() == 1
    )


async def test_a_file_that_is_no_catalogue_is_refused_with_the_reason(
    owner_page: Any, tmp_path: Path
) -> None:
    path = tmp_path / "letter.csv"
    path.write_text("Dear shop,\nthis is a letter.\n")
    await owner_page.goto("/studio/imports")
    await owner_page.get_by_label("File").set_input_files(path)
    await owner_page.get_by_role("button", name="Import", exact=True).click()
    alert = owner_page.get_by_role("alert").first
    await alert.wait_for()
    assert len(await alert.inner_text()) > 30


@pytest.mark.usefixtures("shop")
async def test_an_edit_in_the_studio_is_in_the_shop_at_once(owner_page: Any) -> None:
    page = owner_page
    await page.goto(f"/studio/products?q={SHELF}+bowl+11")
    await page.get_by_role("link", name=f"{SHELF.capitalize()} bowl 11", exact=True).click()
    await page.get_by_label("Title", exact=True).fill("Harbour bowl")
    await page.locator("[name=variants-0-price]").fill("31,50")
    await page.get_by_role("button", name="Another line").click()
    await page.locator("[name=variants-3-option1]").fill("Huge")
    await page.locator("[name=variants-3-price]").fill("99")
    await page.get_by_role("button", name="Save", exact=True).first.click()
    await page.locator(".notice", has_text="Saved.").wait_for()
    await page.get_by_role("link", name="View", exact=True).click()
    await page.get_by_role("heading", name="Harbour bowl", level=1).wait_for()
    assert "31.50" in await page.locator("[data-price]").inner_text()
    await page.get_by_role("radio", name="Huge").check()
    assert "99.00" in await page.locator("[data-price]").inner_text()


@pytest.mark.usefixtures("shop")
async def test_two_windows_on_one_product_show_both_versions(owner_page: Any) -> None:
    second = await owner_page.context.new_page()
    for page in (owner_page, second):
        await page.goto(f"/studio/products?q={SHELF}+bowl+12")
        await page.get_by_role("link", name=f"{SHELF.capitalize()} bowl 12", exact=True).click()
    await second.get_by_label("Vendor").fill("Second window")
    await second.get_by_role("button", name="Save", exact=True).first.click()
    await second.locator(".notice", has_text="Saved.").wait_for()
    await owner_page.get_by_label("Vendor").fill("First window")
    await owner_page.get_by_role("button", name="Save", exact=True).first.click()
    await owner_page.get_by_text("Somebody saved this product while you were editing").wait_for()
    row = await owner_page.locator(".versus tr", has_text="Vendor").inner_text()
    assert "Second window" in row
    assert "First window" in row
    await owner_page.get_by_role("button", name="Save mine over it").click()
    await owner_page.locator(".notice", has_text="Saved.").wait_for()
    assert await owner_page.get_by_label("Vendor").input_value() == "First window"


async def test_a_product_is_made_and_deleted_by_a_dialog(owner_page: Any) -> None:
    page = owner_page
    await page.goto("/studio/products/new")
    await page.get_by_label("Title", exact=True).fill(f"A bowl for an hour {MARK}")
    await page.locator("[name=variants-0-price]").fill("12")
    await page.get_by_role("button", name="Make it").dblclick()
    await page.locator(".notice", has_text="is made").wait_for()
    await page.goto(f"/studio/products?q=bowl+for+an+hour+{MARK}")
    assert await page.locator("a.list__product").count() == 1, "a double click makes one"
    await page.locator("a.list__product").click()
    await page.get_by_role("link", name="Delete").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("link", name="Keep it").click()
    await dialog.wait_for(state="detached")
    await page.get_by_role("link", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete it").click()
    await page.locator(".notice", has_text="is deleted").wait_for()


async def test_the_studio_works_without_scripts(
    chromium: Any, stack: Any, owner_cookies: list[Any], tmp_path: Path
) -> None:
    context = await chromium.new_context(base_url=stack.url, java_script_enabled=False)
    await context.add_cookies(owner_cookies)
    page = await context.new_page()
    await page.goto("/studio/imports")
    await page.get_by_label("File").set_input_files(shop_file(tmp_path, PLAIN, 5))
    await page.get_by_role("button", name="Import", exact=True).click()
    await page.locator('[data-live="ended"]').wait_for(timeout=60_000)
    await page.goto(f"/studio/products?q={PLAIN}+bowl+3")
    await page.get_by_role("link", name=f"{PLAIN.capitalize()} bowl 3", exact=True).click()
    await page.get_by_label("Title", exact=True).fill("Quiet bowl")
    await page.get_by_role("button", name="Save", exact=True).first.click()
    assert await page.locator(".notice", has_text="Saved.").is_visible()
    await page.get_by_role("link", name="Delete").click()
    await page.get_by_role("button", name="Delete it").click()
    assert await page.locator(".notice", has_text="is deleted").is_visible()
    await context.close()


@pytest.mark.usefixtures("shop")
async def test_studio_and_account_fit_a_phone(
    chromium: Any, stack: Any, owner_cookies: list[Any], faults: Any
) -> None:
    context = await chromium.new_context(base_url=stack.url, viewport={"width": 360, "height": 740})
    await context.add_cookies(owner_cookies)
    page = await context.new_page()
    faults.watch(page)
    await page.goto(f"/studio/products?q={SHELF}+bowl+13")
    product = await page.locator("a.list__product").first.get_attribute("href")
    for path in (
        "/studio",
        "/studio/products",
        product,
        "/studio/products/new",
        "/studio/imports",
        "/account",
    ):
        await page.goto(path)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{path} is {width} px wide"
    await context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
async def test_every_entry_of_the_menu_is_reached_on_a_phone(
    chromium: Any, stack: Any, owner_cookies: list[Any], scripts: bool
) -> None:
    size = {"width": 360, "height": 740}
    context = await chromium.new_context(base_url=stack.url, viewport=size, java_script_enabled=scripts)
    await context.add_cookies(owner_cookies)
    page = await context.new_page()
    menu, entries = page.get_by_text("Menu", exact=True), page.get_by_role("navigation").get_by_role("link")
    await page.goto("/studio")
    assert await entries.count() == 0, "it takes no room before it is asked for"
    await menu.click()
    labels = await entries.all_inner_texts()
    assert {"Overview", "Products", "People", "Roles", "Webhooks", "Audit log", "View shop"} < set(labels)
    assert await page.get_by_role("button", name="Sign out").is_visible()
    for label in labels:
        await page.goto("/studio")
        await menu.click()
        entry = entries.get_by_text(label, exact=True)
        box = await entry.bounding_box()
        assert box is not None, label
        assert box["x"] >= 0, label
        assert box["x"] + box["width"] <= size["width"], label
        if scripts:
            assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"], label
        target = await entries.filter(has_text=label).get_attribute("href")
        await entry.click()
        await page.wait_for_url(f"**{target}")
        assert await page.locator("main h1").count() == 1, label
    await context.close()


PEOPLE_PAGES = [
    "/studio/people",
    "/studio/roles",
    "/studio/audit",
    "/studio/outbox",
    "/studio/webhooks",
    "/studio/applications",
    "/account",
    "/account/security",
    "/account/sessions",
    "/account/tokens",
    "/account/applications",
    "/account/address",
]


@pytest.mark.parametrize("width", [360, 960, 1280])
async def test_pages_about_people_cut_nothing_off_and_name_every_field(
    chromium: Any, stack: Any, owner_cookies: list[Any], faults: Any, width: int
) -> None:
    email = f"{'a-long-name-' * 3}{secrets.token_hex(6)}@department.example.org"
    person = {
        "email": email,
        "password": "quiet harbour lantern seven",
        "name": "Wilhelmina Featherstonehaugh",
    }
    httpx.post(f"{stack.url}/api/users/v1/registrations", json=person, timeout=30).raise_for_status()
    context = await chromium.new_context(base_url=stack.url, viewport={"width": width, "height": 740})
    await context.add_cookies(owner_cookies)
    page = await context.new_page()
    faults.watch(page)
    for path in PEOPLE_PAGES:
        await page.goto(path)
        assert urlsplit(page.url).path == path
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        cut = await page.evaluate(
            """() => [...document.querySelectorAll('.panel')]
                .filter(e => e.scrollWidth > e.clientWidth)
                .filter(e => innerWidth >= 1280 || getComputedStyle(e).overflowX !== 'auto')
                .map(e => e.innerText.slice(0, 60))"""
        )
        assert cut == [], path
        nameless = await page.evaluate(
            """() => [...document.querySelectorAll('a, button, input:not([type=hidden], [aria-hidden]), select')]
                .filter(e => !(e.labels?.length || e.ariaLabel || e.textContent.trim() || e.closest('[hidden]')))
                .map(e => e.outerHTML)"""
        )
        assert nameless == [], path
        assert await page.locator("h1").count() == 1, path
    await context.close()
