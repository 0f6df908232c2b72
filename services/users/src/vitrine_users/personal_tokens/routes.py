"""A person's own access tokens over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from vitrine_kit import auth
from vitrine_kit.auth import SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.accounts.current import current_account
from vitrine_users.factors.stepup import require_recent
from vitrine_users.personal_tokens import queries, service
from vitrine_users.personal_tokens.schemas import NewTokenOut, TokenIn, TokenOut, TokensListOut

bp = ApiBlueprint("personal_tokens", __name__, url_prefix="/api/users/v1/me/tokens")

NO_STORE = {"Cache-Control": "no-store"}


@bp.operation(
    "POST",
    "",
    summary="Make an access token",
    permission=SIGNED_IN,
    body=TokenIn,
    returns={201: NewTokenOut},
    problems=(409,),
)
async def make(body: TokenIn) -> Any:
    """A token for a script, with no more rights than yours. Its text is in this answer and nowhere else."""
    person = auth.require(SIGNED_IN)
    require_recent(person)
    async with current_database().transaction() as session:
        row, text = await service.make(
            session,
            person.user_id,
            name=body.name,
            scopes=body.scopes,
            held=person.permissions,
            days=body.expires_in_days,
            address=client_address(),
        )
    return NewTokenOut(**row, token=text), 201, NO_STORE


@bp.operation("GET", "", summary="Your access tokens", permission=SIGNED_IN, returns={200: TokensListOut})
async def list_own() -> Any:
    """Your tokens that have not ended, newest first, without their texts."""
    rows = await queries.list_tokens(current_database(), current_account()["id"])
    return TokensListOut(items=[TokenOut(**row) for row in rows]), 200, NO_STORE


@bp.operation(
    "DELETE",
    "/<uuid:token_id>",
    summary="Withdraw an access token",
    permission=SIGNED_IN,
    returns={204: None},
)
async def withdraw(token_id: UUID) -> None:
    """Ends a token; its next use is refused."""
    require_recent(auth.require(SIGNED_IN))
    async with current_database().transaction() as session:
        await service.withdraw(session, current_account()["id"], token_id, address=client_address())
