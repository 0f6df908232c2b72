"""Tables of signing keys and of refresh-token families."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base


class SigningKey(Base):
    """An Ed25519 key that access tokens are signed with; its id is the `kid`."""

    __tablename__ = "signing_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sealed_key: Mapped[bytes]
    """The private JWK, encrypted under a key that is not in the database."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    signs_from: Mapped[datetime] = mapped_column(server_default=func.now())
    """Later than `created_at` where verifiers shall know the key before it is used."""
    retired_at: Mapped[datetime | None]
    """From then on it signs nothing; it stays published until its last token has ended."""


class RefreshFamily(Base):
    """One sign-in by API, and the chain of refresh tokens that came of it.

    No token is stored, nor its hash: the nth token of a family is an HMAC over this secret and n, under a key
    that is not in the database. So a token's successor is always the same, and a stolen table makes none.
    """

    __tablename__ = "refresh_families"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("users.accounts.id", ondelete="CASCADE"), index=True)
    secret: Mapped[bytes]
    generation: Mapped[int] = mapped_column(server_default=text("0"))
    """Which token of the chain is good now."""
    rotated_at: Mapped[list[datetime]] = mapped_column(
        ARRAY(DateTime(timezone=True)), server_default=text("'{}'::timestamptz[]")
    )
    """When the last ones were used, the latest first."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    authenticated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When the person last proved who they are."""
    assurance: Mapped[int] = mapped_column(server_default=text("1"))
    """1 after one proof, 2 after two of different kinds (NIST SP 800-63B: AAL1, AAL2)."""
    method: Mapped[str] = mapped_column(server_default=text("'password'"))
    """How it was begun: password or passkey."""
    user_agent: Mapped[str]
    address: Mapped[str]
