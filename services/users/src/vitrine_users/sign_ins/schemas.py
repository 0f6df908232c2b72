"""Sign-ins as they cross the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from vitrine_kit.openapi import Schema


class SignInOut(Schema):
    """One place where the person is signed in."""

    id: UUID
    kind: Literal["browser", "api"]
    current: bool
    """Whether it is the one that asks."""
    method: str
    """How it was proved: password, passkey, provider, link, operator."""
    assurance: int
    created_at: datetime
    seen_at: datetime
    """When it was last used, to the minute; by API, when it was last refreshed."""
    expires_at: datetime
    user_agent: str
    address: str
    impersonation: bool
    """Whether an owner sees the shop as this person."""


class SignInsOut(Schema):
    """Where a person is signed in, the latest used last."""

    items: list[SignInOut]
