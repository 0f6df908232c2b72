"""The table of remembered devices."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base


class RememberedDevice(Base):
    """A browser that an account has signed in with; only the digest of its cookie is kept."""

    __tablename__ = "remembered_devices"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("users.accounts.id", ondelete="CASCADE"), index=True)
    secret_digest: Mapped[bytes] = mapped_column(unique=True)
    trusted: Mapped[bool]
    """Whether the person asked, after a second factor, not to be asked for one here again."""
    user_agent: Mapped[str]
    address: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
