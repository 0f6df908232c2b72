"""What people do again and again on the pages of their account, and the authenticator that stands in for a finger."""

from __future__ import annotations

import secrets
from typing import Any

PASSWORD = "seven brass anchors sing"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


async def register(page: Any) -> str:
    """A new account, made on the pages; returns its address."""
    email = f"browser-{secrets.token_hex(5)}@example.org"
    await page.goto("/register")
    await page.get_by_label("Your name").fill("Ada Browser")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Make the account").click()
    await page.wait_for_url("**/check-your-mail")
    return email


async def give_password(page: Any, email: str) -> None:
    """The first step of a sign-in."""
    await page.goto("/sign-in")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def sign_out(page: Any) -> None:
    await page.goto("/account")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await page.wait_for_url("**/sign-in")
