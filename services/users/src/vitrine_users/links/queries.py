"""Every SQL statement about links."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping, Uuid, bindparam, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id

from vitrine_users.links.models import LinkToken

_HELD = (LinkToken.person_id, LinkToken.address)
_ALIVE = (
    LinkToken.digest == bindparam("digest"),
    LinkToken.purpose == bindparam("purpose"),
    LinkToken.expires_at > func.now(),
)
_FIND = select(*_HELD).where(*_ALIVE)
_USE = delete(LinkToken).where(*_ALIVE).returning(*_HELD)

# One statement for everybody: no row has a person_id that equals NULL, so for nobody it deletes nothing.
_REPLACE = delete(LinkToken).where(
    LinkToken.person_id == bindparam("person_id", type_=Uuid()), LinkToken.purpose == bindparam("purpose")
)


async def add_link(
    session: AsyncSession,
    digest: bytes,
    *,
    purpose: str,
    person_id: UUID | None,
    address: str | None,
    ttl_s: int,
) -> datetime:
    """Stores a link in place of older ones of the person for the same purpose; returns when it ends."""
    await session.execute(_REPLACE, {"person_id": person_id, "purpose": purpose})
    statement = insert(LinkToken).values(
        id=new_id(),
        person_id=person_id,
        purpose=purpose,
        address=address,
        digest=digest,
        expires_at=func.now() + timedelta(seconds=ttl_s),
    )
    return (await session.execute(statement.returning(LinkToken.expires_at))).scalar_one()


async def find_link(db: Database, digest: bytes, purpose: str) -> RowMapping | None:
    """Whose living link this is, with the address it proves; uses nothing up."""
    return await db.fetch_one(_FIND, {"digest": digest, "purpose": purpose})


async def use_link(session: AsyncSession, digest: bytes, purpose: str) -> RowMapping | None:
    """Uses up a living link; None where there is none. Of many at once, one wins."""
    values = {"digest": digest, "purpose": purpose}
    return (await session.execute(_USE, values)).mappings().one_or_none()


async def delete_links_of(session: AsyncSession, person_id: UUID) -> None:
    """Makes every link of the person worthless."""
    await session.execute(delete(LinkToken).where(LinkToken.person_id == person_id))


async def purge_links(session: AsyncSession) -> None:
    """Deletes the links that have ended."""
    await session.execute(delete(LinkToken).where(LinkToken.expires_at <= func.now()))
