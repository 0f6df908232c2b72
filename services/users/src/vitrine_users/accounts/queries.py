"""Every SQL statement about accounts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import (
    RowMapping,
    Table,
    bindparam,
    delete,
    func,
    insert,
    lambda_stmt,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.idempotency import TABLE as STORED_ANSWERS

from vitrine_users.accounts.models import Account, FailedTries
from vitrine_users.accounts.waits import FORGET
from vitrine_users.pictures.models import ProfilePicture
from vitrine_users.roles.models import AccountRole, Role
from vitrine_users.roles.queries import permission_names_of, role_names_of

SHOWN = (
    Account.id,
    Account.email,
    Account.name,
    Account.email_verified_at.is_not(None).label("email_verified"),
    Account.locale,
    Account.time_zone,
    Account.erase_after,
    Account.password_hash.is_not(None).label("has_password"),
    Account.suspended_at,
    Account.version,
    Account.created_at,
    Account.updated_at,
    select(ProfilePicture.id)
    .where(ProfilePicture.account_id == Account.id)
    .correlate(Account)
    .scalar_subquery()
    .label("picture_id"),
    role_names_of(Account.id).label("roles"),
    permission_names_of(Account.id).label("permissions"),
)
"""What an account shows of itself, with its roles and permissions."""

# A lambda is looked up by its code, not by all that the statement consists of, which is much.
_BY_ID = lambda_stmt(
    lambda: select(*SHOWN).where(Account.id == bindparam("account_id")), track_bound_values=False
)
_CREDENTIALS = select(
    Account.id, Account.name, Account.email, Account.email_key, Account.password_hash
).where(Account.id == bindparam("account_id"))
_HOLDER = select(
    Account.id,
    Account.email,
    Account.name,
    Account.locale,
    Account.time_zone,
    Account.email_verified_at.is_not(None).label("email_verified"),
).where(Account.email_key == bindparam("email_key"))


# Whoever signs in wants to stay: a deletion that waits is called off.
_SIGNED_IN = (
    update(cast(Table, Account.__table__))
    .values(last_signed_in_at=func.now(), erase_after=None)
    .execution_options(synchronize_session=False)
)
RECORD_SIGN_IN = (
    _SIGNED_IN.where(Account.id == bindparam("account_id"), Account.password_hash == bindparam("verified"))
    .values(password_hash=bindparam("kept"))
    .returning(*SHOWN)
)
"""Notes the sign-in of `account_id` with the hash that was `verified`, stores the one that is `kept`; what it shows."""
_RECORD_SIGN_IN = lambda_stmt(
    lambda: RECORD_SIGN_IN.add_cte(FORGET.cte("forgotten")), track_bound_values=False
)
_RECORD_PROVED_SIGN_IN = lambda_stmt(
    lambda: _SIGNED_IN.where(Account.id == bindparam("account_id")).returning(*SHOWN),
    track_bound_values=False,
)


async def find_account(db: Database, account_id: UUID) -> RowMapping | None:
    """The account with its roles and permissions."""
    return await db.fetch_one(_BY_ID, {"account_id": account_id})


async def find_account_in(session: AsyncSession, account_id: UUID) -> RowMapping | None:
    """The same within a transaction, which sees what it has written itself."""
    return (await session.execute(_BY_ID, {"account_id": account_id})).mappings().one_or_none()


async def lock_account(session: AsyncSession, account_id: UUID) -> None:
    """Makes changes to this account take turns until the transaction ends."""
    await session.execute(select(Account.id).where(Account.id == account_id).with_for_update())


async def find_credentials(db: Database, account_id: UUID) -> RowMapping | None:
    """What is needed to check a password, by the account's id."""
    return await db.fetch_one(_CREDENTIALS, {"account_id": account_id})


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


