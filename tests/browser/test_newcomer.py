"""Somebody new in a real browser, without scripts: registers, confirms the address, forgets the password."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

pytestmark = [pytest.mark.stack, pytest.mark.browser]

PASSWORD = "quiet harbour lantern seven"


def link_to(stack: Any, email: str, page: str) -> str:
    """The path of the latest link to a page in a mail to this address, as the owner finds it in the outbox."""
    headers = {"Authorization": f"Bearer {stack.token()}"}
    with httpx.Client(base_url=f"{stack.url}/api/users/v1", headers=headers, timeout=30) as client:
        for mail in client.get("/mails", params={"limit": 100}).json()["items"]:
            if mail["recipient"] == email:
                text = client.get(f"/mails/{mail['id']}").json()["text"]
                if found := re.search(rf"^{re.escape(stack.url)}(/{page}/\S+)$", text, re.MULTILINE):
                    return found[1]
    raise AssertionError(f"no mail to {email} holds a link to {page}")


async def test_from_registering_to_a_new_password_without_scripts(chromium: Any, stack: Any) -> None:
    email = f"{uuid4().hex[:12]}@example.org"
    context = await chromium.new_context(base_url=stack.url, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/register")
    await page.get_by_label("Your name").fill("Nora New")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Make the account").click()
    await page.wait_for_url("**/check-your-mail")
    assert email in await page.locator(".lead").inner_text()

    await page.goto(link_to(stack, email, "verify-email"))
    await page.get_by_role("button", name="Confirm the address").click()
    await page.wait_for_url("**/sign-in")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url("**/")
    await page.goto("/account")
    assert await page.get_by_text(email).first.is_visible()
    assert await page.get_by_text("Please confirm your e-mail address").count() == 0

    await context.clear_cookies()
    await page.goto("/forgot-password")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_role("button", name="Send the link").click()
    await page.wait_for_url("**/check-your-mail")
    await page.goto(link_to(stack, email, "reset-password"))
    await page.get_by_label("New password", exact=True).fill("nine calm otters knit")
    await page.get_by_label("New password again").fill("nine calm otters knit")
    await page.get_by_role("button", name="Set the password").click()
    await page.wait_for_url("**/sign-in")
    await context.close()


async def test_the_owner_reads_a_mail_in_the_studio(owner_page: Any, stack: Any) -> None:
    email = f"{uuid4().hex[:12]}@example.org"
    body = {"email": email, "password": PASSWORD, "name": "Nora New"}
    assert httpx.post(f"{stack.url}/api/users/v1/registrations", json=body, timeout=30).status_code == 202
    await owner_page.goto("/studio")
    await owner_page.get_by_role("link", name="Mail", exact=True).click()
    row = owner_page.locator("tr", has_text=email)
    await row.get_by_role("link").click()
    link = owner_page.locator(".letter a", has_text="/verify-email/")
    assert (await link.get_attribute("href")).startswith(f"{stack.url}/verify-email/")
