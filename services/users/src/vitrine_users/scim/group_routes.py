"""SCIM groups over HTTP: the roles (RFC 7644)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, request
from scim2_models import Context, SearchRequest
from sqlalchemy import RowMapping
from vitrine_kit import auth
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import require_match

from vitrine_users.accounts.current import current_account
from vitrine_users.roles.models import Role
from vitrine_users.scim import groups, queries
from vitrine_users.scim.errors import as_problems
from vitrine_users.scim.protocol import (
    CONDITIONAL,
    answer,
    base_address,
    changed,
    listed,
    operation,
    parameters_of,
    patched,
    read_resource,
    search_from_body,
    search_of,
    selection_of,
    window_of,
)
from vitrine_users.scim.resources import Group
from vitrine_users.scim.schemas import ListQuery, ResourceQuery, ScimDocument
from vitrine_users.scim.wire import group_document

ROLES_PERMISSION = "users:roles"


@operation("GET", "/Groups", "List groups", query=ListQuery)
async def list_groups(query: ListQuery) -> Response:
    """Roles with who holds them, newest first unless an order is asked for."""
    return await _listed_groups(search_of(query, Group))


@operation("POST", "/Groups/.search", "Search groups")
async def search_groups() -> Response:
    """The same, asked for by a body."""
    return await _listed_groups(search_from_body(Group))


@operation(
    "POST", "/Groups", "Make a group", returns={201: ScimDocument}, problems=(409,), query=ResourceQuery
)
async def create_group(query: ResourceQuery) -> Response:
    """A role of the shop's own, which lets nobody do anything until its permissions are set."""
    auth.require(ROLES_PERMISSION)
    parameters = parameters_of(query, Group)
    wanted = read_resource(Group, {}, Context.RESOURCE_CREATION_REQUEST)
    async with current_database().transaction() as session:
        row = await groups.create(session, wanted, actor=current_account(), address=client_address())
    return answer(group_document(row, base_address()), parameters, 201)


@operation("GET", "/Groups/<uuid:group_id>", "A group", query=ResourceQuery)
async def get_group(group_id: UUID, query: ResourceQuery) -> Response:
    """One role with who holds it."""
    parameters = parameters_of(query, Group)
    row = await groups.get_group(current_database(), group_id)
    return answer(group_document(row, base_address()), parameters)


@operation(
    "PUT",
    "/Groups/<uuid:group_id>",
    "Replace a group",
    problems=(409, 412),
    query=ResourceQuery,
    headers=CONDITIONAL,
)
async def replace_group(group_id: UUID, query: ResourceQuery) -> Response:
    """Makes a group what the body says; who is left out is no member any more."""
    parameters = parameters_of(query, Group)

    def replaced(before: Group) -> Group:
        after = read_resource(Group, {}, Context.RESOURCE_REPLACEMENT_REQUEST)
        with as_problems():
            after.replace(before)
        return after

    row = await _change_group(group_id, replaced)
    return answer(group_document(row, base_address()), parameters)


@operation(
    "PATCH",
    "/Groups/<uuid:group_id>",
    "Change a group",
    problems=(409, 412),
    query=ResourceQuery,
    headers=CONDITIONAL,
)
async def patch_group(group_id: UUID, query: ResourceQuery) -> Response:
    """Adds, replaces and removes what the operations name; all of them, or none."""
    parameters = parameters_of(query, Group)
    row = await _change_group(group_id, lambda before: patched(before, Group))
    return answer(group_document(row, base_address()), parameters)


@operation(
    "DELETE",
    "/Groups/<uuid:group_id>",
    "Delete a group",
    returns={204: None},
    problems=(409, 412),
    headers=CONDITIONAL,
)
async def delete_group(group_id: UUID) -> None:
    """Takes a role of the shop's own from everybody, and deletes it."""
    auth.require(ROLES_PERMISSION)
    async with current_database().transaction() as session:
        row = await groups.hold_group(session, group_id)
        require_match(group_document(row, base_address())["meta"]["version"])
        await groups.delete(session, row, actor=current_account(), address=client_address())


async def _change_group(group_id: UUID, change: Callable[[Group], Group]) -> RowMapping:
    auth.require(ROLES_PERMISSION)
    request.get_data(cache=True)  # before a row is held
    async with current_database().transaction() as session:
        row = await groups.hold_group(session, group_id)
        document = group_document(row, base_address())
        require_match(document["meta"]["version"])
        _, after = await changed(Group, document, change)
        return await groups.change(session, row, after, actor=current_account(), address=client_address())


async def find_groups(
    sought: SearchRequest[Any], offset: int, limit: int
) -> tuple[int, list[dict[str, Any]]]:
    condition, order = selection_of(sought, Group, queries.GROUP_COLUMNS, Role.id)
    hidden = [str(path).lower().split(":")[-1] for path in sought.excluded_attributes or ()]
    asked = [str(path).lower().split(":")[-1].split(".")[0] for path in sought.attributes or ()]
    total, rows = await queries.list_groups(
        current_database(),
        condition=condition,
        order=order,
        offset=offset,
        limit=limit,
        members="members" not in hidden and (not asked or "members" in asked),
    )
    return total, [group_document(row, base_address()) for row in rows]


async def _listed_groups(sought: SearchRequest[Group]) -> Response:
    total, found = await find_groups(sought, *window_of(sought))
    return listed(sought, total, found)
