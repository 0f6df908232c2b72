"""Every SQL statement about invitations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import RowMapping, delete, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id

from vitrine_users.invitations.models import Invitation

SHOWN = (
    Invitation.id,
    Invitation.email,
    Invitation.role_names,
    Invitation.invited_by,
    Invitation.created_at,
    Invitation.expires_at,
)
"""What an invitation shows of itself."""

_LIVES = Invitation.expires_at > func.now()


async def list_invitations(db: Database, *, limit: int, before: UUID | None = None) -> Sequence[RowMapping]:
    """At most `limit` open invitations, newest first, made before the one with the id `before`."""
    statement = select(*SHOWN).where(_LIVES).order_by(Invitation.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Invitation.id < before)
    return await db.fetch_all(statement)


async def put_invitation(
    session: AsyncSession,
    *,
    email: str,
    email_key: str,
    role_names: Sequence[str],
    digest: bytes,
    invited_by: UUID,
    ttl_s: int,
) -> RowMapping:
    """Stores an invitation in the place of any older one to the address."""
    values = {
        "id": new_id(),
        "email": email,
        "role_names": list(role_names),
        "digest": digest,
        "invited_by": invited_by,
        "created_at": func.now(),
        "expires_at": func.now() + timedelta(seconds=ttl_s),
    }
    statement = (
        postgresql.insert(Invitation)
        .values(email_key=email_key, **values)
        .on_conflict_do_update(index_elements=[Invitation.email_key], set_=values)
        .returning(*SHOWN)
    )
    return (await session.execute(statement)).mappings().one()


async def find_by_digest(db: Database, digest: bytes) -> RowMapping | None:
    """An open invitation; uses nothing up."""
    return await db.fetch_one(select(*SHOWN).where(Invitation.digest == digest, _LIVES))


async def use_invitation(session: AsyncSession, digest: bytes) -> RowMapping | None:
    """Uses an invitation up; None where it is unknown, used or too old. Of many at once, one wins."""
    statement = delete(Invitation).where(Invitation.digest == digest, _LIVES)
    return (await session.execute(statement.returning(*SHOWN))).mappings().one_or_none()


async def use_invitation_of(session: AsyncSession, email_key: str) -> RowMapping | None:
    """Uses up the open invitation to an address, None where there is none. Of many at once, one wins."""
    statement = delete(Invitation).where(Invitation.email_key == email_key, _LIVES)
    return (await session.execute(statement.returning(*SHOWN))).mappings().one_or_none()


async def delete_invitation(session: AsyncSession, invitation_id: UUID) -> RowMapping | None:
    """Withdraws an open invitation."""
    statement = delete(Invitation).where(Invitation.id == invitation_id, _LIVES)
    return (await session.execute(statement.returning(*SHOWN))).mappings().one_or_none()


async def purge_invitations(session: AsyncSession) -> int:
    """Deletes invitations that nobody has taken up in time; returns how many."""
    statement = delete(Invitation).where(Invitation.expires_at <= func.now())
    return len((await session.execute(statement.returning(Invitation.id))).all())
