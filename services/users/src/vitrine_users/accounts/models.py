"""The table of accounts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base


class Account(Base):
    """One person who can sign in. Deleting the row is what erases the person."""

    __tablename__ = "accounts"
    __table_args__ = (
        Index("ix_accounts_erase_after", "erase_after", postgresql_where=text("erase_after IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    """As the person wrote it."""
    email_key: Mapped[str] = mapped_column(unique=True)
    """The form in which addresses are compared: one mailbox, one key."""
    email_verified_at: Mapped[datetime | None]
    """When somebody showed that mail to the address reaches them; None until then."""
    name: Mapped[str]
    locale: Mapped[str] = mapped_column(server_default=text("'en'"))
    """The language of mails to the person."""
    time_zone: Mapped[str] = mapped_column(server_default=text("'UTC'"))
    """As the IANA database names it."""
    erase_after: Mapped[datetime | None]
    """When the account is erased for good, where its owner asked for that; signing in takes it back."""
    suspended_at: Mapped[datetime | None]
    """Since when staff has barred the account: it signs in nowhere, and its sign-ins count for nothing."""
    password_hash: Mapped[str | None]
    """None until somebody who came by a sign-in link has chosen a password."""
    password_set_at: Mapped[datetime | None]
    last_signed_in_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    """Counts changes to what others see of the account, or may do with it."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class FailedTries(Base):
    """How often in a row something was tried in vain, and until when the next try has to wait."""

    __tablename__ = "failed_tries"

    key: Mapped[bytes] = mapped_column(primary_key=True)
    """A keyed digest of what is tried and from where; tells nobody who was tried."""
    failures: Mapped[int]
    retry_at: Mapped[datetime]
    forget_at: Mapped[datetime] = mapped_column(index=True)
