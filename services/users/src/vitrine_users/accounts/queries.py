"""Every SQL statement about accounts."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.idempotency import TABLE as STORED_ANSWERS

from vitrine_users.accounts.models import Account
from vitrine_users.roles.models import AccountRole, Role
from vitrine_users.roles.queries import permission_names_of, role_names_of

SHOWN = (
    Account.id,
    Account.email,
    Account.name,
    Account.password_hash.is_not(None).label("has_password"),
    Account.version,
    Account.created_at,
    Account.updated_at,
    role_names_of(Account.id).label("roles"),
    permission_names_of(Account.id).label("permissions"),
)
"""What an account shows of itself, with its roles and permissions."""

_BY_ID = select(*SHOWN).where(Account.id == bindparam("account_id"))
_CREDENTIALS = select(Account.id, Account.name, Account.email, Account.email_key, Account.password_hash)
_CREDENTIALS_BY_KEY = _CREDENTIALS.where(Account.email_key == bindparam("email_key"))
_CREDENTIALS_BY_ID = _CREDENTIALS.where(Account.id == bindparam("account_id"))


async def find_account(db: Database, account_id: UUID) -> RowMapping | None:
    """The account with its roles and permissions."""
    return await db.fetch_one(_BY_ID, {"account_id": account_id})


async def find_account_in(session: AsyncSession, account_id: UUID) -> RowMapping | None:
    """The same within a transaction, which sees what it has written itself."""
    return (await session.execute(_BY_ID, {"account_id": account_id})).mappings().one_or_none()


async def lock_account(session: AsyncSession, account_id: UUID) -> None:
    """Makes changes to this account take turns until the transaction ends."""
    await session.execute(select(Account.id).where(Account.id == account_id).with_for_update())


async def find_credentials_by_key(db: Database, email_key: str) -> RowMapping | None:
    """What is needed to check a password, by the key of the address."""
    return await db.fetch_one(_CREDENTIALS_BY_KEY, {"email_key": email_key})


async def find_credentials(db: Database, account_id: UUID) -> RowMapping | None:
    """What is needed to check a password, by the account's id."""
    return await db.fetch_one(_CREDENTIALS_BY_ID, {"account_id": account_id})


async def list_accounts(
    db: Database,
    *,
    limit: int,
    before: UUID | None = None,
    role: str | None = None,
    email_key: str | None = None,
    part: str | None = None,
) -> Sequence[RowMapping]:
    """At most `limit` accounts, newest first, that were made before the account with the id `before`."""
    statement = select(*SHOWN).order_by(Account.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Account.id < before)
    if email_key is not None:
        statement = statement.where(Account.email_key == email_key)
    if role is not None:
        held = (
            select(AccountRole.account_id).join(Role, Role.id == AccountRole.role_id).where(Role.name == role)
        )
        statement = statement.where(Account.id.in_(held))
    if part is not None:
        matches = Account.name.icontains(part, autoescape=True) | Account.email.icontains(
            part, autoescape=True
        )
        statement = statement.where(matches)
    return await db.fetch_all(statement)


async def find_oldest_holder(db: Database, role: str) -> RowMapping | None:
    """The account that has held this role the longest, by the age of the account."""
    statement = (
        select(*SHOWN)
        .join(AccountRole, AccountRole.account_id == Account.id)
        .join(Role, Role.id == AccountRole.role_id)
        .where(Role.name == role)
        .order_by(Account.id)
        .limit(1)
    )
    return await db.fetch_one(statement)


async def find_account_by_key(db: Database, email_key: str) -> RowMapping | None:
    """The account with its roles and permissions, by the key of its address."""
    return await db.fetch_one(select(*SHOWN).where(Account.email_key == email_key))


async def holder_can_sign_in(db: Database, role: str) -> bool:
    """Whether somebody who holds this role has signed in, and has a password to do so again."""
    statement = (
        select(Account.id)
        .join(AccountRole, AccountRole.account_id == Account.id)
        .join(Role, Role.id == AccountRole.role_id)
        .where(Role.name == role, Account.password_hash.is_not(None), Account.last_signed_in_at.is_not(None))
        .limit(1)
    )
    return await db.fetch_value(statement) is not None


async def touch_account(session: AsyncSession, account_id: UUID, *, name: str | None = None) -> None:
    """Counts a change to the account, and gives it a new name where one is given."""
    values = {} if name is None else {"name": name}
    statement = (
        update(Account)
        .where(Account.id == account_id)
        .values(version=Account.version + 1, updated_at=func.now(), **values)
    )
    await session.execute(statement)


async def set_password(session: AsyncSession, account_id: UUID, *, old: str | None, new: str) -> bool:
    """Stores a new hash where the old one is still in place; False where somebody else changed it first."""
    statement = (
        update(Account)
        .where(Account.id == account_id, Account.password_hash.is_not_distinct_from(old))
        .values(
            password_hash=new, password_set_at=func.now(), version=Account.version + 1, updated_at=func.now()
        )
        .returning(Account.id)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def record_sign_in(
    session: AsyncSession, account_id: UUID, *, verified: str, rehashed: str | None
) -> bool:
    """Notes a sign-in with the hash that was verified; False where it is no longer the account's."""
    statement = (
        update(Account)
        .where(Account.id == account_id, Account.password_hash == verified)
        .values(last_signed_in_at=func.now(), password_hash=rehashed or verified)
        .returning(Account.id)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def record_link_sign_in(session: AsyncSession, account_id: UUID) -> None:
    """Notes a sign-in that took no password."""
    await session.execute(
        update(Account).where(Account.id == account_id).values(last_signed_in_at=func.now())
    )


async def delete_account(session: AsyncSession, account_id: UUID) -> None:
    """Erases the account; its roles, sessions, tokens and links go with it (ON DELETE CASCADE)."""
    await session.execute(delete(Account).where(Account.id == account_id))


async def forget_answers_about(session: AsyncSession, location: str) -> None:
    """Deletes the stored answers that point to this path: that of a registration holds an address."""
    statement = text(f"DELETE FROM users.{STORED_ANSWERS} WHERE headers->>'Location' = :location")  # noqa: S608
    await session.execute(statement, {"location": location})
