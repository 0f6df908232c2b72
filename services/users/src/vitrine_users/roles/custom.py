"""The rules about a shop's own roles: made of permissions, changed and deleted; the built-in ones stay as they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Uuid, delete, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id

from vitrine_users.audit.log import record
from vitrine_users.invitations.models import Invitation
from vitrine_users.roles.errors import (
    BuiltInRole,
    NoSuchRole,
    RoleHeld,
    RolePromised,
    RoleTaken,
    UnknownPermission,
)
from vitrine_users.roles.models import Permission, Role, RolePermission
from vitrine_users.roles.service import require_power_over

POSITION = 100
"""Where a shop's own roles stand in lists: behind the built-in ones."""


async def all_permissions(db: Database) -> Sequence[RowMapping]:
    """Every permission, in order of the alphabet."""
    return await db.fetch_all(select(Permission.name, Permission.description).order_by(Permission.name))


async def create_role(
    session: AsyncSession,
    *,
    name: str,
    description: str,
    permissions: Collection[str],
    actor: Mapping[Any, Any],
    address: str,
) -> None:
    """A new role of the shop's own.

    Raises:
        RoleTaken: there is one of this name.
        UnknownPermission: one of the permissions does not exist; names it.
        TooMuchPower: it would give more than the actor may do.
    """
    require_power_over(actor["permissions"], permissions)
    statement = (
        postgresql.insert(Role)
        .values(id=new_id(), name=name, description=description, position=POSITION)
        .on_conflict_do_nothing(index_elements=[Role.name])
        .returning(Role.id)
    )
    role_id = (await session.execute(statement)).scalar_one_or_none()
    if role_id is None:
        raise RoleTaken
    await _set_permissions(session, role_id, permissions)
    await _note(session, "role.created", actor, address, name=name, permissions=sorted(permissions))


async def change_role(
    session: AsyncSession,
    name: str,
    *,
    description: str | None,
    permissions: Collection[str] | None,
    actor: Mapping[Any, Any],
    address: str,
) -> None:
    """Gives one of the shop's own roles another description, or other permissions; None leaves it.

    Raises:
        NoSuchRole: there is none of this name.
        BuiltInRole: it is not the shop's own.
        UnknownPermission: one of the permissions does not exist; names it.
        TooMuchPower: it gives, or would give, more than the actor may do.
    """
    role_id, before = await _hold_own(session, name)
    require_power_over(actor["permissions"], {*before, *(permissions or ())})
    if description is not None:
        await session.execute(update(Role).where(Role.id == role_id).values(description=description))
    if permissions is not None:
        await session.execute(delete(RolePermission).where(RolePermission.role_id == role_id))
        await _set_permissions(session, role_id, permissions)
    after = sorted(before if permissions is None else permissions)
    await _note(session, "role.changed", actor, address, name=name, before=sorted(before), permissions=after)


async def delete_role(session: AsyncSession, name: str, *, actor: Mapping[Any, Any], address: str) -> None:
    """Deletes one of the shop's own roles that nobody holds.

    Raises:
        NoSuchRole: there is none of this name.
        BuiltInRole: it is not the shop's own.
        RoleHeld: somebody holds it.
        RolePromised: an open invitation names it.
        TooMuchPower: it gives more than the actor may do.
    """
    role_id, before = await _hold_own(session, name)
    require_power_over(actor["permissions"], before)
    if await _is_promised(session, name):
        raise RolePromised
    try:
        async with session.begin_nested():
            await session.execute(delete(Role).where(Role.id == role_id))
    except IntegrityError as error:
        raise RoleHeld from error
    await _note(session, "role.deleted", actor, address, name=name, before=sorted(before))


async def _hold_own(session: AsyncSession, name: str) -> tuple[UUID, set[str]]:
    found = select(Role.id, Role.built_in).where(Role.name == name).with_for_update()
    row = (await session.execute(found)).one_or_none()
    if row is None:
        raise NoSuchRole
    if row.built_in:
        raise BuiltInRole
    given = (
        select(Permission.name)
        .join(RolePermission, RolePermission.permission_id == Permission.id)
        .where(RolePermission.role_id == row.id)
    )
    return row.id, set((await session.execute(given)).scalars())


async def _is_promised(session: AsyncSession, name: str) -> bool:
    open_ones = select(Invitation.id).where(
        Invitation.role_names.contains([name]), Invitation.expires_at > func.now()
    )
    return (await session.execute(open_ones.limit(1))).first() is not None


async def _set_permissions(session: AsyncSession, role_id: UUID, names: Collection[str]) -> None:
    found = select(literal(role_id, Uuid()), Permission.id).where(Permission.name.in_(names))
    statement = insert(RolePermission).from_select(["role_id", "permission_id"], found)
    given = (await session.execute(statement.returning(RolePermission.permission_id))).all()
    if len(given) != len(set(names)):
        known = (await session.execute(select(Permission.name))).scalars()
        raise UnknownPermission(set(names) - set(known))


async def _note(
    session: AsyncSession, action: str, actor: Mapping[Any, Any], address: str, **details: Any
) -> None:
    await record(
        session, action=action, actor_id=actor["id"], subject_id=None, details=details, address=address
    )
