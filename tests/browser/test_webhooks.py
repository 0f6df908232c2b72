"""The owner sets up a webhook in a real browser, and a real receiver takes what it tells."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from standardwebhooks import Webhook, WebhookVerificationError
from webhook_receiver import Receiver, receiver

from tests.browser.conftest import MARK

pytestmark = [pytest.mark.stack, pytest.mark.browser]


@pytest_asyncio.fixture
async def there() -> AsyncIterator[Receiver]:
    """A receiver that fails at first."""
    async with receiver(statuses=[503, 204]) as made:
        yield made


async def register(stack: Any) -> str:
    """Somebody new; returns their address."""
    email = f"{uuid4().hex[:12]}@example.org"
    person = {"email": email, "password": "quiet harbour lantern seven", "name": "Nora New"}
    async with httpx.AsyncClient(base_url=stack.url, timeout=30) as client:
        assert (await client.post("/api/users/v1/registrations", json=person)).status_code == 202
    return email


@asynccontextmanager
async def witness(stack: Any) -> AsyncIterator[Receiver]:
    """Another webhook: what has come there has been told to all that listen."""
    hooks, headers = f"{stack.url}/api/users/v1/webhooks", {"Authorization": f"Bearer {stack.token()}"}
    async with receiver() as made, httpx.AsyncClient(headers=headers, timeout=30) as client:
        body = {"url": made.url(), "event_types": ["user.created"]}
        answer = await client.post(hooks, json=body)
        assert answer.status_code == 201, answer.text
        yield made
        assert (await client.delete(f"{hooks}/{answer.json()['id']}")).status_code == 204


def deliveries(page: Any, event: str, state: str) -> Any:
    """The rows of what was sent, with this event in this state."""
    return page.locator("section tr", has_text=event).filter(has_text=state)


async def shown(page: Any, rows: Any) -> None:
    """Looks at the page again until it shows such a row: the courier writes down what became of an attempt after it."""
    async for _ in looks(page):
        if await rows.count():
            return


async def looks(page: Any) -> AsyncIterator[int]:
    for look in range(100):
        yield look
        await page.wait_for_timeout(100)
        await page.reload()
    raise AssertionError(f"not after 100 looks at {page.url}")


async def test_an_event_is_signed_delivered_shown_and_sent_again(
    owner_page: Any, stack: Any, there: Receiver
) -> None:
    page, url = owner_page, there.url(f"/{MARK}")
    await page.goto("/studio")
    await page.get_by_role("link", name="Webhooks").click()
    await page.get_by_label("Address", exact=True).fill(url)
    await page.get_by_label("What it is for").fill("The mailing list")
    await page.get_by_role("checkbox", name="Somebody has an account.").check()
    await page.get_by_role("button", name="Set it up").click()
    secret = await page.locator(".notice code").inner_text()
    assert secret.startswith("whsec_")
    await page.get_by_role("link", name="Send a test event").click()
    assert secret not in await page.content(), "it is shown once"

    email = await register(stack)
    await there.arrival()
    taken = there.taken[0]
    event = Webhook(secret).verify(taken.body, taken.headers)
    assert event["type"] == "user.created"
    assert email.encode() not in taken.body
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(taken.body, taken.headers)
    await shown(page, deliveries(page, "user.created", "503"))
    assert await deliveries(page, "user.created", "waiting").count() == 1

    await page.get_by_role("link", name="user.created").click()
    assert event["data"]["user_id"] in await page.locator("pre").inner_text()
    await page.get_by_role("button", name="Send it again").click()
    await page.locator(".notice", has_text="It is on its way again.").wait_for()
    await there.arrival(2)
    assert there.taken[1].headers["webhook-id"] == taken.headers["webhook-id"]
    assert Webhook(secret).verify(there.taken[1].body, there.taken[1].headers) == event
    await shown(page, page.locator("section tr", has_text="204"))
    await page.get_by_role("link", name="The webhook", exact=True).click()
    assert await deliveries(page, "user.created", "delivered").count() == 1

    await page.get_by_role("button", name="Switch off").click()
    await page.get_by_text("What happens meanwhile is not told to it.").wait_for()
    async with witness(stack) as other:
        await register(stack)
        await other.arrival()
    await page.get_by_role("button", name="Switch on").click()
    await page.get_by_role("button", name="Send a test event").click()
    await there.arrival(3)
    assert there.taken[2].json()["type"] == "webhook.test", "what came between was not told"
    await page.get_by_role("button", name="Make a new secret").click()
    renewed = await page.locator(".notice code").inner_text()
    await page.get_by_role("button", name="Send a test event").click()
    await there.arrival(4)
    for either in (secret, renewed):
        Webhook(either).verify(there.taken[3].body, there.taken[3].headers)

    await page.get_by_role("button", name="Delete").click()
    await page.locator(".notice", has_text="Deleted.").wait_for()
    assert await page.get_by_text(url).count() == 0


async def test_an_address_that_cannot_be_told_anything_is_refused_at_its_field(owner_page: Any) -> None:
    await owner_page.goto("/studio/webhooks")
    await owner_page.get_by_label("Address", exact=True).fill("https://169.254.169.254/latest")
    await owner_page.get_by_role("checkbox", name=re.compile("Somebody has an account")).check()
    await owner_page.get_by_role("button", name="Set it up").click()
    await owner_page.locator(".field__error").first.wait_for()
    assert await owner_page.get_by_label("Address", exact=True).get_attribute("aria-invalid") == "true"
