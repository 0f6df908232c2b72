"""Invitations as they cross the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from vitrine_kit.openapi import Schema

from vitrine_users.accounts.schemas import Email, Name, NewPassword, RoleName

Secret = Annotated[str, Field(min_length=1, max_length=128)]


class InvitationIn(Schema):
    """Whom to invite, and what they shall be."""

    email: Email
    roles: list[RoleName] = Field(default_factory=lambda: ["customer"], min_length=1, max_length=20)
    """Other roles than customer need the permission users:roles, and give no more than you may do."""
    locale: str = Field("en", pattern=r"^[a-z]{2}([_-][A-Za-z]{2})?$")
    """The language of the mail."""


class InvitationOut(Schema):
    """An open invitation."""

    id: UUID
    email: str
    roles: list[str]
    invited_by: UUID | None
    created_at: datetime
    expires_at: datetime


class InvitationPage(Schema):
    """A page of open invitations, newest first."""

    items: list[InvitationOut]
    next: str | None


class InvitationRef(Schema):
    """An invitation's secret, as the mail's link holds it."""

    token: Secret


class InvitationPreview(Schema):
    """What whoever holds an invitation may know of it."""

    email: str
    roles: list[str]


class AcceptanceIn(InvitationRef):
    """An invitation taken up."""

    name: Name
    password: NewPassword
