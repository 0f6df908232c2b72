"""Every SQL statement that reads the audit log; `log` holds the one that writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, Text, bindparam, cast, or_, select
from vitrine_kit.db import Database

from vitrine_users.audit.models import AuditEntry, AuditHead

_COLUMNS = tuple(AuditEntry.__table__.columns)
_NEWEST_FIRST = select(*_COLUMNS).order_by(AuditEntry.position.desc())
_FOLLOWING = (
    select(*_COLUMNS)
    .where(AuditEntry.position > bindparam("after"), AuditEntry.position <= bindparam("until"))
    .order_by(AuditEntry.position)
    .limit(bindparam("limit"))
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are looked for; what is None leaves all."""

    action: str | None = None
    """The action, or the feature before its full stop: session, session.begun."""
    actor_id: UUID | None = None
    subject_id: UUID | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: str | None = None
    """A part of the action, of the network address or of what the details hold, in any case of letters."""


async def list_entries(
    db: Database, wanted: Wanted, *, limit: int, before: int | None = None
) -> Sequence[RowMapping]:
    """At most `limit` entries, newest first, that stand before the position `before`."""
    statement = _NEWEST_FIRST.limit(limit)
    if before is not None:
        statement = statement.where(AuditEntry.position < before)
    if wanted.action is not None:
        fits = AuditEntry.action == wanted.action
        if "." not in wanted.action:
            fits |= AuditEntry.action.startswith(f"{wanted.action}.", autoescape=True)
        statement = statement.where(fits)
    if wanted.actor_id is not None:
        statement = statement.where(AuditEntry.actor_id == wanted.actor_id)
    if wanted.subject_id is not None:
        statement = statement.where(AuditEntry.subject_id == wanted.subject_id)
    if wanted.outcome is not None:
        statement = statement.where(AuditEntry.outcome == wanted.outcome)
    if wanted.since is not None:
        statement = statement.where(AuditEntry.occurred_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(AuditEntry.occurred_at < wanted.until)
    if wanted.q is not None:
        looked_in = (AuditEntry.action, AuditEntry.address, cast(AuditEntry.details, Text))
        statement = statement.where(or_(*(text.icontains(wanted.q, autoescape=True) for text in looked_in)))
    return await db.fetch_all(statement)


async def following(db: Database, *, after: int, until: int, limit: int) -> Sequence[RowMapping]:
    """At most `limit` entries in order, from behind the position `after` up to and with `until`."""
    return await db.fetch_all(_FOLLOWING, {"after": after, "until": until, "limit": limit})


async def get_head(db: Database) -> tuple[int, bytes]:
    """The position and the digest of the newest entry, as the head's row has them; position 0 where there is none."""
    row = await db.fetch_one(select(AuditHead.position, AuditHead.digest))
    return (0, b"") if row is None else (row["position"], bytes(row["digest"]))


async def find_digest(db: Database, position: int) -> bytes | None:
    """The digest of the entry at this position."""
    statement = select(AuditEntry.digest).where(AuditEntry.position == position)
    found: bytes | None = await db.fetch_value(statement)
    return found


async def find_beyond(db: Database, position: int) -> int | None:
    """The position of an entry behind this one, which the head does not know of."""
    statement = select(AuditEntry.position).where(AuditEntry.position > position)
    found: int | None = await db.fetch_value(statement.order_by(AuditEntry.position).limit(1))
    return found
