"""What the gateway relies on in users about webhooks, verified with its own client against the real one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from vitrine_gateway.clients.webhooks import WebhooksClient
from vitrine_kit.problems import Conflict, NotFound, Unprocessable

URL = "https://hooks.example.org/in"


@dataclass
class Owner:
    """The gateway's client of webhooks, and an owner's token."""

    webhooks: WebhooksClient
    token: str


@pytest_asyncio.fixture(scope="module")
async def owner(providers: Any) -> AsyncIterator[Owner]:
    neighbour = providers.neighbour("gateway", "users")
    yield Owner(WebhooksClient(neighbour), providers.owner_token)
    await neighbour.aclose()


async def test_a_webhook_lives_as_the_studio_expects(owner: Owner) -> None:
    client, token = owner.webhooks, owner.token
    names = [one.name for one in await client.event_types(token)]
    with pytest.raises(Unprocessable) as refused:
        await client.create(
            token, url="http://10.0.0.1/", description="", event_types=names[:1], include_email=False
        )
    assert refused.value.errors[0].field == "url"
    made = await client.create(token, url=URL, description="d", event_types=names[:2], include_email=True)
    assert made.secret is not None
    assert made.id in {one.id for one in await client.webhooks(token)}

    changed = await client.change(token, made.id, event_types=names[:1], include_email=False)
    assert (changed.event_types, changed.include_email, changed.secret) == ((names[0],), False, None)
    rotated = await client.rotate(token, made.id, 3600)
    assert rotated.secret not in {None, made.secret}
    assert rotated.previous_secret_until is not None

    sent = await client.send_test(token, made.id)
    page = await client.deliveries(token, made.id, {"limit": "1"})
    assert [one.id for one in page.items] == [sent.id]
    found = await client.delivery(token, made.id, sent.id)
    assert found.payload["type"] == "webhook.test"
    await client.send_again(token, made.id, sent.id)

    off = await client.change(token, made.id, enabled=False)
    assert (off.enabled, off.disabled_because) == (False, "staff")
    with pytest.raises(Conflict):
        await client.send_test(token, made.id)
    await client.delete(token, made.id)
    with pytest.raises(NotFound):
        await client.webhook(token, made.id)
