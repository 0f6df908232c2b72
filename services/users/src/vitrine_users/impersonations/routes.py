"""Seeing the shop as somebody else, for the gateway, over HTTP."""

from __future__ import annotations

from uuid import UUID

from vitrine_kit import auth
from vitrine_kit.auth import INTERNAL
from vitrine_kit.db import current_database
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.routes import me_out
from vitrine_users.impersonations import service
from vitrine_users.secrets import digest_of
from vitrine_users.sessions import queries as sessions
from vitrine_users.sessions.errors import SessionEnded
from vitrine_users.sessions.guard import as_it_may_act
from vitrine_users.sessions.routes import GATEWAY
from vitrine_users.sessions.schemas import Secret, SessionOut, Visitor
from vitrine_users.state import current_users

internal = ApiBlueprint("internal_impersonations", __name__, url_prefix="/internal/impersonations")


class ImpersonationIn(Visitor):
    """Whose session asks to see the shop as whom."""

    session: Secret
    user_id: UUID


@internal.operation(
    "POST",
    "",
    summary="See the shop as somebody",
    permission=INTERNAL,
    body=ImpersonationIn,
    returns={201: SessionOut},
)
async def begin(body: ImpersonationIn) -> tuple[SessionOut, int]:
    """A session that looks and changes nothing, for an hour; the impersonator's own goes on beside it."""
    auth.require_service(GATEWAY)
    db, settings = current_database(), current_users().settings
    found = await sessions.find_account_by_session(db, digest_of(body.session))
    if found is None:
        raise SessionEnded
    async with db.transaction() as session:
        begun = await service.begin(
            session,
            body.user_id,
            owner=as_it_may_act(found, settings),
            user_agent=body.user_agent,
            address=body.address,
        )
        account = await accounts.get_account_in(session, body.user_id)
    return SessionOut(session=begun.secret, expires_at=begun.expires_at, user=me_out(account)), 201
