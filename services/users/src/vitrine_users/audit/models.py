"""Tables of the audit log and of its newest digest."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base


class AuditEntry(Base):
    """One security event. A trigger refuses to change or delete rows, whoever of the service asks.

    Persons stand here by id alone, so that nothing of them is left when their account is erased.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        Index(None, "actor_id", "position"),
        Index(None, "subject_id", "position"),
        Index(None, "action", "position"),
        Index(None, "occurred_at"),
    )

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """1, 2, 3 and so on, without gaps."""
    occurred_at: Mapped[datetime]
    action: Mapped[str]
    """What was done, as `feature.event`: session.begun, role.changed."""
    actor_id: Mapped[UUID | None]
    """Who did it; None for somebody unknown, and for the operator's command line."""
    subject_id: Mapped[UUID | None]
    """Whose account it concerns."""
    outcome: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    address: Mapped[str | None]
    """The network address it came from."""
    digest: Mapped[bytes]
    """SHA-256 over the digest before and this row's canonical content (`audit.chain`)."""


class AuditHead(Base):
    """The one row that says where the chain ends; appending locks it, so entries take turns."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes]
