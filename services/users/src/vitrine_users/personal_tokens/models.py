"""The table of personal access tokens."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base


class PersonalAccessToken(Base):
    """A token a person has made for a script; only the digest of its text is kept."""

    __tablename__ = "personal_access_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("users.accounts.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    """Permissions it may use, where its owner still has them."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    """To the minute: it is written at most that often."""
    last_address: Mapped[str | None]
