"""The table of mail that waits to be delivered."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, func, text
from sqlalchemy.orm import Mapped, mapped_column

from vitrine_users.base import Base


class OutboxMail(Base):
    """One mail that waits, or was given up; delivering it deletes the row."""

    __tablename__ = "mail_outbox"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.accounts.id", ondelete="CASCADE"), index=True
    )
    """Whom it tells of; the mail is erased with them."""
    recipient: Mapped[str | None]
    """None for a mail to nobody: written so that an unknown address takes as long as a known one."""
    template: Mapped[str]
    locale: Mapped[str]
    subject: Mapped[str]
    sealed_body: Mapped[bytes]
    """Both forms of the text, encrypted: they may hold a link's secret."""
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[str | None]
    failed_at: Mapped[datetime | None]
    """When it was given up; it then stays for people to see until it is purged."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
