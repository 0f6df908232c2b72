"""The table of one-time links."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base


class LinkToken(Base):
    """A link that does one thing for one person, once; using it deletes the row."""

    __tablename__ = "link_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.accounts.id", ondelete="CASCADE"), index=True
    )
    """None for a link to nobody: one that is dead when it is made."""
    purpose: Mapped[str]
    address: Mapped[str | None]
    """The address that the link proves, where it proves one."""
    digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)
