"""The table of accounts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base


class Account(Base):
    """One person who can sign in. Deleting the row is what erases the person."""

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    """As the person wrote it."""
    email_key: Mapped[str] = mapped_column(unique=True)
    """The form in which addresses are compared: one mailbox, one key."""
    name: Mapped[str]
    password_hash: Mapped[str | None]
    """None until somebody who came by a sign-in link has chosen a password."""
    password_set_at: Mapped[datetime | None]
    last_signed_in_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    """Counts changes to what others see of the account, or may do with it."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
