"""Every SQL statement about remembered devices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id

from vitrine_users.accounts.models import Account
from vitrine_users.devices.models import RememberedDevice

_LIVES = RememberedDevice.expires_at > func.now()


async def find_device(db: Database, digest: bytes, *, email_key: str) -> RowMapping | None:
    """The device of this secret, where the account of this address knows it: its id, and whether it is trusted."""
    statement = (
        select(RememberedDevice.id, RememberedDevice.trusted)
        .join(Account, Account.id == RememberedDevice.account_id)
        .where(RememberedDevice.secret_digest == digest, Account.email_key == email_key, _LIVES)
    )
    return await db.fetch_one(statement)


async def find_device_of(db: Database, digest: bytes, *, account_id: UUID) -> RowMapping | None:
    """The same, by the account's id."""
    statement = select(RememberedDevice.id, RememberedDevice.trusted).where(
        RememberedDevice.secret_digest == digest, RememberedDevice.account_id == account_id, _LIVES
    )
    return await db.fetch_one(statement)


async def touch_device(session: AsyncSession, account_id: UUID, digest: bytes, *, address: str) -> bool:
    """Notes that the account's device of this secret was used; False where it knows none."""
    statement = (
        update(RememberedDevice)
        .where(RememberedDevice.secret_digest == digest, RememberedDevice.account_id == account_id, _LIVES)
        .values(last_used_at=func.now(), address=address)
        .returning(RememberedDevice.id)
    )
    return (await session.execute(statement)).first() is not None


async def add_device(
    session: AsyncSession,
    account_id: UUID,
    digest: bytes,
    *,
    replacing: bytes | None,
    trusted: bool,
    user_agent: str,
    address: str,
    ttl_s: int,
) -> datetime:
    """Stores a device in place of what its cookie held before, and drops the account's that have ended."""
    gone = delete(RememberedDevice).where(
        (RememberedDevice.account_id == account_id) & ~_LIVES
        if replacing is None
        else ((RememberedDevice.account_id == account_id) & ~_LIVES)
        | (RememberedDevice.secret_digest == replacing)
    )
    await session.execute(gone)
    statement = insert(RememberedDevice).values(
        id=new_id(),
        account_id=account_id,
        secret_digest=digest,
        trusted=trusted,
        user_agent=user_agent,
        address=address,
        expires_at=func.now() + timedelta(seconds=ttl_s),
    )
    return (await session.execute(statement.returning(RememberedDevice.expires_at))).scalar_one()


async def count_devices(session: AsyncSession, account_id: UUID) -> int:
    """How many browsers the account knows."""
    statement = select(func.count()).where(RememberedDevice.account_id == account_id, _LIVES)
    return (await session.execute(statement)).scalar_one()


async def list_devices(db: Database, account_id: UUID) -> Sequence[RowMapping]:
    """The account's devices that have not ended, last used first."""
    statement = select(
        RememberedDevice.id,
        RememberedDevice.trusted,
        RememberedDevice.user_agent,
        RememberedDevice.address,
        RememberedDevice.created_at,
        RememberedDevice.last_used_at,
        RememberedDevice.expires_at,
    ).where(RememberedDevice.account_id == account_id, _LIVES)
    return await db.fetch_all(statement.order_by(RememberedDevice.last_used_at.desc()).limit(100))


async def delete_device(session: AsyncSession, account_id: UUID, device_id: UUID) -> bool:
    """Forgets a device; False where the account knows no such device."""
    statement = delete(RememberedDevice).where(
        RememberedDevice.id == device_id, RememberedDevice.account_id == account_id
    )
    return (await session.execute(statement.returning(RememberedDevice.id))).first() is not None


async def purge_devices(session: AsyncSession) -> None:
    """Drops devices whose time is over."""
    await session.execute(delete(RememberedDevice).where(~_LIVES))
