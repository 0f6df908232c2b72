"""Tables of applications, what people let them know, authorization codes, grants, and RSA keys for ID tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base

_OF_APPLICATION = "users.applications.id"
_OF_ACCOUNT = "users.accounts.id"


class Application(Base):
    """A client of ours (RFC 6749, section 2); its id is the `client_id`."""

    __tablename__ = "applications"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    secret_digest: Mapped[bytes | None]
    """None for a public client, which can keep no secret: a page's script, or a program on people's devices."""
    redirect_uris: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    logout_uris: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    signature: Mapped[str]
    """How its ID tokens are signed: EdDSA or Ed25519, which are two names of one, or RS256."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Consent(Base):
    """What a person lets an application know of them; asked once."""

    __tablename__ = "application_consents"

    application_id: Mapped[UUID] = mapped_column(
        ForeignKey(_OF_APPLICATION, ondelete="CASCADE"), primary_key=True
    )
    account_id: Mapped[UUID] = mapped_column(
        ForeignKey(_OF_ACCOUNT, ondelete="CASCADE"), primary_key=True, index=True
    )
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    granted_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Grant(Base):
    """One sign-in to an application. Its refresh tokens are made as those of `tokens.models.RefreshFamily` are."""

    __tablename__ = "application_grants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(_OF_APPLICATION, ondelete="CASCADE"), index=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(_OF_ACCOUNT, ondelete="CASCADE"), index=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    secret: Mapped[bytes]
    generation: Mapped[int] = mapped_column(server_default=text("0"))
    rotated_at: Mapped[list[datetime]] = mapped_column(
        ARRAY(DateTime(timezone=True)), server_default=text("'{}'::timestamptz[]")
    )
    """When the last refresh tokens were used, the latest first."""
    authenticated_at: Mapped[datetime]
    assurance: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AuthorizationCode(Base):
    """What an application exchanges for tokens, once; the row stays until it ends, so that a second use shows."""

    __tablename__ = "authorization_codes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(_OF_APPLICATION, ondelete="CASCADE"), index=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(_OF_ACCOUNT, ondelete="CASCADE"), index=True)
    redirect_uri: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    nonce: Mapped[str | None]
    code_challenge: Mapped[str]
    authenticated_at: Mapped[datetime]
    assurance: Mapped[int]
    grant_id: Mapped[UUID | None]
    """The grant that came of it: a second use ends it."""
    used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class IdTokenKey(Base):
    """An RSA key that ID tokens are signed with where an application knows no Ed25519; its id is the `kid`."""

    __tablename__ = "id_token_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sealed_key: Mapped[bytes]
    """The private JWK, encrypted under a key that is not in the database."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    retired_at: Mapped[datetime | None]
    """From then on it signs nothing; it stays published until its last token has ended."""
