"""Tokens as they cross the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from vitrine_kit.openapi import ProblemDocument, Schema

from vitrine_users.accounts.schemas import Email, GivenPassword
from vitrine_users.challenges.schemas import ChallengeOut

RefreshTokenText = Annotated[str, Field(min_length=1, max_length=256)]


class SignIn(Schema):
    """The proof of who somebody is."""

    email: Email
    password: GivenPassword


class SignInProblem(ProblemDocument):
    """A problem document; with a challenge where its type is `challenge-required` or `factor-required`."""

    model_config = ConfigDict(extra="allow", title="SignInProblem")
    challenge: ChallengeOut | str | None = None
    """What to solve first; a text is what the second proof is sent with."""
    methods: list[str] | None = None
    """By which the second proof can be given."""
    expires_in: int | None = None
    """Seconds within which it is to be given."""


class RefreshIn(Schema):
    """A refresh token to use, or to end."""

    refresh_token: RefreshTokenText


class TokensOut(Schema):
    """An access token, and the refresh token that brings the next one (RFC 6749, section 5.1)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a kind of token
    expires_in: int
    """Seconds until the access token ends."""
    refresh_token: str
    refresh_expires_in: int
    """Seconds until the sign-in itself ends; refreshing does not prolong it."""


class JwkOut(Schema):
    """A public key (RFC 7517, RFC 8037)."""

    model_config = ConfigDict(extra="allow")

    kty: str
    kid: str


class JwksOut(Schema):
    """The keys that access tokens are verified with."""

    keys: list[JwkOut]
