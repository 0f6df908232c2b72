"""Tables of connected accounts elsewhere, and of visits to a provider that are under way."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base


class Connection(Base):
    """An account at an issuer that signs in to one account here. Issuer and subject tell who it is, nothing else."""

    __tablename__ = "connections"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("users.accounts.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str]
    subject: Mapped[str]
    label: Mapped[str]
    """The address or name the issuer gave when it was connected: shown to its owner, never compared."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]


class ProviderVisit(Base):
    """Somebody who was sent to a provider and has not come back; coming back deletes the row."""

    __tablename__ = "provider_visits"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state_digest: Mapped[bytes] = mapped_column(unique=True)
    browser_digest: Mapped[bytes]
    """The browser that was sent, by its cookie: no other may come back."""
    provider: Mapped[str]
    purpose: Mapped[str]
    """sign-in, connect or confirm."""
    account_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.accounts.id", ondelete="CASCADE"), index=True
    )
    """Who was signed in, where the purpose is not to sign in."""
    sealed: Mapped[bytes]
    """The PKCE verifier and the nonce, encrypted under a key that is not in the database."""
    target: Mapped[str]
    """The page to go on to."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)
