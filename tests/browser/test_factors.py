"""Second factors in a real browser, with a virtual authenticator in place of a finger, and without scripts."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import pyotp
import pytest

from tests.browser.account_pages import AUTHENTICATOR, give_password, register, sign_out

pytestmark = [pytest.mark.stack, pytest.mark.browser]


async def test_a_passkey_is_made_signs_in_and_is_a_second_step(page: Any) -> None:
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    made = await session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    email = await register(page)
    await give_password(page, email)
    await page.wait_for_url("**/")

    await page.goto("/account/security")
    await page.get_by_label("Name", exact=True).fill("My phone")
    await page.get_by_role("button", name="Add a passkey").click()
    await page.get_by_text("Your passkey is added.").wait_for()
    found = await session.send("WebAuthn.getCredentials", {"authenticatorId": made["authenticatorId"]})
    assert len(found["credentials"]) == 1

    await sign_out(page)
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.wait_for_url("**/")
    await page.goto("/account/confirm?next=/account")
    await page.get_by_role("button", name="Use your passkey").click()
    # By the path alone: the address before ends with it too.
    await page.wait_for_url(lambda url: urlsplit(url).path == "/account")

    await sign_out(page)
    await give_password(page, email)
    await page.wait_for_url("**/sign-in/second-step")
    await page.get_by_role("button", name="Use your passkey").click()
    await page.wait_for_url("**/")
    await page.goto("/account/security")
    assert await page.get_by_text("last used").first.is_visible()

    await session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": made["authenticatorId"]})


async def test_an_app_and_recovery_codes_work_without_scripts(chromium: Any, stack: Any) -> None:
    context = await chromium.new_context(base_url=stack.url, java_script_enabled=False)
    page = await context.new_page()
    email = await register(page)
    await give_password(page, email)
    await page.wait_for_url("**/")
    await page.goto("/account/security")
    assert not await page.get_by_role("button", name="Add a passkey").is_visible()
    await page.get_by_role("button", name="Add an authenticator app").click()
    assert await page.get_by_alt_text("QR code for your authenticator app").is_visible()
    app = pyotp.TOTP(await page.locator("[data-totp-secret]").inner_text())
    # The code of the step before, which is taken too, so that the present one is still good for signing in.
    await page.get_by_label("Code", exact=True).fill(app.at(time.time() - 30))
    await page.get_by_role("button", name="Add the app").click()
    await page.get_by_role("button", name="Make recovery codes").click()
    codes = (await page.locator("[data-recovery-codes]").inner_text()).split()
    assert len(codes) == 10

    await sign_out(page)
    await give_password(page, email)
    await page.get_by_label("Code", exact=True).fill(codes[0])
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/")
    await page.goto("/account/security")
    assert await page.get_by_text("9 of 10 left").is_visible()
    await context.close()
