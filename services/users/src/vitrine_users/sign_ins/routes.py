"""The list of sign-ins over HTTP, one's own and, for staff, others'."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import RowMapping
from vitrine_kit import auth
from vitrine_kit.auth import SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint, Query

from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.current import current_account
from vitrine_users.roles.service import require_power_over
from vitrine_users.sessions import service as sessions
from vitrine_users.sign_ins import queries, service
from vitrine_users.sign_ins.schemas import SignInOut, SignInsOut

bp = ApiBlueprint("sign_ins", __name__, url_prefix="/api/users/v1")

NO_STORE = {"Cache-Control": "no-store"}


class EndQuery(Query):
    """Which of one's own sign-ins to end."""

    everywhere: bool = Field(False, description="Also the one that asks.")


@bp.operation(
    "GET",
    "/me/sessions",
    summary="Where you are signed in",
    permission=SIGNED_IN,
    returns={200: SignInsOut},
)
async def list_own() -> Any:
    """Your sign-ins by browser and by API, with device, address and time."""
    return await _listed(current_account()["id"])


@bp.operation(
    "DELETE",
    "/me/sessions",
    summary="Sign out elsewhere",
    permission=SIGNED_IN,
    query=EndQuery,
    returns={204: None},
)
async def end_own_others(query: EndQuery) -> None:
    """Ends every sign-in of yours but this one, or this one too."""
    keep = None if query.everywhere else _mine()
    async with current_database().transaction() as session:
        await sessions.end_others(session, current_account()["id"], keep, address=client_address())


@bp.operation(
    "DELETE",
    "/me/sessions/<uuid:session_id>",
    summary="End a sign-in of yours",
    permission=SIGNED_IN,
    returns={204: None},
)
async def end_own(session_id: UUID) -> None:
    """Signs you out in one place; its next request is refused."""
    account_id = current_account()["id"]
    async with current_database().transaction() as session:
        await service.end_one(session, account_id, session_id, actor_id=account_id, address=client_address())


@bp.operation(
    "GET",
    "/users/<uuid:user_id>/sessions",
    summary="Where somebody is signed in",
    permission="users:read",
    returns={200: SignInsOut},
)
async def list_of(user_id: UUID) -> Any:
    """Another person's sign-ins."""
    await accounts.get_account(current_database(), user_id)
    return await _listed(user_id)


@bp.operation(
    "DELETE",
    "/users/<uuid:user_id>/sessions",
    summary="Sign somebody out everywhere",
    permission="users:write",
    returns={204: None},
)
async def end_all_of(user_id: UUID) -> None:
    """Ends every sign-in of a person who may not do more than you."""
    me = current_account()
    async with current_database().transaction() as session:
        account = await accounts.hold_account(session, user_id)
        require_power_over(me["permissions"], account["permissions"])
        await sessions.end_others(session, user_id, None, actor_id=me["id"], address=client_address())


@bp.operation(
    "DELETE",
    "/users/<uuid:user_id>/sessions/<uuid:session_id>",
    summary="End somebody's sign-in",
    permission="users:write",
    returns={204: None},
)
async def end_one_of(user_id: UUID, session_id: UUID) -> None:
    """Signs a person out in one place who may not do more than you."""
    me = current_account()
    async with current_database().transaction() as session:
        account = await accounts.hold_account(session, user_id)
        require_power_over(me["permissions"], account["permissions"])
        await service.end_one(session, user_id, session_id, actor_id=me["id"], address=client_address())


def _mine() -> UUID:
    return UUID(auth.require(SIGNED_IN).session_id)


async def _listed(account_id: UUID) -> Any:
    rows = await queries.list_sign_ins(current_database(), account_id)
    return SignInsOut(items=[_shown(row, _mine()) for row in rows]), 200, NO_STORE


def _shown(row: RowMapping, mine: UUID) -> SignInOut:
    values = {**row, "impersonation": row["impersonated_by"] is not None, "current": row["id"] == mine}
    del values["impersonated_by"]
    return SignInOut(**values)
