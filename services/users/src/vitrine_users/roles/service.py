"""The rules about roles: nobody gives more than they have, and the shop always has an owner."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from vitrine_users.roles import queries
from vitrine_users.roles.errors import LastOwner, TooMuchPower, UnknownRole
from vitrine_users.roles.models import OWNER


async def get_roles(session: AsyncSession, names: Collection[str]) -> Sequence[RowMapping]:
    """The roles of these names, with their permissions.

    Raises:
        UnknownRole: one of them does not exist; names it.
    """
    found = await queries.roles_named(session, names)
    missing = set(names) - {role["name"] for role in found}
    if missing:
        raise UnknownRole(missing)
    return found


def require_power_over(held: Collection[str], wanted: Collection[str]) -> None:
    """Holds that whoever has the permissions `held` may deal with somebody or something that gives `wanted`.

    Raises:
        TooMuchPower: `wanted` goes beyond `held`.
    """
    if not set(wanted) <= set(held):
        raise TooMuchPower


async def require_another_owner(session: AsyncSession, account_id: UUID) -> None:
    """Holds that the shop keeps an owner when this account stops being one; others who try wait their turn.

    Raises:
        LastOwner: there is nobody else.
    """
    await queries.lock_owners(session)
    if not await queries.other_owners(session, account_id):
        raise LastOwner


async def set_roles(session: AsyncSession, account_id: UUID, chosen: Sequence[RowMapping]) -> None:
    """Makes these the roles of an account, without asking who may give them."""
    await queries.replace_roles(session, account_id, [role["id"] for role in chosen])


async def give_roles(
    session: AsyncSession,
    account_id: UUID,
    *,
    held: Collection[str],
    before: Collection[str],
    after: Collection[str],
) -> None:
    """Makes `after` the roles of an account that had `before`, for somebody who has the permissions `held`.

    Raises:
        UnknownRole: one of them does not exist.
        TooMuchPower: it would give or take away more than the giver may do.
        LastOwner: nobody would own the shop.
    """
    wanted = await get_roles(session, after)
    changed = [*await queries.roles_named(session, set(before) - set(after)), *wanted]
    for role in changed:
        if role["name"] not in before or role["name"] not in after:
            require_power_over(held, role["permissions"])
    if OWNER in before and OWNER not in after:
        await require_another_owner(session, account_id)
    await set_roles(session, account_id, wanted)
