"""One's own account, and the administration of accounts, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit import auth
from vitrine_kit.auth import SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint, etag_of, not_modified, require_match
from vitrine_kit.pagination import decode_cursor, encode_cursor, page

from vitrine_users.accounts import queries, service
from vitrine_users.accounts.addresses import key_of
from vitrine_users.accounts.current import current_account
from vitrine_users.accounts.schemas import (
    MeOut,
    MePatch,
    UserOut,
    UserPage,
    UserPageQuery,
    UserPatch,
)
from vitrine_users.audit.log import record
from vitrine_users.roles.service import require_power_over

bp = ApiBlueprint("accounts", __name__, url_prefix="/api/users/v1")

CONDITIONAL = ("If-Match",)


@bp.operation("GET", "/me", summary="Your account", permission=SIGNED_IN, returns={200: MeOut})
async def get_me() -> Any:
    """The account the access token speaks for, as it is now."""
    return _answer(me_out(current_account()), current_account())


@bp.operation(
    "PATCH",
    "/me",
    summary="Change your account",
    permission=SIGNED_IN,
    body=MePatch,
    returns={200: MeOut},
    problems=(412,),
    headers=CONDITIONAL,
)
async def patch_me(body: MePatch) -> Any:
    """Changes what the body names; with If-Match only if nobody has changed it since."""
    account_id = current_account()["id"]
    async with current_database().transaction() as session:
        account = await service.hold_account(session, account_id)
        require_match(_etag(account))
        if body.model_fields_set:
            await service.change_profile(session, account_id, **body.model_dump(exclude_unset=True))
            await _note(session, "account.changed", account_id, {"changed": sorted(body.model_fields_set)})
            account = await service.get_account_in(session, account_id)
    return _answer(me_out(account), account)


@bp.operation(
    "GET",
    "/users",
    summary="List accounts",
    permission="users:read",
    query=UserPageQuery,
    returns={200: UserPage},
)
async def list_users(query: UserPageQuery) -> dict[str, Any]:
    """Accounts, newest first."""
    before = decode_cursor(query.after, [UUID])[0] if query.after is not None else None
    rows = await queries.list_accounts(
        current_database(),
        limit=query.limit + 1,
        before=before,
        role=query.role,
        email_key=None if query.email is None else key_of(query.email) or "",
        part=query.q,
    )
    shown = rows[: query.limit]
    following = encode_cursor([shown[-1]["id"]]) if len(rows) > query.limit else None
    return page([user_out(row) for row in shown], following)


@bp.operation(
    "GET", "/users/<uuid:user_id>", summary="An account", permission="users:read", returns={200: UserOut}
)
async def get_user(user_id: UUID) -> Any:
    """One account."""
    account = await service.get_account(current_database(), user_id)
    return _answer(user_out(account), account)


@bp.operation(
    "PATCH",
    "/users/<uuid:user_id>",
    summary="Change an account",
    permission="users:write",
    body=UserPatch,
    returns={200: UserOut},
    problems=(409, 412),
    headers=CONDITIONAL,
)
async def patch_user(user_id: UUID, body: UserPatch) -> Any:
    """Changes what the body names; roles only with users:roles, and never beyond one's own rights."""
    if "roles" in body.model_fields_set:
        auth.require("users:roles")
    held = current_account()["permissions"]
    async with current_database().transaction() as session:
        account = await service.hold_account(session, user_id)
        require_match(_etag(account))
        require_power_over(held, account["permissions"])
        if "name" in body.model_fields_set:
            await service.change_profile(session, user_id, name=body.name)
            await _note(session, "account.changed", user_id, {"changed": ["name"]})
        if "roles" in body.model_fields_set:
            await service.change_roles(session, account, body.roles, held)
            after = {"before": account["roles"], "after": body.roles}
            await _note(session, "account.roles_changed", user_id, after)
        account = await service.get_account_in(session, user_id)
    return _answer(user_out(account), account)


@bp.operation(
    "DELETE",
    "/users/<uuid:user_id>",
    summary="Erase an account",
    permission="users:write",
    returns={204: None},
    problems=(409, 412),
    headers=CONDITIONAL,
)
async def delete_user(user_id: UUID) -> None:
    """Erases a person's data for good; every sign-in of theirs ends at once."""
    held = current_account()["permissions"]
    async with current_database().transaction() as session:
        account = await service.hold_account(session, user_id)
        require_match(_etag(account))
        require_power_over(held, account["permissions"])
        await service.erase(session, account)
        await _note(session, "account.erased", user_id, {"by": "staff"})


async def _note(session: AsyncSession, action: str, subject_id: UUID, details: Mapping[str, Any]) -> None:
    await record(
        session,
        action=action,
        actor_id=current_account()["id"],
        subject_id=subject_id,
        details=details,
        address=client_address(),
    )


def user_out(row: Mapping[Any, Any]) -> UserOut:
    """The account as others see it."""
    return UserOut(**{name: row[name] for name in UserOut.model_fields})


def me_out(row: Mapping[Any, Any]) -> MeOut:
    """The account as its owner sees it; what a personal token may do stands apart from what its owner may."""
    scopes = row["permissions"] if row.get("by_token") else None
    permissions = row["permissions"] if scopes is None else row["owner_permissions"]
    values = {**row, "permissions": permissions, "scopes": scopes}
    return MeOut(**{name: values[name] for name in MeOut.model_fields})


def _etag(account: Mapping[Any, Any]) -> str:
    return etag_of(account["id"], account["version"])


def _answer(body: UserOut, account: Mapping[Any, Any]) -> Any:
    headers = {"ETag": _etag(account), "Cache-Control": "private, no-cache"}
    if not_modified(headers["ETag"]):
        return Response(status=304, headers=headers)
    return body, 200, headers
