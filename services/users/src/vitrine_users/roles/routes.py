"""The list of roles over HTTP."""

from __future__ import annotations

from vitrine_kit.db import current_database
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.roles import queries
from vitrine_users.roles.schemas import RoleOut, RolesOut

bp = ApiBlueprint("roles", __name__, url_prefix="/api/users/v1")


@bp.operation("GET", "/roles", summary="List the roles", permission="users:read", returns={200: RolesOut})
async def list_roles() -> RolesOut:
    """All roles with what they let people do, the most powerful first."""
    rows = await queries.all_roles(current_database())
    return RolesOut(
        items=[
            RoleOut(name=r["name"], description=r["description"], permissions=r["permissions"]) for r in rows
        ]
    )
