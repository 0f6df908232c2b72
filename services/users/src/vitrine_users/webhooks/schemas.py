"""Webhooks as they cross the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field
from vitrine_kit.openapi import Schema

from vitrine_users.accounts.schemas import without_default
from vitrine_users.webhooks.events import NAMES

MAX_OVERLAP_S = 7 * 86400

Url = Annotated[str, Field(min_length=8, max_length=2000)]
Description = Annotated[str, Field(max_length=200)]
EventName = Literal[NAMES]  # type: ignore[valid-type]  # the names are a constant of the catalogue
EventNames = Annotated[list[EventName], Field(min_length=1, max_length=len(NAMES))]


class EventTypeOut(Schema):
    """An event that webhooks can tell of."""

    name: str
    summary: str
    facts: dict[str, str]
    """The members of its `data` beside user_id, actor_id and sequence, and what they say."""


class EventTypesOut(Schema):
    """All events that can be chosen."""

    items: list[EventTypeOut]


class WebhookIn(Schema):
    """An endpoint to set up."""

    url: Url
    """A public https:// address."""
    description: Description = ""
    event_types: EventNames
    include_email: bool = False
    """Whether events shall tell the e-mail address of the person, as it is when they are sent."""


class WebhookPatch(Schema):
    """What changes about an endpoint; a member that is left out stays as it is."""

    url: Url = Field(default="https://", json_schema_extra=without_default)
    description: Description = Field(default="", json_schema_extra=without_default)
    event_types: EventNames = Field(default_factory=list, json_schema_extra=without_default)
    include_email: bool = Field(default=False, json_schema_extra=without_default)
    enabled: bool = Field(default=True, json_schema_extra=without_default)
    """Switched off, it is told nothing, and what waits for it is given up."""


class WebhookOut(Schema):
    """An endpoint, without its secret."""

    id: UUID
    url: str
    description: str
    event_types: list[str]
    include_email: bool
    enabled: bool
    disabled_at: datetime | None
    disabled_because: str | None
    """`staff`, `gone` (it answered 410) or `failing` (for five days)."""
    failing_since: datetime | None
    """When the first of the failures came since which nothing was delivered."""
    last_delivered_at: datetime | None
    previous_secret_until: datetime | None
    """Until when messages are signed under the former secret as well."""
    version: int
    created_at: datetime
    updated_at: datetime


class NewWebhookOut(WebhookOut):
    """An endpoint with a secret that was just made."""

    secret: str
    """Shown this once; receivers check signatures with it."""


class WebhooksOut(Schema):
    """All endpoints, oldest first."""

    items: list[WebhookOut]


class RotationIn(Schema):
    """A new secret."""

    overlap_s: int = Field(86400, ge=0, le=MAX_OVERLAP_S)
    """For how many seconds messages are signed under the former secret as well; 0 ends it at once."""


class DeliveryOut(Schema):
    """An event on its way to an endpoint, or arrived."""

    id: UUID
    event_id: UUID
    """The `webhook-id` that the receiver sees."""
    event_type: str
    occurred_at: datetime
    state: Literal["waiting", "delivered", "failed"]
    attempts: int
    next_attempt_at: datetime | None
    last_status: int | None
    """What the receiver answered last."""
    last_error: str | None
    """Why there was no answer: timeout, not-reached, host-not-found, forbidden-address, tls-failed, no-answer, …"""
    last_duration_ms: int | None
    delivered_at: datetime | None
    created_at: datetime


class DeliveryPage(Schema):
    """A page of deliveries, newest first."""

    items: list[DeliveryOut]
    next: str | None


class AttemptOut(Schema):
    """One attempt to deliver."""

    attempted_at: datetime
    status: int | None
    error: str | None
    duration_ms: int


class DeliveryDetail(DeliveryOut):
    """A delivery with what is sent, and what became of each attempt."""

    payload: dict[str, Any]
    """What is sent; the e-mail address, where it is wanted, is added at each attempt and never kept here."""
    attempted: list[AttemptOut]
