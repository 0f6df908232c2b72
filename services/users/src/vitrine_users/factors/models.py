"""Tables of authenticator apps, recovery codes, and sign-ins that wait for their second factor."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, func, text
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base


class TotpFactor(Base):
    """The authenticator app of an account: one at most, and good once its first code has confirmed it."""

    __tablename__ = "totp_factors"

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.accounts.id", ondelete="CASCADE"), primary_key=True
    )
    sealed_seed: Mapped[bytes]
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    """The latest 30-second step whose code was used: no code is taken twice."""
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    """Wrong codes in a row; counted before a code is looked at."""
    retry_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    """When too many wrong codes in a row have ended it."""
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RecoveryCode(Base):
    """A code on paper that stands in for a lost factor, once; only its keyed digest is kept."""

    __tablename__ = "recovery_codes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("users.accounts.id", ondelete="CASCADE"), index=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PendingSignIn(Base):
    """A sign-in whose first proof was right and whose second is still missing; ending it deletes the row."""

    __tablename__ = "pending_sign_ins"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("users.accounts.id", ondelete="CASCADE"), index=True)
    secret_digest: Mapped[bytes] = mapped_column(unique=True)
    channel: Mapped[str]
    """Where it was begun and must be finished: browser or api."""
    proved: Mapped[str]
    """What was proved first: password, passkey or provider."""
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
