"""Every SQL statement about signing keys and refresh-token families."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, func, insert, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import INTERVAL
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database

from vitrine_users.tokens.models import RefreshFamily, SigningKey

REMEMBERED_ROTATIONS = 16

_ACTIVE_KEY = (
    select(SigningKey.id, SigningKey.sealed_key)
    .where(SigningKey.retired_at.is_(None), SigningKey.signs_from <= func.now())
    .order_by(SigningKey.signs_from.desc(), SigningKey.id.desc())
    .limit(1)
)

# The slice keeps the array short; its first entry tells when the token just used was used.
_ROTATE = text(
    f"""
    UPDATE users.refresh_families
       SET generation = generation + 1,
           rotated_at = (ARRAY[clock_timestamp()] || rotated_at)[1:{REMEMBERED_ROTATIONS}]
     WHERE id = :family_id AND generation = :generation AND expires_at > now()
    RETURNING account_id, expires_at
    """  # noqa: S608 - our own constant
)


async def find_signing_key(db: Database) -> RowMapping | None:
    """The key that signs now."""
    return await db.fetch_one(_ACTIVE_KEY)


async def lock_signing_keys(session: AsyncSession) -> RowMapping | None:
    """Makes those who want to add a key take turns until the commit; returns the key that signs now."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("users.signing_keys"))))
    return (await session.execute(_ACTIVE_KEY)).mappings().one_or_none()


async def add_signing_key(
    session: AsyncSession, key_id: UUID, public_jwk: dict[str, Any], sealed_key: bytes
) -> None:
    """Stores a key that signs from now on."""
    await session.execute(insert(SigningKey).values(id=key_id, public_jwk=public_jwk, sealed_key=sealed_key))


async def retire_signing_key(session: AsyncSession, key_id: UUID) -> None:
    """Lets the key sign nothing more."""
    await session.execute(update(SigningKey).where(SigningKey.id == key_id).values(retired_at=func.now()))


async def published_keys(db: Database, *, token_life_s: int) -> Sequence[dict[str, Any]]:
    """The public keys of every token that may still be good, newest first."""
    last_use = func.now() - literal_column(f"interval '{int(token_life_s)} seconds'", INTERVAL)
    statement = (
        select(SigningKey.public_jwk)
        .where(SigningKey.retired_at.is_(None) | (SigningKey.retired_at > last_use))
        .order_by(SigningKey.id.desc())
    )
    return [row["public_jwk"] for row in await db.fetch_all(statement)]


async def add_family(
    session: AsyncSession,
    family_id: UUID,
    account_id: UUID,
    secret: bytes,
    *,
    ttl_s: int,
    user_agent: str,
    address: str,
) -> datetime:
    """Starts a family, and drops those of the account that have ended; returns when the new one will end."""
    ended = delete(RefreshFamily).where(
        RefreshFamily.account_id == account_id, RefreshFamily.expires_at <= func.now()
    )
    await session.execute(ended)
    statement = insert(RefreshFamily).values(
        id=family_id,
        account_id=account_id,
        secret=secret,
        expires_at=func.now() + timedelta(seconds=ttl_s),
        user_agent=user_agent,
        address=address,
    )
    return (await session.execute(statement.returning(RefreshFamily.expires_at))).scalar_one()


async def find_family_secret(db: Database, family_id: UUID) -> bytes | None:
    """What the tokens of the family are made with."""
    found: bytes | None = await db.fetch_value(
        select(RefreshFamily.secret).where(
            RefreshFamily.id == family_id, RefreshFamily.expires_at > func.now()
        )
    )
    return found


async def rotate(session: AsyncSession, family_id: UUID, generation: int) -> RowMapping | None:
    """Uses up the token of this generation; None where it is not the one that is good now. One wins."""
    values = {"family_id": family_id, "generation": generation}
    return (await session.execute(_ROTATE, values)).mappings().one_or_none()


async def find_recent_use(
    session: AsyncSession, family_id: UUID, generation: int, *, grace_s: int
) -> RowMapping | None:
    """The family, where its token of this generation was used up within the last `grace_s` seconds."""
    age = RefreshFamily.generation - generation
    used_at = RefreshFamily.rotated_at[age]
    statement = select(RefreshFamily.account_id, RefreshFamily.expires_at).where(
        RefreshFamily.id == family_id,
        age >= 1,
        RefreshFamily.expires_at > func.now(),
        used_at > func.clock_timestamp() - timedelta(seconds=grace_s),
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def delete_family(session: AsyncSession, family_id: UUID) -> UUID | None:
    """Ends the family; returns whose it was."""
    statement = delete(RefreshFamily).where(RefreshFamily.id == family_id).returning(RefreshFamily.account_id)
    return (await session.execute(statement)).scalar_one_or_none()


async def delete_families_of(session: AsyncSession, account_id: UUID, *, keep: UUID | None = None) -> None:
    """Ends every family of the account but one."""
    statement = delete(RefreshFamily).where(RefreshFamily.account_id == account_id)
    await session.execute(statement if keep is None else statement.where(RefreshFamily.id != keep))
