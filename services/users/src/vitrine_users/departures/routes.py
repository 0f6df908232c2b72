"""Leaving, and staying after all, over HTTP."""

from __future__ import annotations

from vitrine_kit import auth
from vitrine_kit.auth import PUBLIC, SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.current import current_account
from vitrine_users.addresses.schemas import LinkRef
from vitrine_users.departures import service
from vitrine_users.departures.schemas import Departure, MeDelete
from vitrine_users.factors.stepup import require_recent
from vitrine_users.state import current_users

bp = ApiBlueprint("departures", __name__, url_prefix="/api/users/v1")

NO_STORE = {"Cache-Control": "no-store"}


@bp.operation(
    "DELETE",
    "/me",
    summary="Delete your account",
    permission=SIGNED_IN,
    body=MeDelete,
    returns={202: Departure},
    problems=(409,),
)
async def delete_me(body: MeDelete) -> tuple[Departure, int, dict[str, str]]:
    """Ends every sign-in at once, and has your personal data erased when the time of grace is over.

    Signing in before then, or the link of the mail that is sent, takes it back.
    """
    users, db, account = current_users(), current_database(), current_account()
    account_id = account["id"]
    if not account["has_password"]:
        require_recent(auth.require(SIGNED_IN))
    await accounts.confirm_password(
        db,
        users.hasher,
        users.guesses,
        account_id=account_id,
        password=body.password,
        field="password",
        address=client_address(),
    )
    async with db.transaction() as session:
        erase_after = await service.leave(session, account_id, from_address=client_address())
    return Departure(erase_after=erase_after), 202, NO_STORE


@bp.operation(
    "POST",
    "/deletions/cancel",
    summary="Keep your account after all",
    permission=PUBLIC,
    body=LinkRef,
    returns={204: None},
    problems=(410,),
)
async def cancel_deletion(body: LinkRef) -> None:
    """Takes a deletion back by the link of its mail; works once, and signs nobody in."""
    await current_users().guesses.from_address(client_address())
    async with current_database().transaction() as session:
        await service.stay(session, body.token, from_address=client_address())
