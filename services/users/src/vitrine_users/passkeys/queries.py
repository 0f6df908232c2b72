"""Every SQL statement about passkeys and their challenges."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id

from vitrine_users.accounts.models import Account
from vitrine_users.passkeys.models import Passkey, PasskeyChallenge

_SHOWN = (
    Passkey.id,
    Passkey.name,
    Passkey.backed_up,
    Passkey.created_at,
    Passkey.last_used_at,
    Passkey.credential_id,
    Passkey.transports,
)


async def add_challenge(
    session: AsyncSession, challenge: bytes, *, purpose: str, account_id: UUID | None, ttl_s: int
) -> None:
    """Stores a challenge."""
    statement = insert(PasskeyChallenge).values(
        challenge=challenge,
        purpose=purpose,
        account_id=account_id,
        expires_at=func.now() + timedelta(seconds=ttl_s),
    )
    await session.execute(statement)


async def use_challenge(db: Database, challenge: bytes, *, purpose: str, account_id: UUID | None) -> bool:
    """Uses a challenge up, whatever comes of it; False where it is unknown, used, old or another's. One wins."""
    statement = (
        delete(PasskeyChallenge)
        .where(
            PasskeyChallenge.challenge == challenge,
            PasskeyChallenge.purpose == purpose,
            PasskeyChallenge.account_id.is_not_distinct_from(account_id),
            PasskeyChallenge.expires_at > func.now(),
        )
        .returning(PasskeyChallenge.purpose)
    )
    return await db.execute_alone(statement) is not None


async def list_passkeys(db: Database, account_id: UUID) -> Sequence[RowMapping]:
    """The account's passkeys, oldest first."""
    statement = select(*_SHOWN).where(Passkey.account_id == account_id).order_by(Passkey.id)
    return await db.fetch_all(statement)


async def find_key(db: Database, credential_id: bytes) -> RowMapping | None:
    """A passkey by the id its device knows it by, with what verifies it and whether its account has a password."""
    statement = (
        select(
            Passkey.id,
            Passkey.account_id,
            Passkey.public_key,
            Passkey.sign_count,
            Account.password_hash.is_not(None).label("has_password"),
        )
        .join(Account, Account.id == Passkey.account_id)
        .where(Passkey.credential_id == credential_id)
    )
    return await db.fetch_one(statement)


async def lock_passkeys(session: AsyncSession, account_id: UUID) -> int:
    """Makes changes to the account's factors take turns; returns how many passkeys it has."""
    await session.execute(select(Account.id).where(Account.id == account_id).with_for_update())
    statement = select(func.count()).where(Passkey.account_id == account_id)
    return (await session.execute(statement)).scalar_one()


async def add_passkey(
    session: AsyncSession,
    account_id: UUID,
    *,
    credential_id: bytes,
    public_key: bytes,
    sign_count: int,
    name: str,
    transports: Sequence[str],
    backed_up: bool,
) -> RowMapping | None:
    """Stores a passkey; None where one of its id is there already."""
    statement = insert(Passkey).values(
        id=new_id(),
        account_id=account_id,
        credential_id=credential_id,
        public_key=public_key,
        sign_count=sign_count,
        name=name,
        transports=list(transports),
        backed_up=backed_up,
    )
    try:
        async with session.begin_nested():
            return (await session.execute(statement.returning(*_SHOWN))).mappings().one()
    except IntegrityError:
        return None


async def use_passkey(session: AsyncSession, passkey_id: UUID, *, sign_count: int, backed_up: bool) -> bool:
    """Notes a use with the count the device told; False where that count did not rise. Of several, one wins."""
    # A device that counts nothing always tells 0; one that has counted must go on.
    rises = Passkey.sign_count < sign_count if sign_count else Passkey.sign_count == 0
    statement = (
        update(Passkey)
        .where(Passkey.id == passkey_id, rises)
        .values(sign_count=sign_count, backed_up=backed_up, last_used_at=func.now())
        .returning(Passkey.id)
    )
    return (await session.execute(statement)).first() is not None


async def rename_passkey(
    session: AsyncSession, account_id: UUID, passkey_id: UUID, name: str
) -> RowMapping | None:
    """Gives a passkey another name; None where the account has no such passkey."""
    statement = update(Passkey).where(Passkey.id == passkey_id, Passkey.account_id == account_id)
    done = await session.execute(statement.values(name=name).returning(*_SHOWN))
    return done.mappings().one_or_none()


async def delete_passkey(session: AsyncSession, account_id: UUID, passkey_id: UUID) -> str | None:
    """Removes a passkey; returns its name, None where the account has no such passkey."""
    statement = delete(Passkey).where(Passkey.id == passkey_id, Passkey.account_id == account_id)
    return (await session.execute(statement.returning(Passkey.name))).scalar_one_or_none()


async def purge_challenges(session: AsyncSession) -> None:
    """Drops challenges that nobody signed in time."""
    await session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.expires_at <= func.now()))
