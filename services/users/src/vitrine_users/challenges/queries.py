"""Every SQL statement about challenges that were used."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, func
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database

from vitrine_users.challenges.models import SpentChallenge

_SPEND = (
    postgresql.insert(SpentChallenge)
    .values(digest=bindparam("digest"), expires_at=bindparam("expires_at"))
    .on_conflict_do_nothing(index_elements=[SpentChallenge.digest])
    .returning(SpentChallenge.digest)
)


async def spend(db: Database, digest: bytes, expires_at: datetime) -> bool:
    """Uses a challenge up; False where it was used before. Of many at once, one wins."""
    return await db.execute_alone(_SPEND, {"digest": digest, "expires_at": expires_at}) is not None


async def purge_spent(session: AsyncSession) -> None:
    """Drops what has ended by itself."""
    await session.execute(delete(SpentChallenge).where(SpentChallenge.expires_at <= func.now()))
