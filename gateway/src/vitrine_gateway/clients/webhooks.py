"""The gateway's client of users: webhooks, and what was sent to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from vitrine_gateway.clients.rights import API, Listed
from vitrine_gateway.clients.users import NAME, Caller, acting_as
from vitrine_gateway.clients.wire import read, require_success


@dataclass(frozen=True, slots=True)
class EventType:
    """An event that webhooks can tell of."""

    name: str
    summary: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint; `secret` is there only when it was just made."""

    id: str
    url: str
    description: str
    event_types: tuple[str, ...]
    include_email: bool
    enabled: bool
    created_at: datetime
    disabled_because: str | None = None
    failing_since: datetime | None = None
    last_delivered_at: datetime | None = None
    previous_secret_until: datetime | None = None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver."""

    attempted_at: datetime
    status: int | None
    error: str | None
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to an endpoint, or arrived; payload and attempts only where it was asked for by itself."""

    id: str
    event_id: str
    event_type: str
    occurred_at: datetime
    state: str
    attempts: int
    last_status: int | None = None
    last_error: str | None = None
    last_duration_ms: int | None = None
    next_attempt_at: datetime | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    attempted: tuple[Attempt, ...] = ()


_TYPES: TypeAdapter[Listed[EventType]] = TypeAdapter(Listed[EventType])
_WEBHOOKS: TypeAdapter[Listed[Webhook]] = TypeAdapter(Listed[Webhook])
_WEBHOOK: TypeAdapter[Webhook] = TypeAdapter(Webhook)
_DELIVERIES: TypeAdapter[Listed[Delivery]] = TypeAdapter(Listed[Delivery])
_DELIVERY: TypeAdapter[Delivery] = TypeAdapter(Delivery)


class WebhooksClient:
    """Users, over HTTP. Every method raises Unavailable when users does not answer, and the Problem it refuses with."""

    def __init__(self, neighbour: Caller) -> None:
        self._neighbour = neighbour

    async def event_types(self, token: str) -> tuple[EventType, ...]:
        """The events that can be chosen."""
        return read(_TYPES, await self._ask("GET", "/event-types", token), NAME).items

    async def webhooks(self, token: str) -> tuple[Webhook, ...]:
        """All webhooks, oldest first."""
        return read(_WEBHOOKS, await self._ask("GET", "", token), NAME).items

    async def webhook(self, token: str, webhook_id: str) -> Webhook:
        """One webhook. Raises NotFound."""
        return read(_WEBHOOK, await self._ask("GET", f"/{webhook_id}", token), NAME)

    async def create(
        self, token: str, *, url: str, description: str, event_types: Sequence[str], include_email: bool
    ) -> Webhook:
        """Sets a webhook up; its secret is in the answer and nowhere else. Raises Unprocessable, Conflict."""
        body = {
            "url": url,
            "description": description,
            "event_types": list(event_types),
            "include_email": include_email,
        }
        return read(_WEBHOOK, await self._ask("POST", "", token, json=body), NAME)

    async def change(self, token: str, webhook_id: str, **changes: Any) -> Webhook:
        """Changes these members. Raises Unprocessable, NotFound."""
        return read(_WEBHOOK, await self._ask("PATCH", f"/{webhook_id}", token, json=changes), NAME)

    async def delete(self, token: str, webhook_id: str) -> None:
        """Deletes a webhook. Raises NotFound."""
        require_success(await self._ask("DELETE", f"/{webhook_id}", token), NAME)

    async def rotate(self, token: str, webhook_id: str, overlap_s: int) -> Webhook:
        """Gives it a new secret, which is in the answer and nowhere else. Raises NotFound."""
        body = {"overlap_s": overlap_s}
        return read(_WEBHOOK, await self._ask("POST", f"/{webhook_id}/secret", token, json=body), NAME)

    async def send_test(self, token: str, webhook_id: str) -> Delivery:
        """Has a test event sent. Raises Conflict where it is switched off."""
        return read(_DELIVERY, await self._ask("POST", f"/{webhook_id}/tests", token), NAME)

    async def deliveries(self, token: str, webhook_id: str, query: dict[str, str]) -> Listed[Delivery]:
        """A page of what was sent, newest first. Raises NotFound."""
        answer = await self._ask("GET", f"/{webhook_id}/deliveries", token, params=query)
        return read(_DELIVERIES, answer, NAME)

    async def delivery(self, token: str, webhook_id: str, delivery_id: str) -> Delivery:
        """One delivery with its payload and attempts. Raises NotFound."""
        return read(_DELIVERY, await self._ask("GET", f"/{webhook_id}/deliveries/{delivery_id}", token), NAME)

    async def send_again(self, token: str, webhook_id: str, delivery_id: str) -> None:
        """Has an event sent once more. Raises NotFound, and Conflict where the webhook is switched off."""
        path = f"/{webhook_id}/deliveries/{delivery_id}/redelivery"
        require_success(await self._ask("POST", path, token), NAME)

    async def _ask(self, method: str, path: str, token: str, **options: Any) -> Any:
        return await self._neighbour.request(
            method, f"{API}/webhooks{path}", headers=acting_as(token), **options
        )
