"""Visits to providers for the gateway, over HTTP: sending a browser there, and taking it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from vitrine_kit import auth
from vitrine_kit.auth import INTERNAL
from vitrine_kit.db import current_database
from vitrine_kit.openapi import ApiBlueprint
from vitrine_kit.problems import Problem

from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.routes import me_out
from vitrine_users.audit.log import record
from vitrine_users.connections import queries, service
from vitrine_users.connections.errors import NotConnected, VisitEnded
from vitrine_users.connections.schemas import ReturnIn, ReturnOut, VisitIn, VisitOut
from vitrine_users.connections.service import VISIT_LIFE_S, Returned
from vitrine_users.devices import service as devices
from vitrine_users.factors import notices, signin
from vitrine_users.factors.proofs import assurance_after, method_after
from vitrine_users.factors.requirement import as_proved
from vitrine_users.factors.stepup import require_recent_sign_in
from vitrine_users.secrets import digest_of
from vitrine_users.sessions import queries as session_queries
from vitrine_users.sessions import service as sessions
from vitrine_users.sessions.errors import NotWhileImpersonating, SessionEnded
from vitrine_users.sessions.routes import GATEWAY, begin_for, wait_for
from vitrine_users.sessions.schemas import PendingOut, SessionOut
from vitrine_users.state import current_users

internal = ApiBlueprint("internal_connections", __name__, url_prefix="/internal")


@internal.operation(
    "POST",
    "/provider-visits",
    summary="Send somebody to a provider",
    permission=INTERNAL,
    body=VisitIn,
    returns={201: VisitOut},
    problems=(401, 404),
)
async def begin_visit(body: VisitIn) -> tuple[VisitOut, int]:
    """To sign in; or, by somebody who is signed in, to connect an account there or to confirm who they are.

    Connecting asks for a proof that is five minutes old at most: whoever finds an open browser adds nothing.
    """
    auth.require_service(GATEWAY)
    users, db = current_users(), current_database()
    await users.guesses.from_address(body.address)
    account_id = None
    if body.purpose != "sign-in":
        found = await _signed_in(body.session)
        if body.purpose == "connect":
            await require_recent_sign_in(found["id"], found["authenticated_at"])
        account_id = found["id"]
    visit = await users.visits.begin(
        db,
        body.provider,
        purpose=body.purpose,
        account_id=account_id,
        binding=body.binding,
        target=body.target,
    )
    return VisitOut(url=visit.url, binding=visit.binding, expires_in=VISIT_LIFE_S), 201


@internal.operation(
    "POST",
    "/provider-visits/return",
    summary="Take somebody back from a provider",
    permission=INTERNAL,
    body=ReturnIn,
    returns={200: ReturnOut},
    problems=(401, 404, 409, 410),
)
async def finish_visit(body: ReturnIn) -> ReturnOut:
    """Does what the visit was begun for; every refusal is in the audit log."""
    auth.require_service(GATEWAY)
    users, db = current_users(), current_database()
    await users.guesses.from_address(body.address)
    try:
        returned = await users.visits.finish(
            db,
            body.provider,
            state=body.state,
            binding=body.binding,
            code=body.code,
            error=body.error,
            answered_by=body.iss,
        )
        done = {"sign-in": _sign_in, "connect": _connect, "confirm": _confirm}[returned.purpose]
        parts: dict[str, Any] = await done(body, returned)
    except Problem as problem:
        async with db.transaction() as session:
            await record(
                session,
                action="session.refused",
                actor_id=None,
                subject_id=None,
                outcome="refused",
                details={"by": "provider", "provider": body.provider, "reason": type(problem).__name__},
                address=body.address,
            )
        raise
    return ReturnOut(
        purpose=returned.purpose,
        provider=returned.provider.settings.name,
        target=returned.target,
        **parts,
    )


async def _sign_in(body: ReturnIn, returned: Returned) -> dict[str, SessionOut | PendingOut]:
    users, db, identity = current_users(), current_database(), returned.identity
    account_id = await queries.find_owner(db, identity.issuer, identity.subject)
    methods = None
    if account_id is not None:
        device = await devices.find_of(db, body.device, account_id)
        methods = await signin.methods_wanted(db, account_id, "provider", device, users.settings)
    async with db.transaction() as session:
        if account_id is None:
            account = await service.welcome(session, users.settings, returned, from_address=body.address)
            account_id = account["id"]
        if not await queries.note_use(session, account_id, identity.issuer, identity.subject):
            raise NotConnected(returned.provider.settings.name)
        if methods is not None:
            return {"pending": (await wait_for(session, account_id, "provider", methods))[0]}
        account = await accounts.note_proved_sign_in(session, account_id)
        return {"begun": (await begin_for(session, account, "provider", body))[0]}


async def _connect(body: ReturnIn, returned: Returned) -> dict[str, SessionOut | PendingOut]:
    found = await _who_left(body, returned.account_id)
    async with current_database().transaction() as session:
        await service.connect(session, found["id"], returned, from_address=body.address)
    return {}


async def _confirm(body: ReturnIn, returned: Returned) -> dict[str, SessionOut | PendingOut]:
    found, identity = await _who_left(body, returned.account_id), returned.identity
    assurance = assurance_after(found["method"], found["assurance"], "provider", user_verified=False)
    async with current_database().transaction() as session:
        if not await queries.note_use(session, found["id"], identity.issuer, identity.subject):
            raise NotConnected(returned.provider.settings.name)
        begun = await sessions.renew(
            session,
            body.session or "",
            method=method_after(found["method"], "provider"),
            assurance=assurance,
            restart=found["assurance"] < assurance,
        )
        await notices.note(
            session,
            found["id"],
            action="session.confirmed",
            address=body.address,
            details={"method": "provider", "provider": returned.provider.settings.slug},
        )
        account = await accounts.get_account_in(session, found["id"])
    user = me_out(as_proved(account, assurance, current_users().settings))
    return {"begun": SessionOut(session=begun.secret, expires_at=begun.expires_at, user=user)}


async def _who_left(body: ReturnIn, account_id: UUID | None) -> RowMapping:
    """The session of whoever was sent, who must still be the one that is signed in."""
    found = await _signed_in(body.session)
    if found["id"] != account_id:
        raise VisitEnded
    return found


async def _signed_in(secret: str | None) -> RowMapping:
    found = None
    if secret is not None:
        found = await session_queries.find_account_by_session(current_database(), digest_of(secret))
    if found is None:
        raise SessionEnded
    if found["impersonated_by"] is not None:
        raise NotWhileImpersonating
    return found
