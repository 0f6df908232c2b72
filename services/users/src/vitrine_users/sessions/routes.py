"""Sessions for the gateway, and the change of a password (which ends sessions), over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit import auth
from vitrine_kit.auth import INTERNAL, SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.addresses import key_of
from vitrine_users.accounts.current import current_account
from vitrine_users.accounts.routes import me_out
from vitrine_users.audit.log import record
from vitrine_users.challenges.service import HEADER
from vitrine_users.devices import service as devices
from vitrine_users.factors import notices, signin
from vitrine_users.factors.requirement import as_proved, must_have_factor
from vitrine_users.resets.service import tell_of_new_password
from vitrine_users.secrets import digest_of
from vitrine_users.sessions import queries, service
from vitrine_users.sessions.errors import SessionEnded
from vitrine_users.sessions.guard import as_it_may_act
from vitrine_users.sessions.schemas import (
    Browser,
    ExchangeOut,
    LinkIn,
    PasswordChange,
    PendingOut,
    SessionIn,
    SessionOut,
    SessionRef,
)
from vitrine_users.sessions.service import Method
from vitrine_users.state import current_users

bp = ApiBlueprint("passwords", __name__, url_prefix="/api/users/v1")
internal = ApiBlueprint("internal_sessions", __name__, url_prefix="/internal")

GATEWAY = "gateway"
"""The only neighbour that sees passwords and cookies."""

Created = tuple[SessionOut | PendingOut, int]


@bp.operation(
    "POST",
    "/me/password",
    summary="Change your password",
    permission=SIGNED_IN,
    body=PasswordChange,
    returns={204: None},
)
async def change_password(body: PasswordChange) -> None:
    """Sets a new password; every other sign-in of yours ends, unless you ask for it not to."""
    users, db, account = current_users(), current_database(), current_account()
    accounts.accept_password(
        body.new_password, field="new_password", about=(account["email"], account["name"])
    )
    proved = await accounts.confirm_password(
        db,
        users.hasher,
        users.guesses,
        account_id=account["id"],
        password=body.current_password,
        field="current_password",
        address=client_address(),
    )
    hashed = await users.hasher.hash(body.new_password)
    async with db.transaction() as session:
        await accounts.change_password(session, account["id"], old=proved["password_hash"], new=hashed)
        await queries.note_password(session, UUID(auth.require(SIGNED_IN).session_id))
        if body.end_other_sessions:
            mine = UUID(auth.require(SIGNED_IN).session_id)
            await service.end_others(session, account["id"], mine, address=client_address())
        await record(
            session,
            action="password.changed",
            actor_id=account["id"],
            subject_id=account["id"],
            details={"others_ended": body.end_other_sessions},
            address=client_address(),
        )
        await tell_of_new_password(session, account)


@internal.operation(
    "POST",
    "/sessions",
    summary="Sign in with a browser",
    permission=INTERNAL,
    body=SessionIn,
    returns={201: SessionOut, 202: PendingOut},
)
async def begin_session(body: SessionIn) -> Created:
    """Proves an e-mail address and a password; begins a session, or the wait for a second proof."""
    auth.require_service(GATEWAY)
    users, db = current_users(), current_database()
    device = await devices.find_by_address(db, body.device, key_of(body.email))
    if device is None:
        await users.challenges.require("sign-in", body.address, request.headers.get(HEADER))
    proved = await accounts.prove_password(
        db,
        users.hasher,
        users.guesses,
        users.pressure,
        email=body.email,
        password=body.password,
        address=body.address,
        device_id=None if device is None else device.id,
    )
    rehashed = await accounts.rehash(users.hasher, proved.verified, body.password)
    methods = None
    if proved.has_factor:
        methods = await signin.methods_wanted(db, proved.account_id, "password", device, users.settings)
    if methods is not None:
        await users.guesses.forget(proved.tries)
    async with db.transaction() as session:
        if methods is not None:
            await accounts.keep_rehashed(session, proved, rehashed=rehashed)
            return await wait_for(session, proved.account_id, "password", methods)
        account = await accounts.note_sign_in(session, proved, rehashed=rehashed)
        return await begin_for(session, account, "password", body)


@internal.operation(
    "POST",
    "/sign-in-links/redeem",
    summary="Sign in with a one-time link",
    permission=INTERNAL,
    body=LinkIn,
    returns={201: SessionOut},
    problems=(410,),
)
async def redeem_link(body: LinkIn) -> Created:
    """Uses a link up, and begins a session of its account."""
    auth.require_service(GATEWAY)
    await current_users().guesses.from_address(body.address)
    async with current_database().transaction() as session:
        account = await service.redeem_link(session, body.token)
        return await begin_for(session, account, "link", body)


@internal.operation(
    "POST",
    "/sessions/exchange",
    summary="An access token for a session",
    permission=INTERNAL,
    body=SessionRef,
    returns={200: ExchangeOut},
)
async def exchange(body: SessionRef) -> ExchangeOut:
    """What the session is worth at this moment; 401 once it has ended."""
    auth.require_service(GATEWAY)
    users = current_users()
    session_row = await queries.find_account_by_session(current_database(), digest_of(body.session))
    if session_row is None:
        raise SessionEnded
    if session_row["long_unseen"]:
        await queries.touch_session(current_database(), session_row["session_id"])
    found = as_it_may_act(session_row, users.settings)
    left_s = (found["expires_at"] - datetime.now(UTC)).total_seconds()
    minted = await users.mint.token(
        account_id=found["id"],
        session_id=found["session_id"],
        name=found["name"],
        roles=found["roles"],
        permissions=found["permissions"],
        authenticated_at=found["authenticated_at"],
        assurance=found["assurance"],
        left_s=left_s,
    )
    return ExchangeOut(
        access_token=minted.token,
        expires_in=minted.expires_in_s,
        session_expires_at=found["expires_at"],
        impersonation=found["impersonated_by"] is not None,
        assurance=found["assurance"],
        factor_missing=found["assurance"] < 2 and must_have_factor(found, users.settings),
        user=me_out(found),
    )


@internal.operation(
    "POST", "/sessions/end", summary="Sign out", permission=INTERNAL, body=SessionRef, returns={204: None}
)
async def end_session(body: SessionRef) -> None:
    """Ends the session; one that is unknown has ended already."""
    auth.require_service(GATEWAY)
    async with current_database().transaction() as session:
        await service.end(session, body.session)


async def begin_for(
    session: AsyncSession,
    account: Mapping[Any, Any],
    method: Method,
    browser: Browser,
    *,
    assurance: int = 1,
    trust: bool = False,
) -> tuple[SessionOut, int]:
    """A session for somebody who was proved, in a browser that the account knows from now on."""
    users, account_id = current_users(), account["id"]
    begun = await service.begin(
        session,
        account,
        method=method,
        assurance=assurance,
        ttl_s=users.settings.browser_session_ttl_s,
        user_agent=browser.user_agent,
        address=browser.address,
    )
    device = await devices.remember(
        session,
        account_id,
        browser.device,
        trust=trust,
        user_agent=browser.user_agent,
        address=browser.address,
    )
    if device is not None and device.unfamiliar:
        await notices.tell(
            session,
            account_id,
            action="device.new",
            template="new-sign-in",
            address=browser.address,
            user_agent=browser.user_agent,
        )
    out = SessionOut(
        session=begun.secret,
        expires_at=begun.expires_at,
        user=me_out(as_proved(account, assurance, users.settings)),
        device=None if device is None else device.secret,
        device_expires_at=None if device is None else device.expires_at,
    )
    return out, 201


async def wait_for(
    session: AsyncSession, account_id: UUID, proved: str, methods: Sequence[str]
) -> tuple[PendingOut, int]:
    """A browser's sign-in that goes on with a second proof."""
    pending = await signin.begin_pending(
        session, account_id, channel="browser", proved=proved, methods=methods
    )
    out = PendingOut(challenge=pending.challenge, methods=pending.methods, expires_at=pending.expires_at)
    return out, 202
