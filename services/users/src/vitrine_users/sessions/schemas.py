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


class SessionIn(Visitor):
    """A sign-in with a password."""

    email: Email
    password: GivenPassword


class LinkIn(Visitor):
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


class ExchangeOut(Schema):
    """What a session is worth at this moment: a short access token, and the person."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a kind of token
    expires_in: int
    """Seconds until the access token ends."""
    session_expires_at: datetime
    user: MeOut


class PasswordChange(Schema):
    """A new password, and the proof that it is really you."""

    current_password: GivenPassword | None = None
    """May be left out only by an account that has no password yet."""
    new_password: NewPassword
    end_other_sessions: bool = True
    """Whether every other sign-in of the account ends."""
