"""Applications and authorizations as they cross the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from vitrine_kit.openapi import Schema

from vitrine_users.accounts.schemas import Name, without_default
from vitrine_users.sessions.schemas import Secret

Addresses = Annotated[list[Annotated[str, Field(min_length=1, max_length=500)]], Field(max_length=20)]
Signature = Literal["EdDSA", "Ed25519", "RS256"]
Parameter = Annotated[str, Field(max_length=4000)]


class ApplicationIn(Schema):
    """An application to register."""

    name: Name = Field(max_length=60)
    """As people read it when they are asked."""
    redirect_uris: Addresses = Field(min_length=1)
    """Where browsers are sent back to, compared character by character."""
    logout_uris: Addresses = Field(default_factory=list)
    """Where browsers may go after signing out."""
    confidential: bool = True
    """Whether it can keep a secret: a server can, a page's script or a program on people's devices cannot."""
    signature: Signature = "EdDSA"
    """How its ID tokens are signed; RS256 for a library that knows no Ed25519."""


class ApplicationPatch(Schema):
    """What changes about an application; a member that is left out stays as it is."""

    name: Name = Field(default="", max_length=60, json_schema_extra=without_default)
    redirect_uris: Addresses = Field(default_factory=list, min_length=1, json_schema_extra=without_default)
    logout_uris: Addresses = Field(default_factory=list, json_schema_extra=without_default)
    signature: Signature = Field(default="EdDSA", json_schema_extra=without_default)


class ApplicationOut(Schema):
    """An application into which people sign in with their account here."""

    id: UUID
    """Its `client_id`."""
    name: str
    confidential: bool
    redirect_uris: list[str]
    logout_uris: list[str]
    signature: str
    created_at: datetime


class ApplicationMade(ApplicationOut):
    """An application with its secret, shown this once; None for one that can keep none."""

    client_secret: str | None


class ApplicationsOut(Schema):
    """The applications of the shop, oldest first."""

    items: list[ApplicationOut]


class AllowedOut(Schema):
    """An application that you have let in, and what it may know."""

    id: UUID
    name: str
    scopes: list[str]
    texts: list[str]
    """What the scopes let it do, in words."""
    granted_at: datetime


class AllowedPage(Schema):
    """The applications that you have let in."""

    items: list[AllowedOut]


class AuthorizeIn(Schema):
    """A browser with an application's request."""

    query: dict[str, Parameter] = Field(max_length=30)
    session: Secret | None = None
    asked_at: int | None = None
    """Since when the person was asked to prove who they are for this request, in seconds since 1970."""
    decision: Literal["allow", "deny"] | None = None
    address: str = Field("unknown", min_length=1, max_length=64)


class ScopeOut(Schema):
    """Something an application wants to know, and how people are told of it."""

    name: str
    text: str


class AuthorizeOut(Schema):
    """What the browser does next."""

    outcome: Literal["page", "redirect", "sign-in", "confirm", "factor", "consent"]
    url: str | None
    message: str
    application: str
    scopes: list[ScopeOut]


class LogoutIn(Schema):
    """A browser that an application sends to sign out (OpenID Connect RP-Initiated Logout 1.0)."""

    query: dict[str, Parameter] = Field(max_length=30)
    session: Secret | None = None


class LogoutOut(Schema):
    """Where the browser goes afterwards, and whether the application has shown whom it wants signed out."""

    url: str | None
    application: str | None
    proved: bool
    """Whether its ID token is about whoever is signed in: then nobody need be asked."""
    refused: str | None
    """Why the request is no good."""
