"""Mail that waits as it crosses the wire."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from vitrine_kit.openapi import Schema
from vitrine_kit.pagination import PageQuery


class MailOut(Schema):
    """A mail that waits to be delivered, or could not be."""

    id: UUID
    recipient: str
    template: str
    locale: str
    subject: str
    attempts: int
    """How often delivery failed."""
    last_error: str | None
    failed_at: datetime | None
    """When it was given up."""
    created_at: datetime


class MailPageQuery(PageQuery):
    """Which mails to list."""


class MailPage(Schema):
    """A page of mails, newest first."""

    items: list[MailOut]
    next: str | None
    delivers: bool
    """Whether there is a mail server; without one the mails stay here, to be read."""


class MailText(MailOut):
    """A mail with its text."""

    text: str | None
    """Null where there is a mail server: then its links are for its recipient alone."""
