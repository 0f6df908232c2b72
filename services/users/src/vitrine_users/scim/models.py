"""Tables of what SCIM clients said of people and groups, beside what accounts and roles know of themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base


class ScimUser(Base):
    """What a client said of an account; it goes with the account."""

    __tablename__ = "scim_users"

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.accounts.id", ondelete="CASCADE"), primary_key=True
    )
    external_id: Mapped[str | None] = mapped_column(index=True)
    """The client's own name for the person."""
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """displayName, name, preferredLanguage and timezone, as they were given."""


class ScimGroup(Base):
    """What a client said of a role; it goes with the role."""

    __tablename__ = "scim_groups"
    role_id: Mapped[UUID] = mapped_column(ForeignKey("users.roles.id", ondelete="CASCADE"), primary_key=True)
    display_name: Mapped[str | None]
    """What clients call the role; None where that is its own name."""
    external_id: Mapped[str | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
