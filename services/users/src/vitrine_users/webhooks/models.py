"""Tables of webhook endpoints, of what is sent to them, and of how far the audit log has been told."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base


class WebhookEndpoint(Base):
    """An address that is told of events; its secrets are kept encrypted."""

    __tablename__ = "webhook_endpoints"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    url: Mapped[str]
    description: Mapped[str]
    event_types: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    include_email: Mapped[bool]
    """Whether events tell the person's e-mail address too."""
    sealed_secret: Mapped[bytes]
    sealed_previous_secret: Mapped[bytes | None]
    previous_until: Mapped[datetime | None]
    """Until when messages are signed under the former secret as well."""
    created_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.accounts.id", ondelete="SET NULL"), index=True
    )
    listens_since: Mapped[datetime] = mapped_column(server_default=func.now())
    """When it was set up or last switched on again: nothing from before is told to it."""
    disabled_at: Mapped[datetime | None]
    disabled_because: Mapped[str | None]
    """`staff`, `gone` (it answered 410) or `failing` (for days)."""
    failing_since: Mapped[datetime | None]
    """When the first of the failures came since which nothing was delivered."""
    last_delivered_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    """Counts changes by people."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WebhookDelivery(Base):
    """One event on its way to one endpoint, or arrived; kept thirty days."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "event_id"),
        Index(None, "endpoint_id", "id"),
        Index(
            "ix_webhook_deliveries_due",
            "endpoint_id",
            "next_attempt_at",
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey(WebhookEndpoint.id, ondelete="CASCADE"))
    event_id: Mapped[UUID]
    """What receivers find in `webhook-id`: the same for every attempt, and for every endpoint."""
    event_type: Mapped[str]
    subject_id: Mapped[UUID | None] = mapped_column(index=True)
    """Whose account it tells of, by id alone: erasing them leaves nothing of them here."""
    occurred_at: Mapped[datetime]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str]
    """`waiting`, `delivered` or `failed`."""
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    next_attempt_at: Mapped[datetime | None]
    """Also the lease of whoever is sending it: should they die, it is due again then."""
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]
    last_duration_ms: Mapped[int | None]
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class WebhookAttempt(Base):
    """One attempt to deliver: what the receiver answered, and how long it took."""

    __tablename__ = "webhook_attempts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey(WebhookDelivery.id, ondelete="CASCADE"), index=True)
    attempted_at: Mapped[datetime]
    status: Mapped[int | None]
    error: Mapped[str | None]
    duration_ms: Mapped[int]


class WebhookCursor(Base):
    """The one row that says up to which entry of the audit log events have been made of it."""

    __tablename__ = "webhook_cursor"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigInteger)
