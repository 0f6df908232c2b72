"""Every SQL statement about roles and permissions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Text, delete, func, insert, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import SQLCoreOperations
from vitrine_kit.db import Database

from vitrine_users.accounts.models import Account
from vitrine_users.roles.models import OWNER, AccountRole, Permission, Role, RolePermission

_NONE: ColumnElement[Sequence[str]] = literal_column("'{}'::text[]", ARRAY(Text))

MOST_COUNTED = 1000
"""How many holders of a role are counted; a shop's customers would take a while."""
_HOLDERS = (
    select(func.count())
    .select_from(
        select(AccountRole.role_id)
        .where(AccountRole.role_id == Role.id)
        .correlate(Role)
        .limit(MOST_COUNTED)
        .lateral()
    )
    .scalar_subquery()
    .label("holders")
)
_ROLES = (
    select(Role.id, Role.name, Role.description, Role.built_in)
    .add_columns(
        func.coalesce(
            select(func.array_agg(aggregate_order_by(Permission.name, Permission.name)))
            .join(RolePermission, RolePermission.permission_id == Permission.id)
            .where(RolePermission.role_id == Role.id)
            .correlate(Role)
            .scalar_subquery(),
            _NONE,
        ).label("permissions")
    )
    .add_columns(_HOLDERS)
    .order_by(Role.position, Role.name)
)


def role_names_of(account_id: SQLCoreOperations[UUID]) -> ColumnElement[Sequence[str]]:
    """A column: the names of the roles the account holds, highest first."""
    found = (
        select(func.array_agg(aggregate_order_by(Role.name, Role.position, Role.name)))
        .join(AccountRole, AccountRole.role_id == Role.id)
        .where(AccountRole.account_id == account_id)
        .scalar_subquery()
    )
    return func.coalesce(found, _NONE)


def permission_names_of(account_id: SQLCoreOperations[UUID]) -> ColumnElement[Sequence[str]]:
    """A column: the names of everything the account may do, each once, in order of the alphabet."""
    found = (
        select(func.array_agg(aggregate_order_by(Permission.name.distinct(), Permission.name)))
        .join(RolePermission, RolePermission.permission_id == Permission.id)
        .join(AccountRole, AccountRole.role_id == RolePermission.role_id)
        .where(AccountRole.account_id == account_id)
        .scalar_subquery()
    )
    return func.coalesce(found, _NONE)


async def all_roles(db: Database) -> Sequence[RowMapping]:
    """Every role with the names of its permissions, highest first."""
    return await db.fetch_all(_ROLES)


async def roles_named(session: AsyncSession, names: Collection[str]) -> Sequence[RowMapping]:
    """The roles of these names, with their permissions, within the transaction."""
    return (await session.execute(_ROLES.where(Role.name.in_(names)))).mappings().all()


async def replace_roles(session: AsyncSession, account_id: UUID, role_ids: Collection[UUID]) -> None:
    """Makes these the roles of the account."""
    await session.execute(delete(AccountRole).where(AccountRole.account_id == account_id))
    if role_ids:
        rows = [{"account_id": account_id, "role_id": role_id} for role_id in role_ids]
        await session.execute(insert(AccountRole), rows)


async def lock_owners(session: AsyncSession) -> None:
    """Makes changes to who owns the shop take turns, until the transaction ends."""
    await session.execute(select(Role.id).where(Role.name == OWNER).with_for_update(key_share=True))


async def other_owners(session: AsyncSession, account_id: UUID) -> int:
    """How many accounts own the shop beside this one, and are neither barred nor about to be erased."""
    statement = (
        select(func.count())
        .select_from(AccountRole)
        .join(Role, Role.id == AccountRole.role_id)
        .join(Account, Account.id == AccountRole.account_id)
        .where(
            Role.name == OWNER,
            AccountRole.account_id != account_id,
            Account.suspended_at.is_(None),
            Account.erase_after.is_(None),
        )
    )
    return (await session.execute(statement)).scalar_one()
