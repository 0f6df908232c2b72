"""Roles and permissions over HTTP."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.auth import SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.accounts.current import current_account
from vitrine_users.roles import custom, queries
from vitrine_users.roles.schemas import PermissionOut, PermissionsOut, RoleIn, RoleOut, RolePatch, RolesOut

bp = ApiBlueprint("roles", __name__, url_prefix="/api/users/v1")


@bp.operation("GET", "/roles", summary="List the roles", permission="users:read", returns={200: RolesOut})
async def list_roles() -> RolesOut:
    """All roles with what they let people do, the most powerful first."""
    return RolesOut(items=[_shown(row) for row in await queries.all_roles(current_database())])


@bp.operation(
    "GET",
    "/permissions",
    summary="List the permissions",
    permission=SIGNED_IN,
    returns={200: PermissionsOut},
)
async def list_permissions() -> PermissionsOut:
    """Everything a role can let people do, in words: whoever makes an access token chooses among these."""
    rows = await custom.all_permissions(current_database())
    return PermissionsOut(items=[PermissionOut(**row) for row in rows])


@bp.operation(
    "POST",
    "/roles",
    summary="Make a role",
    permission="users:roles",
    body=RoleIn,
    returns={201: RoleOut},
    problems=(409,),
)
async def create_role(body: RoleIn) -> Any:
    """A role of the shop's own, which gives no more than you may do."""
    async with current_database().transaction() as session:
        await custom.create_role(
            session,
            name=body.name,
            description=body.description,
            permissions=body.permissions,
            actor=current_account(),
            address=client_address(),
        )
        return await _answer(session, body.name), 201


@bp.operation(
    "PATCH",
    "/roles/<name>",
    summary="Change a role",
    permission="users:roles",
    body=RolePatch,
    returns={200: RoleOut},
    problems=(409,),
)
async def change_role(name: str, body: RolePatch) -> RoleOut:
    """Changes a role of the shop's own; whoever holds it may do more, or less, from their next request on."""
    given = body.model_fields_set
    async with current_database().transaction() as session:
        await custom.change_role(
            session,
            name,
            description=body.description if "description" in given else None,
            permissions=body.permissions if "permissions" in given else None,
            actor=current_account(),
            address=client_address(),
        )
        return await _answer(session, name)


@bp.operation(
    "DELETE",
    "/roles/<name>",
    summary="Delete a role",
    permission="users:roles",
    returns={204: None},
    problems=(409,),
)
async def delete_role(name: str) -> None:
    """Deletes a role of the shop's own that nobody holds."""
    async with current_database().transaction() as session:
        await custom.delete_role(session, name, actor=current_account(), address=client_address())


async def _answer(session: AsyncSession, name: str) -> RoleOut:
    return _shown((await queries.roles_named(session, [name]))[0])


def _shown(row: RowMapping) -> RoleOut:
    return RoleOut(**{name: row[name] for name in RoleOut.model_fields})