async def add_unless_taken(session: AsyncSession, **values: object) -> bool:
    """Stores a new account; False, and nothing done, where another has the address. Of several at once one wins."""
    statement = (
        postgresql.insert(Account)
        .values(password_set_at=func.now(), **values)
        .on_conflict_do_nothing(index_elements=[Account.email_key])
        .returning(Account.id)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def add_role_if_account(session: AsyncSession, account_id: UUID, role: str) -> None:
    """Gives a role to an account, where there is such an account: one statement in both cases."""
    found = (
        select(Account.id, Role.id)
        .select_from(Account)
        .join(Role, Role.name == role)
        .where(Account.id == account_id)
    )
    await session.execute(insert(AccountRole).from_select(["account_id", "role_id"], found))


async def find_holder(session: AsyncSession, email_key: str) -> RowMapping | None:
    """Who has this address: what a mail to them needs, and whether they have confirmed it."""
    return (await session.execute(_HOLDER, {"email_key": email_key})).mappings().one_or_none()


async def confirm_address(session: AsyncSession, account_id: UUID, email_key: str) -> RowMapping | None:
    """Notes that the address is the person's; None where the account no longer has it."""
    statement = (
        update(Account)
        .where(Account.id == account_id, Account.email_key == email_key)
        .values(
            email_verified_at=func.coalesce(Account.email_verified_at, func.now()),
            version=Account.version + 1,
            updated_at=func.now(),
        )
        .returning(Account.id, Account.email)
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def replace_address(session: AsyncSession, account_id: UUID, email: str, email_key: str) -> None:
    """Gives the account another address, known to be the person's.

    Raises:
        sqlalchemy.exc.IntegrityError: another account has it.
    """
    await touch_account(session, account_id, email=email, email_key=email_key, email_verified_at=func.now())


async def schedule_erasure(session: AsyncSession, account_id: UUID, *, grace_s: int) -> datetime:
    """Has the account erased after so many seconds; returns when."""
    statement = (
        update(Account)
        .where(Account.id == account_id)
        .values(erase_after=func.now() + timedelta(seconds=grace_s), version=Account.version + 1)
        .returning(Account.erase_after)
    )
    found = (await session.execute(statement)).scalar_one()
    assert found is not None, "it was set just now"
    return found


async def call_off_erasure(session: AsyncSession, account_id: UUID) -> None:
    """Keeps the account after all."""
    await touch_account(session, account_id, erase_after=None)


async def lock_due_for_erasure(session: AsyncSession) -> UUID | None:
    """One account whose time has come, held until the transaction ends; None where there is none."""
    statement = (
        select(Account.id)
        .where(Account.erase_after <= func.now())
        .order_by(Account.erase_after)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await session.execute(statement)).scalar_one_or_none()


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


async def touch_account(session: AsyncSession, account_id: UUID, **values: object) -> None:
    """Counts a change to the account, and stores these columns of it."""
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


async def replace_password(session: AsyncSession, account_id: UUID, new: str) -> None:
    """Stores a new hash, whatever was there before."""
    await touch_account(session, account_id, password_hash=new, password_set_at=func.now())


async def find_password_hash(session: AsyncSession, account_id: UUID) -> str | None:
    """The account's hash, held until the transaction ends."""
    statement = select(Account.password_hash).where(Account.id == account_id).with_for_update()
    return (await session.execute(statement)).scalar_one_or_none()


async def keep_rehashed(session: AsyncSession, account_id: UUID, *, verified: str, rehashed: str) -> None:
    """Stores a newer hash of the password in place of the one that was verified, where that is still there."""
    statement = update(Account).where(Account.id == account_id, Account.password_hash == verified)
    await session.execute(statement.values(password_hash=rehashed))


async def record_sign_in(
    session: AsyncSession, account_id: UUID, *, verified: str, kept: str, forgotten: Collection[bytes]
) -> RowMapping | None:
    """Notes a sign-in with the hash that was verified, stores the one to keep, and forgets these failed tries.

    The account with its roles and permissions; None where the hash is no longer the account's.
    """
    values = {"account_id": account_id, "verified": verified, "kept": kept, "forgotten": list(forgotten)}
    return (await session.execute(_RECORD_SIGN_IN, values)).mappings().one_or_none()


async def record_proved_sign_in(session: AsyncSession, account_id: UUID) -> RowMapping | None:
    """Notes a sign-in that took no password, or two steps; the account with its roles and permissions."""
    found = await session.execute(_RECORD_PROVED_SIGN_IN, {"account_id": account_id})
    return found.mappings().one_or_none()


async def purge_failed_tries(session: AsyncSession) -> None:
    """Drops failures that are forgotten."""
    await session.execute(delete(FailedTries).where(FailedTries.forget_at <= func.now()))


async def delete_account(session: AsyncSession, account_id: UUID) -> None:
    """Erases the account; its roles, sessions, tokens and links go with it (ON DELETE CASCADE)."""
    await session.execute(delete(Account).where(Account.id == account_id))


async def forget_answers_about(session: AsyncSession, location: str) -> None:
    """Deletes the stored answers that point to this path: that of a registration holds an address."""
    statement = text(f"DELETE FROM users.{STORED_ANSWERS} WHERE headers->>'Location' = :location")  # noqa: S608
    await session.execute(statement, {"location": location})
