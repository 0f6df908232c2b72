"""One role given to some people and taken from others at once, by the rules of `roles.service`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from vitrine_users.accounts.errors import AddressUnverified
from vitrine_users.accounts.models import Account
from vitrine_users.roles import queries, service
from vitrine_users.roles.errors import LastOwner
from vitrine_users.roles.models import CUSTOMER, OWNER, AccountRole, Role
from vitrine_users.roles.queries import role_names_of


async def change_holders(
    session: AsyncSession,
    role_name: str,
    *,
    added: Collection[UUID],
    removed: Collection[UUID],
    held: Collection[str],
) -> Mapping[UUID, tuple[Sequence[str], Sequence[str]]]:
    """Gives a role to accounts, and takes it from others, for somebody who has the permissions `held`.

    Whoever is left without a role is a customer. Accounts that do not exist are left aside.

    Returns:
        The names of the roles of each account, before and after.

    Raises:
        UnknownRole: there is no role of this name.
        TooMuchPower: the role gives more than the giver may do.
        AddressUnverified: somebody added has not shown that the address is theirs.
        LastOwner: nobody would own the shop.
    """
    (role,) = await service.get_roles(session, [role_name])
    service.require_power_over(held, role["permissions"])
    ids = sorted({*added, *removed})
    # In one order everywhere: changes of the same people wait for each other, and never for ever.
    lock = select(Account.id).where(Account.id.in_(ids)).order_by(Account.id).with_for_update()
    await session.execute(lock)
    verified = select(Account.id, Account.email_verified_at.is_not(None).label("verified"))
    people = (await session.execute(verified.where(Account.id.in_(ids)))).all()
    if any(one.id in added and not one.verified for one in people):
        raise AddressUnverified
    before = await _roles_of(session, ids)
    if role_name == OWNER and removed:
        await _require_owners_beside(session, removed)
    given = [{"account_id": one.id, "role_id": role["id"]} for one in people if one.id in added]
    if given:
        await session.execute(postgresql.insert(AccountRole).on_conflict_do_nothing(), given)
    if removed:
        await session.execute(
            delete(AccountRole).where(AccountRole.role_id == role["id"], AccountRole.account_id.in_(removed))
        )
    has_none = ~select(AccountRole.role_id).where(AccountRole.account_id == Account.id).exists()
    customer = select(Role.id).where(Role.name == CUSTOMER).scalar_subquery()
    fallback = select(Account.id, customer).where(Account.id.in_(ids), has_none)
    await session.execute(insert(AccountRole).from_select(["account_id", "role_id"], fallback))
    touched = update(Account).where(Account.id.in_(ids))
    await session.execute(touched.values(version=Account.version + literal(1), updated_at=func.now()))
    after = await _roles_of(session, ids)
    return {account_id: (before[account_id], after[account_id]) for account_id in before}


async def _roles_of(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Sequence[str]]:
    statement = select(Account.id, role_names_of(Account.id).label("names")).where(Account.id.in_(ids))
    return {row.id: row.names for row in (await session.execute(statement)).all()}


async def _require_owners_beside(session: AsyncSession, removed: Collection[UUID]) -> None:
    await queries.lock_owners(session)
    statement = (
        select(func.count())
        .select_from(AccountRole)
        .join(Role, Role.id == AccountRole.role_id)
        .join(Account, Account.id == AccountRole.account_id)
        .where(
            Role.name == OWNER,
            AccountRole.account_id.not_in(removed),
            Account.suspended_at.is_(None),
            Account.erase_after.is_(None),
        )
    )
    if not (await session.execute(statement)).scalar_one():
        raise LastOwner
