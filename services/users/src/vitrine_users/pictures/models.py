"""The table of people's pictures."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base


class ProfilePicture(Base):
    """A person's picture, some ten kilobytes: small enough to lie here, so that it goes when the account goes."""

    __tablename__ = "profile_pictures"
    __table_args__ = (CheckConstraint("octet_length(content) <= 262144", name="content_small"),)

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[UUID] = mapped_column(unique=True)
    """Random, and new with each picture: whoever is shown it can fetch it, and nobody can guess it."""
    content: Mapped[bytes]
    """A WebP of `portraits.SIDE_PIXELS` each way."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
