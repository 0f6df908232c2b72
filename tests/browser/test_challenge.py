"""Signing in and registering while somebody guesses passwords: the page's script works, without scripts one waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.browser.account_pages import PASSWORD, give_password
from tests.stack import RunningStack, data_directory, free_port

pytestmark = [pytest.mark.stack, pytest.mark.browser]

DONE = "The work is done. Fill in the form and send it."
TRIES = 60


@pytest.fixture(scope="module")
def attacked(release_store: str) -> Iterator[RunningStack]:
    """A small stack of its own that one failure from anywhere alarms."""
    environ = {
        "VITRINE_RELEASE_STORE": release_store,
        "VITRINE_WORKERS": "1",
        "VITRINE_POOL_WAIT_S": "3",
        "VITRINE_CHALLENGE_AFTER_ALL": "1",
        "VITRINE_CHALLENGE_WAIT_S": "1",
    }
    with data_directory() as data:
        found = RunningStack(data, free_port(), environ)
        try:
            found.up("--no-seed")
            yield found
        finally:
            found.down()


@pytest.fixture(scope="module")
def email(attacked: RunningStack) -> str:
    """The address of somebody with an account, after whose registration a stranger has guessed twice."""
    person = {"email": f"{uuid4().hex[:12]}@example.org", "password": PASSWORD}
    with httpx.Client(base_url=f"{attacked.url}/api/users/v1", timeout=30) as client:
        made = client.post("/registrations", json={**person, "name": "Ada Browser"})
        assert made.status_code == 202, made.text
        stranger = {"email": "nobody@example.org", "password": "a guess, and not a good one"}
        answers = [client.post("/tokens", json=stranger) for _ in range(3)]
    assert answers[-1].status_code == 429, answers[-1].text
    assert answers[-1].json()["type"].endswith("/problems/challenge-required")
    return person["email"]


async def test_a_browser_with_scripts_solves_it_by_itself_and_is_not_asked_again(
    chromium: Any, attacked: RunningStack, email: str, faults: Any
) -> None:
    context = await chromium.new_context(base_url=attacked.url)
    page = await context.new_page()
    faults.watch(page)
    await give_password(page, email)
    await page.get_by_text(DONE).wait_for()
    assert await page.get_by_label("E-mail address").input_value() == email
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url("**/")

    await page.goto("/account")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await page.wait_for_url("**/sign-in")
    await give_password(page, email)
    await page.wait_for_url("**/")
    await context.close()


async def test_a_newcomer_with_scripts_registers(chromium: Any, attacked: RunningStack, email: str) -> None:
    context = await chromium.new_context(base_url=attacked.url)
    page = await context.new_page()
    await page.goto("/register")
    newcomer = f"{uuid4().hex[:12]}@example.org"
    for label, text in (("Your name", "Nora New"), ("E-mail address", newcomer), ("Password", PASSWORD)):
        await page.get_by_label(label).fill(text)
    await page.get_by_role("button", name="Make the account").click()
    await page.get_by_text(DONE).wait_for()
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Make the account").click()
    await page.wait_for_url("**/check-your-mail")
    assert newcomer in await page.locator(".lead").inner_text()
    await context.close()


async def test_without_scripts_the_page_says_when_to_send_the_form(
    chromium: Any, attacked: RunningStack, email: str
) -> None:
    context = await chromium.new_context(base_url=attacked.url, java_script_enabled=False)
    page = await context.new_page()
    began = datetime.now(UTC).replace(microsecond=0)
    await give_password(page, email)
    said = page.get_by_role("status").filter(has_text="One more step")
    assert "send it after" in await said.inner_text()
    moment = await said.locator("time").get_attribute("datetime")
    assert datetime.fromisoformat(moment) > began
    assert await page.get_by_role("button", name="Sign in", exact=True).is_enabled()

    for _ in range(TRIES):
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        if not await said.count():
            break
    await page.goto("/account")
    assert await page.get_by_text(email).first.is_visible()
    await context.close()
