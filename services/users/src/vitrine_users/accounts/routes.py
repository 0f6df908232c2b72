"""Registration, one's own account, and the administration of accounts over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import RowMapping
from vitrine_kit import auth
from vitrine_kit.auth import PUBLIC, SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint, etag_of, not_modified, require_match
from vitrine_kit.pagination import decode_cursor, encode_cursor, page

from vitrine_users.accounts import queries, service
from vitrine_users.accounts.addresses import key_of
from vitrine_users.accounts.current import current_account
from vitrine_users.accounts.schemas import (
    MeDelete,
    MeOut,
    MePatch,
    Registration,
    UserOut,
    UserPage,
    UserPageQuery,
    UserPatch,
)
from vitrine_users.roles.models import CUSTOMER
from vitrine_users.roles.service import require_power_over
from vitrine_users.state import current_users

bp = ApiBlueprint("accounts", __name__, url_prefix="/api/users/v1")

CONDITIONAL = ("If-Match",)


@bp.operation(
    "POST",
    "/registrations",
    summary="Register",
    permission=PUBLIC,
    body=Registration,
    returns={201: UserOut},
    problems=(409,),
    idempotent=True,
)
async def register(body: Registration) -> tuple[UserOut, int, dict[str, str]]:
    """Makes an account with the role of a customer. A password that is refused comes with the reason."""
    users = current_users()
    address = service.read_address(body.email)
    service.accept_password(body.password, field="password", about=(address.text, body.name))
    await users.guesses.registration(client_address())
    password_hash = await users.hasher.hash(body.password)
    async with current_database().transaction() as session:
        account = await service.create_account(session, address, body.name, password_hash, [CUSTOMER])
    headers = {
        "Location": service.location_of(account["id"]),
        "ETag": _etag(account),
        "Cache-Control": "no-store",
    }
    return user_out(account), 201, headers


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
        if "name" in body.model_fields_set:
            await service.rename(session, account_id, body.name)
            account = await service.get_account_in(session, account_id)
    return _answer(me_out(account), account)


@bp.operation(
    "DELETE",
    "/me",
    summary="Erase your account",
    permission=SIGNED_IN,
    body=MeDelete,
    returns={204: None},
    problems=(409,),
)
async def delete_me(body: MeDelete) -> None:
    """Erases your personal data for good; every sign-in ends at once."""
    users, db, account_id = current_users(), current_database(), current_account()["id"]
    await service.confirm_password(
        db,
        users.hasher,
        users.guesses,
        account_id=account_id,
        password=body.password,
        field="password",
        address=client_address(),
    )
    async with db.transaction() as session:
        await service.erase(session, await service.hold_account(session, account_id))


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
            await service.rename(session, user_id, body.name)
        if "roles" in body.model_fields_set:
            await service.change_roles(session, account, body.roles, held)
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


def user_out(row: RowMapping) -> UserOut:
    """The account as others see it."""
    return UserOut(**{name: row[name] for name in UserOut.model_fields})


def me_out(row: RowMapping) -> MeOut:
    """The account as its owner sees it."""
    return MeOut(**{name: row[name] for name in MeOut.model_fields})


def _etag(account: RowMapping) -> str:
    return etag_of(account["id"], account["version"])


def _answer(body: UserOut, account: RowMapping) -> Any:
    headers = {"ETag": _etag(account), "Cache-Control": "private, no-cache"}
    if not_modified(headers["ETag"]):
        return Response(status=304, headers=headers)
    return body, 200, headers
