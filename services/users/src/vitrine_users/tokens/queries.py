"""Every SQL statement about signing keys and refresh-token families."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, and_, delete, func, insert, literal_column, or_, select, text, update
from sqlalchemy.dialects.postgresql import INTERVAL
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database

from vitrine_users.tokens.models import RefreshFamily, SigningKey

REMEMBERED_ROTATIONS = 16

# Not now(), which is when the transaction began: one that has waited for its turn would not see the key that the
# one before it has just made.
_THIS_MOMENT = func.clock_timestamp()

_ACTIVE_KEY = (
    select(SigningKey.id, SigningKey.sealed_key)
    .where(
        or_(SigningKey.retired_at.is_(None), SigningKey.retired_at > _THIS_MOMENT),
        SigningKey.signs_from <= _THIS_MOMENT,
    )
    .order_by(SigningKey.signs_from.desc(), SigningKey.id.desc())
    .limit(1)
)

AAL2_IDLE_S = 3600
"""How long a sign-in with two factors may lie unused (NIST SP 800-63B, section 2.2.3)."""

_LAST_USED = func.coalesce(RefreshFamily.rotated_at[1], RefreshFamily.created_at)
FAMILY_LIVES = and_(
    RefreshFamily.expires_at > func.now(),
    or_(RefreshFamily.assurance < 2, func.now() - timedelta(seconds=AAL2_IDLE_S) < _LAST_USED),
)

# The slice keeps the array short; its first entry tells when the token just used was used.
_ROTATE = text(
    f"""
    UPDATE users.refresh_families
       SET generation = generation + 1,
           rotated_at = (ARRAY[clock_timestamp()] || rotated_at)[1:{REMEMBERED_ROTATIONS}]
     WHERE id = :family_id AND generation = :generation AND expires_at > now()
       AND (assurance < 2 OR coalesce(rotated_at[1], created_at) > now() - interval '{AAL2_IDLE_S} seconds')
    RETURNING account_id, expires_at, authenticated_at, assurance
    """  # noqa: S608 - our own constant
)

_ADD_FAMILY = text(
    """
    WITH ended AS (
        DELETE FROM users.refresh_families WHERE account_id = :account_id AND expires_at <= now()
    )
    INSERT INTO users.refresh_families
        (id, account_id, secret, method, assurance, expires_at, user_agent, address)
    VALUES (:family_id, :account_id, :secret, :method, :assurance, now() + make_interval(secs => :ttl_s),
            :user_agent, :address)
    RETURNING expires_at, authenticated_at
    """
)


async def find_signing_key(db: Database) -> RowMapping | None:
    """The key that signs now."""
    return await db.fetch_one(_ACTIVE_KEY)


async def lock_signing_keys(session: AsyncSession) -> RowMapping | None:
    """Makes those who want to add a key take turns until the commit; returns the key that signs now."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("users.signing_keys"))))
    return (await session.execute(_ACTIVE_KEY)).mappings().one_or_none()


async def add_signing_key(
    session: AsyncSession,
    key_id: UUID,
    public_jwk: dict[str, Any],
    sealed_key: bytes,
    *,
    announced_s: float = 0,
) -> datetime:
    """Stores a key that is published from now on and signs after `announced_s` seconds; returns from when."""
    statement = insert(SigningKey).values(
        id=key_id,
        public_jwk=public_jwk,
        sealed_key=sealed_key,
        signs_from=_THIS_MOMENT + timedelta(seconds=announced_s),
    )
    return (await session.execute(statement.returning(SigningKey.signs_from))).scalar_one()


async def retire_signing_key(session: AsyncSession, key_id: UUID) -> None:
    """Lets the key sign nothing more."""
    await session.execute(update(SigningKey).where(SigningKey.id == key_id).values(retired_at=_THIS_MOMENT))


async def find_pending_key(session: AsyncSession) -> datetime | None:
    """From when a key signs that is published already and does not sign yet; None without one."""
    statement = select(func.max(SigningKey.signs_from)).where(SigningKey.signs_from > _THIS_MOMENT)
    return (await session.execute(statement)).scalar_one()


async def retire_other_keys(session: AsyncSession, key_id: UUID, *, after_s: float) -> Sequence[UUID]:
    """Lets every other key sign nothing more `after_s` seconds from now (negative: since then); returns which."""
    statement = (
        update(SigningKey)
        .where(
            SigningKey.id != key_id,
            or_(SigningKey.retired_at.is_(None), SigningKey.retired_at > _THIS_MOMENT),
        )
        .values(retired_at=_THIS_MOMENT + timedelta(seconds=after_s))
    )
    return list((await session.execute(statement.returning(SigningKey.id))).scalars())


async def purge_keys(session: AsyncSession, *, token_life_s: int) -> int:
    """Deletes keys whose last token has ended; returns how many."""
    last_use = func.now() - timedelta(seconds=token_life_s)
    statement = delete(SigningKey).where(SigningKey.retired_at <= last_use)
    return len((await session.execute(statement.returning(SigningKey.id))).all())


async def purge_families(session: AsyncSession) -> int:
    """Deletes sign-ins by API that have ended; returns how many."""
    statement = delete(RefreshFamily).where(RefreshFamily.expires_at <= func.now())
    return len((await session.execute(statement.returning(RefreshFamily.id))).all())


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
    method: str,
    assurance: int,
    ttl_s: int,
    user_agent: str,
    address: str,
) -> RowMapping:
    """Starts a family, and drops those of the account that have ended; returns when it began and will end."""
    values = {
        "family_id": family_id,
        "account_id": account_id,
        "secret": secret,
        "method": method,
        "assurance": assurance,
        "ttl_s": float(ttl_s),
        "user_agent": user_agent,
        "address": address,
    }
    return (await session.execute(_ADD_FAMILY, values)).mappings().one()


async def find_family_secret(db: Database, family_id: UUID) -> bytes | None:
    """What the tokens of the family are made with."""
    found: bytes | None = await db.fetch_value(
        select(RefreshFamily.secret).where(RefreshFamily.id == family_id, FAMILY_LIVES)
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
    statement = select(
        RefreshFamily.account_id,
        RefreshFamily.expires_at,
        RefreshFamily.authenticated_at,
        RefreshFamily.assurance,
    ).where(
        RefreshFamily.id == family_id,
        age >= 1,
        FAMILY_LIVES,
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
