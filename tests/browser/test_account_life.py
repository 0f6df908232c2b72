"""An account's whole life in real browsers: from registering, by every factor and two devices, to its deletion."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
import time
import zipfile
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest
import pytest_asyncio

from tests.browser.account_pages import AUTHENTICATOR, PASSWORD, give_password, register

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("curl") is None, reason="a script of the shop's uses curl"),
]

PHONE = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36"
)


@pytest_asyncio.fixture
async def phone(chromium: Any, stack: Any, faults: Any) -> AsyncIterator[Any]:
    """A page of another browser, on a phone."""
    context = await chromium.new_context(
        base_url=stack.url, viewport={"width": 360, "height": 740}, user_agent=PHONE
    )
    found = await context.new_page()
    faults.watch(found)
    yield found
    await context.close()


def curl(stack: Any, token: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """What a script gets that sends the token; status and, where there is one, the JSON document."""
    command = ["curl", "--silent", "--max-time", "30", "--write-out", "\n%{http_code}", "--request", method]
    command += ["--header", f"Authorization: Bearer {token}"]
    if body is not None:
        command += ["--header", "Content-Type: application/json", "--data", json.dumps(body)]
    done = subprocess.run([*command, stack.url + path], capture_output=True, text=True, check=True)
    text, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(text) if text else None


async def confirm_by_the_outbox(owner_page: Any, page: Any, email: str) -> None:
    """Opens the newcomer's mail on the studio's page, and follows its link."""
    await owner_page.goto("/studio/outbox")
    await owner_page.locator("tr", has_text=email).get_by_role("link", name="Confirm").click()
    link = await owner_page.locator(".letter a", has_text="/verify-email/").get_attribute("href")
    await page.goto(link)
    await page.get_by_role("button", name="Confirm the address").click()
    await page.wait_for_url("**/sign-in")


async def add_passkey(page: Any) -> None:
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    await session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    await page.goto("/account/security")
    await page.get_by_label("Name", exact=True).fill("My laptop")
    await page.get_by_role("button", name="Add a passkey").click()
    await page.get_by_text("Your passkey is added.").wait_for()


async def add_app(page: Any) -> pyotp.TOTP:
    await page.goto("/account/security")
    await page.get_by_role("button", name="Add an authenticator app").click()
    app = pyotp.TOTP(await page.locator("[data-totp-secret]").inner_text())
    # The code of the step before, so that the present one is still good for signing in.
    await page.get_by_label("Code", exact=True).fill(app.at(time.time() - 30))
    await page.get_by_role("button", name="Add the app").click()
    await page.get_by_text("Your authenticator app is added.").wait_for()
    return app


async def make_editor(owner_page: Any, email: str) -> None:
    """The owner gives somebody a role, so that they have a right to hand on."""
    await owner_page.goto(f"/studio/people?q={email}")
    await owner_page.get_by_role("link", name="Roles", exact=True).last.click()
    await owner_page.get_by_text(email).wait_for()
    await owner_page.get_by_role("checkbox", name="editor").check()
    await owner_page.get_by_role("button", name="Save").click()
    await owner_page.wait_for_url("**/studio/people*")


async def make_token(page: Any) -> str:
    await page.goto("/account/tokens")
    await page.get_by_label("What it is for").fill("nightly stock update")
    await page.get_by_role("checkbox", name="See products that are not published.").check()
    await page.get_by_role("button", name="Make the token").click()
    token: str = await page.locator(".notice code").inner_text()
    return token


async def test_an_account_from_its_first_page_to_its_last(
    page: Any, phone: Any, owner_page: Any, stack: Any
) -> None:
    email = await register(page)
    await confirm_by_the_outbox(owner_page, page, email)
    await give_password(page, email)
    await page.wait_for_url("**/")
    await add_passkey(page)
    app = await add_app(page)

    await give_password(phone, email)
    await phone.wait_for_url("**/sign-in/second-step")
    await phone.get_by_label("Code", exact=True).fill(app.at(time.time()))
    await phone.get_by_role("button", name="Sign in").click()
    await phone.wait_for_url("**/")
    await page.goto("/account/sessions")
    there = page.locator("li", has_text="Chrome on Android")
    assert await page.locator("li", has_text="this one").filter(has_text="Chrome on Linux").count() == 1
    await there.get_by_role("button", name="Sign out there").click()
    await page.get_by_text("You are signed out there.").wait_for()
    assert await there.count() == 0
    await phone.goto("/account")
    assert urlsplit(phone.url).path == "/sign-in"

    await make_editor(owner_page, email)
    token = await make_token(page)
    status, found = curl(stack, token, "GET", "/api/users/v1/me")
    assert (status, found["email"], found["scopes"]) == (200, email, ["catalog:read_drafts"])
    lamp = {"title": f"Lamp {secrets.token_hex(4)}"}
    status, draft = curl(stack, stack.token(), "POST", "/api/catalog/v1/products", lamp)
    assert status == 201
    assert httpx.get(f"{stack.url}/api/catalog/v1/products/{draft['id']}", timeout=30).status_code == 404
    assert curl(stack, token, "GET", f"/api/catalog/v1/products/{draft['id']}")[0] == 200
    assert curl(stack, token, "POST", "/api/catalog/v1/products", lamp)[0] == 403, "not in its scope"

    await page.goto("/account")
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download my data").click()
    with zipfile.ZipFile(await (await download.value).path()) as archive:
        assert json.loads(archive.read("accounts.json"))[0]["email"] == email
        held = b"".join(archive.read(name) for name in archive.namelist())
    assert b"My laptop" in held
    assert token.encode() not in held

    await page.goto("/account")
    await page.get_by_role("link", name=re.compile("Delete the account")).click()
    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("checkbox", name="Yes, delete my account").check()
    await page.get_by_role("button", name="Delete my account").click()
    await page.get_by_role("heading", name="Your account will be erased").wait_for()
    await page.goto("/account")
    assert urlsplit(page.url).path == "/sign-in"
    assert curl(stack, token, "GET", "/api/users/v1/me")[0] == 401
    await owner_page.goto("/studio/outbox")
    assert await owner_page.locator("tr", has_text=email).filter(has_text="will be deleted").count() == 1
