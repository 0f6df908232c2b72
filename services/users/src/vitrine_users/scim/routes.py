"""SCIM users over HTTP, and the search over users and groups (RFC 7644)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, request
from scim2_models import Context, SearchRequest
from sqlalchemy import RowMapping
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import require_match

from vitrine_users.accounts.current import current_account
from vitrine_users.accounts.models import Account
from vitrine_users.scim import discovery, queries, service
from vitrine_users.scim.errors import as_problems
from vitrine_users.scim.group_routes import find_groups
from vitrine_users.scim.protocol import (
    CONDITIONAL,
    answer,
    base_address,
    bp,
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
from vitrine_users.scim.resources import Group, User
from vitrine_users.scim.schemas import ListQuery, ResourceQuery, ScimDocument
from vitrine_users.scim.wire import user_document

__all__ = ["bp", "discovery"]


@operation("GET", "/Users", "List users", query=ListQuery)
async def list_users(query: ListQuery) -> Response:
    """Accounts, newest first unless an order is asked for."""
    return await _listed_users(search_of(query, User))


@operation("POST", "/Users/.search", "Search users")
async def search_users() -> Response:
    """The same, asked for by a body."""
    return await _listed_users(search_from_body(User))


@operation("POST", "/Users", "Make a user", returns={201: ScimDocument}, problems=(409,), query=ResourceQuery)
async def create_user(query: ResourceQuery) -> Response:
    """An account without a password, whose address counts as confirmed."""
    parameters = parameters_of(query, User)
    wanted = read_resource(User, {"active": True}, Context.RESOURCE_CREATION_REQUEST)
    async with current_database().transaction() as session:
        row = await service.create(session, wanted, actor=current_account(), address=client_address())
    return answer(user_document(row, base_address()), parameters, 201)


@operation("GET", "/Users/<uuid:user_id>", "A user", query=ResourceQuery)
async def get_user(user_id: UUID, query: ResourceQuery) -> Response:
    """One account."""
    parameters = parameters_of(query, User)
    row = await service.get_user(current_database(), user_id)
    return answer(user_document(row, base_address()), parameters)


@operation(
    "PUT",
    "/Users/<uuid:user_id>",
    "Replace a user",
    problems=(409, 412),
    query=ResourceQuery,
    headers=CONDITIONAL,
)
async def replace_user(user_id: UUID, query: ResourceQuery) -> Response:
    """Makes an account what the body says; what it leaves out is unset, but for `active`."""
    parameters = parameters_of(query, User)

    def replaced(before: User) -> User:
        after = read_resource(User, {"active": before.active}, Context.RESOURCE_REPLACEMENT_REQUEST)
        with as_problems():
            after.replace(before)
        return after

    row = await _change_user(user_id, replaced)
    return answer(user_document(row, base_address()), parameters)


@operation(
    "PATCH",
    "/Users/<uuid:user_id>",
    "Change a user",
    problems=(409, 412),
    query=ResourceQuery,
    headers=CONDITIONAL,
)
async def patch_user(user_id: UUID, query: ResourceQuery) -> Response:
    """Adds, replaces and removes what the operations name; all of them, or none."""
    parameters = parameters_of(query, User)
    row = await _change_user(user_id, lambda before: patched(before, User))
    return answer(user_document(row, base_address()), parameters)


@operation(
    "DELETE",
    "/Users/<uuid:user_id>",
    "Erase a user",
    returns={204: None},
    problems=(409, 412),
    headers=CONDITIONAL,
)
async def delete_user(user_id: UUID) -> None:
    """Erases a person's data for good; to bar them and keep it, set `active` to false instead."""
    actor = current_account()
    async with current_database().transaction() as session:
        row = await service.hold_user(session, user_id, held=actor["permissions"])
        require_match(user_document(row, base_address())["meta"]["version"])
        await service.delete(session, row, actor=actor, address=client_address())


async def _change_user(user_id: UUID, change: Callable[[User], User]) -> RowMapping:
    actor = current_account()
    request.get_data(cache=True)  # before a row is held
    async with current_database().transaction() as session:
        row = await service.hold_user(session, user_id, held=actor["permissions"])
        document = user_document(row, base_address())
        require_match(document["meta"]["version"])
        before, after = await changed(User, document, change)
        return await service.change(session, row, before, after, actor=actor, address=client_address())


@operation("POST", "/.search", "Search users and groups")
async def search() -> Response:
    """Users and then groups that fit; what one kind does not know is false there."""
    sought = search_from_body(User | Group)
    offset, limit = window_of(sought)
    users, found = await _find_users(sought, offset, limit)
    many, more = await find_groups(sought, max(0, offset - users), limit - len(found))
    return listed(sought, users + many, [*found, *more])


async def _find_users(
    sought: SearchRequest[Any], offset: int, limit: int
) -> tuple[int, list[dict[str, Any]]]:
    condition, order = selection_of(sought, User, queries.USER_COLUMNS, Account.id)
    total, rows = await queries.list_users(
        current_database(), condition=condition, order=order, offset=offset, limit=limit
    )
    return total, [user_document(row, base_address()) for row in rows]


async def _listed_users(sought: SearchRequest[User]) -> Response:
    total, found = await _find_users(sought, *window_of(sought))
    return listed(sought, total, found)
