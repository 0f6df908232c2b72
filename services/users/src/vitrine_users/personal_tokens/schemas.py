"""Personal access tokens as they cross the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from vitrine_kit.openapi import Schema

from vitrine_users.accounts.schemas import Name

MAX_DAYS = 365

Scope = Annotated[str, Field(min_length=1, max_length=64)]


class TokenIn(Schema):
    """A token to make."""

    name: Name
    """What it is for, so that its owner knows it again."""
    scopes: list[Scope] = Field(max_length=64)
    """Permissions it shall have; none beyond your own."""
    expires_in_days: int = Field(ge=1, le=MAX_DAYS)


class TokenOut(Schema):
    """A token, without its text."""

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    """To the minute."""
    last_address: str | None


class NewTokenOut(TokenOut):
    """A token that was just made."""

    token: str
    """Its text, shown this once."""


class TokensListOut(Schema):
    """The tokens of a person, newest first."""

    items: list[TokenOut]
