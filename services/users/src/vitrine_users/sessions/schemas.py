"""Sessions as they cross the wire between the gateway and users."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from vitrine_kit.openapi import Schema

from vitrine_users.accounts.schemas import Email, GivenPassword, MeOut, NewPassword

Secret = Annotated[str, Field(min_length=1, max_length=128)]


class Visitor(Schema):
    """Where somebody comes from, as the gateway saw it."""

    user_agent: str = Field("", max_length=300)
    address: str = Field("unknown", min_length=1, max_length=64)


class Browser(Visitor):
    """A browser, with the cookie by which it may be known."""

    device: Secret | None = None


class SessionIn(Browser):
    """A sign-in with a password."""

    email: Email
    password: GivenPassword


class LinkIn(Browser):
    """A sign-in with a one-time link."""

    token: Secret


class SessionRef(Schema):
    """A session's secret, as the cookie holds it."""

    session: Secret


class SessionOut(Schema):
    """A session that has just begun."""

    session: str
    expires_at: datetime
    user: MeOut
    device: str | None = None
    """A new value for the device's cookie; None where it keeps the one it has."""
    device_expires_at: datetime | None = None


class PendingOut(Schema):
    """A sign-in whose first proof was right, and whose second is to come."""

    challenge: str
    methods: list[str]
    """By which proofs it can go on; none where only the operator can help."""
    expires_at: datetime


class ExchangeOut(Schema):
    """What a session is worth at this moment: a short access token, and the person."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a kind of token
    expires_in: int
    """Seconds until the access token ends."""
    session_expires_at: datetime
    impersonation: bool
    """Whether an owner sees the shop as this person, and can change nothing."""
    assurance: int
    """1 after one proof, 2 after two of different kinds."""
    factor_missing: bool
    """Whether the account needs a second proof before it may do what its roles let it."""
    user: MeOut


class PasswordChange(Schema):
    """A new password, and the proof that it is really you."""

    current_password: GivenPassword | None = None
    """May be left out only by an account that has no password yet."""
    new_password: NewPassword
    end_other_sessions: bool = True
    """Whether every other sign-in of the account ends."""
