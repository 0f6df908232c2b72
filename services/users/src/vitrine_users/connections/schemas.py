"""Connections and visits to providers as they cross the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from vitrine_kit.openapi import Schema

from vitrine_users.sessions.schemas import Browser, PendingOut, Secret, SessionOut

Purpose = Literal["sign-in", "connect", "confirm"]
Slug = Annotated[str, Field(min_length=1, max_length=32)]


class ProviderOut(Schema):
    """Somebody whom one may sign in with."""

    slug: str
    name: str


class ProvidersOut(Schema):
    """Whom one may sign in with, in the order of their buttons."""

    items: list[ProviderOut]


class ConnectionOut(Schema):
    """An account elsewhere that signs in to yours."""

    id: UUID
    provider: str
    """Its name; the issuer's address where the shop no longer offers it."""
    slug: str | None
    """None where the shop no longer offers it, and it signs nobody in."""
    label: str
    """The address or name it told when it was connected."""
    created_at: datetime
    last_used_at: datetime | None


class ConnectionsOut(Schema):
    """Your accounts elsewhere, oldest first."""

    items: list[ConnectionOut]


class VisitIn(Schema):
    """Somebody to send to a provider."""

    provider: Slug
    purpose: Purpose = "sign-in"
    session: Secret | None = None
    """Who is signed in; needed where the purpose is not to sign in."""
    binding: Secret | None = None
    """What the browser's cookie for visits holds, where it has one."""
    target: str = Field("", max_length=2000)
    """The page to go on to afterwards."""
    address: str = Field("unknown", min_length=1, max_length=64)


class VisitOut(Schema):
    """Where to send the browser, and what its cookie must hold when it comes back."""

    url: str
    binding: str
    expires_in: int
    """Seconds."""


class ReturnIn(Browser):
    """Somebody who came back from a provider, with what it added to the address."""

    provider: Slug
    binding: Secret
    state: Secret
    session: Secret | None = None
    code: str | None = Field(None, min_length=1, max_length=8192)
    error: str | None = Field(None, max_length=200)
    iss: str | None = Field(None, max_length=500)
    """The issuer that answers (RFC 9207)."""


class ReturnOut(Schema):
    """What came of it: a session or its second step to sign in or to confirm, neither where one has connected."""

    purpose: Purpose
    provider: str
    target: str
    begun: SessionOut | None = None
    pending: PendingOut | None = None
