"""The audit log as it crosses the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field
from vitrine_kit.moments import Moment
from vitrine_kit.openapi import Query, Schema
from vitrine_kit.pagination import PageQuery


class AuditFilter(Query):
    """Which entries are wanted."""

    action: str | None = Field(
        None,
        max_length=64,
        pattern=r"^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)?$",
        description="What was done, such as `session.begun`; or the feature alone, such as `session`.",
    )
    actor_id: UUID | None = Field(None, description="Who did it.")
    subject_id: UUID | None = Field(None, description="Whose account it concerns.")
    outcome: Literal["success", "refused"] | None = Field(None, description="How it ended.")
    since: Moment | None = Field(None, description="Not before this time.")
    until: Moment | None = Field(None, description="Before this time.")
    q: str | None = Field(
        None,
        min_length=2,
        max_length=120,
        description="Part of the action, of the network address or of the details.",
    )


class AuditPageQuery(PageQuery, AuditFilter):
    """Which entries to list."""

    limit: int = Field(50, ge=1, le=1000, description="How many entries at the most.")


class AuditEntryOut(Schema):
    """A security event."""

    position: int
    """Its number in the chain: 1, 2, 3 and so on."""
    occurred_at: datetime
    action: str
    actor_id: UUID | None
    """Who did it; null for somebody unknown, and for the operator's command line."""
    subject_id: UUID | None
    """Whose account it concerns."""
    outcome: str
    details: dict[str, Any]
    address: str | None
    digest: str
    """SHA-256, in hexadecimal, over the digest before and this entry."""


class AuditPage(Schema):
    """A page of entries, newest first."""

    items: list[AuditEntryOut]
    next: str | None


class VerificationQuery(Query):
    """How much of the log to check."""

    newest: int = Field(10_000, ge=1, le=100_000, description="How many entries to check, from the newest.")


class VerificationOut(Schema):
    """What the check of the chain has found."""

    intact: bool
    checked: int
    position: int
    """The last entry that fits."""
    digest: str
    """Its digest; note it elsewhere, and a later check can tell whether the whole chain was made anew."""
    broken_at: int | None
    """The first entry that does not fit."""
    reason: str | None
