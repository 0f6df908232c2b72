"""Every SQL statement about mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import RowMapping, and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database

from vitrine_users.mail.models import OutboxMail

SHOWN = (
    OutboxMail.id,
    OutboxMail.recipient,
    OutboxMail.template,
    OutboxMail.locale,
    OutboxMail.subject,
    OutboxMail.attempts,
    OutboxMail.last_error,
    OutboxMail.failed_at,
    OutboxMail.created_at,
)
"""What may be listed of a mail: all but its text."""

_WHOLE = select(*SHOWN, OutboxMail.sealed_body).where(OutboxMail.id == bindparam("mail_id"))


async def add_mail(session: AsyncSession, **values: object) -> None:
    """Stores a mail."""
    # Every column is named, also those that are NULL: a mail to nobody is the same statement as any other.
    await session.execute(insert(OutboxMail).values(**values))


async def find_mail(db: Database, mail_id: UUID) -> RowMapping | None:
    """One mail with its sealed text."""
    return await db.fetch_one(_WHOLE, {"mail_id": mail_id})


async def list_mails(db: Database, *, limit: int, before: UUID | None) -> Sequence[RowMapping]:
    """At most `limit` mails to somebody, newest first, written before the one with the id `before`."""
    statement = (
        select(*SHOWN).where(OutboxMail.recipient.is_not(None)).order_by(OutboxMail.id.desc()).limit(limit)
    )
    return await db.fetch_all(statement if before is None else statement.where(OutboxMail.id < before))


async def delete_mail(session: AsyncSession, mail_id: UUID) -> None:
    """Drops a mail: it was delivered."""
    await session.execute(delete(OutboxMail).where(OutboxMail.id == mail_id))


async def record_failure(session: AsyncSession, mail_id: UUID, error: str, *, for_good: bool) -> int:
    """Notes a failed attempt; returns how many there were."""
    values = {"failed_at": func.now()} if for_good else {}
    statement = (
        update(OutboxMail)
        .where(OutboxMail.id == mail_id)
        .values(attempts=OutboxMail.attempts + 1, last_error=error, **values)
        .returning(OutboxMail.attempts)
    )
    return (await session.execute(statement)).scalar_one_or_none() or 1


async def waiting_mails(session: AsyncSession) -> Sequence[UUID]:
    """The mails that nobody has given up yet, oldest first; at most 1,000."""
    statement = (
        select(OutboxMail.id).where(OutboxMail.failed_at.is_(None)).order_by(OutboxMail.id).limit(1000)
    )
    return (await session.execute(statement)).scalars().all()


async def purge_mails(session: AsyncSession, *, kept_s: int, decoys_kept_s: int) -> None:
    """Deletes mails older than `kept_s` seconds, and those to nobody after `decoys_kept_s`."""
    old = OutboxMail.created_at < func.now() - timedelta(seconds=kept_s)
    decoy = and_(
        OutboxMail.recipient.is_(None),
        OutboxMail.created_at < func.now() - timedelta(seconds=decoys_kept_s),
    )
    await session.execute(delete(OutboxMail).where(or_(old, decoy)))
