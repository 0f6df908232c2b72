"""Every SQL statement about people's pictures."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database

from vitrine_users.pictures.models import ProfilePicture

_CONTENT = select(ProfilePicture.content).where(ProfilePicture.id == bindparam("picture_id"))


async def find_content(db: Database, picture_id: UUID) -> bytes | None:
    """The picture with this id."""
    found: bytes | None = await db.fetch_value(_CONTENT, {"picture_id": picture_id})
    return found


async def find_content_of(db: Database, account_id: UUID) -> bytes | None:
    """The picture of this account."""
    statement = select(ProfilePicture.content).where(ProfilePicture.account_id == account_id)
    found: bytes | None = await db.fetch_value(statement)
    return found


async def put_picture(session: AsyncSession, account_id: UUID, picture_id: UUID, content: bytes) -> None:
    """Makes it the account's picture, in place of the one before."""
    values = {"id": picture_id, "content": content}
    statement = (
        postgresql.insert(ProfilePicture)
        .values(account_id=account_id, **values)
        .on_conflict_do_update(
            index_elements=[ProfilePicture.account_id], set_={**values, "created_at": func.now()}
        )
    )
    await session.execute(statement)


async def delete_picture(session: AsyncSession, account_id: UUID) -> bool:
    """Deletes the account's picture; False where it has none."""
    statement = delete(ProfilePicture).where(ProfilePicture.account_id == account_id)
    return (await session.execute(statement.returning(ProfilePicture.id))).first() is not None
