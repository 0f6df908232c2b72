"""Tables of passkeys and of the challenges they sign."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base


class Passkey(Base):
    """A public key of an account; the private one never leaves the person's device."""

    __tablename__ = "passkeys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("users.accounts.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    """In COSE form (RFC 9052)."""
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str]
    transports: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    backed_up: Mapped[bool]
    """Whether the device says that it keeps a copy elsewhere."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]


class PasskeyChallenge(Base):
    """Random bytes that one passkey ceremony must sign, once; using them deletes the row."""

    __tablename__ = "passkey_challenges"

    challenge: Mapped[bytes] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    """register, sign-in, second-step or confirm: none passes for another."""
    account_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.accounts.id", ondelete="CASCADE"), index=True
    )
    expires_at: Mapped[datetime] = mapped_column(index=True)
