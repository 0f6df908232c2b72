"""Sessions for the gateway, and the change of a password (which ends sessions), over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit import auth
from vitrine_kit.auth import INTERNAL, SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.current import current_account
from vitrine_users.accounts.routes import me_out
from vitrine_users.secrets import digest_of
from vitrine_users.sessions import queries, service
from vitrine_users.sessions.errors import SessionEnded
from vitrine_users.sessions.schemas import (
    ExchangeOut,
    LinkIn,
    PasswordChange,
    SessionIn,
    SessionOut,
    SessionRef,
    Visitor,
)
from vitrine_users.sessions.service import Method
from vitrine_users.state import current_users

bp = ApiBlueprint("passwords", __name__, url_prefix="/api/users/v1")
internal = ApiBlueprint("internal_sessions", __name__, url_prefix="/internal")

GATEWAY = "gateway"
"""The only neighbour that sees passwords and cookies."""

Created = tuple[SessionOut, int]


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
        if body.end_other_sessions:
            await service.end_others(session, account["id"], UUID(auth.require(SIGNED_IN).session_id))


@internal.operation(
    "POST",
    "/sessions",
    summary="Sign in with a browser",
    permission=INTERNAL,
    body=SessionIn,
    returns={201: SessionOut},
)
async def begin_session(body: SessionIn) -> Created:
    """Proves an e-mail address and a password, and begins a session."""
    auth.require_service(GATEWAY)
    users, db = current_users(), current_database()
    proved = await accounts.prove_password(
        db, users.hasher, users.guesses, email=body.email, password=body.password, address=body.address
    )
    verified = proved["password_hash"]
    rehashed = await accounts.rehash(users.hasher, verified, body.password)
    async with db.transaction() as session:
        await accounts.note_sign_in(session, proved["id"], verified=verified, rehashed=rehashed)
        return await _begin(session, proved["id"], "password", body)


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
        account_id = await service.redeem_link(session, body.token)
        return await _begin(session, account_id, "link", body)


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
    found = await queries.find_account_by_session(current_database(), digest_of(body.session))
    if found is None:
        raise SessionEnded
    left_s = int((found["expires_at"] - datetime.now(UTC)).total_seconds())
    ttl_s = max(1, min(users.settings.access_token_ttl_s, left_s))
    access_token = await users.keyring.sign(
        account_id=found["id"],
        session_id=found["session_id"],
        name=found["name"],
        roles=found["roles"],
        permissions=found["permissions"],
        ttl_s=ttl_s,
    )
    return ExchangeOut(
        access_token=access_token,
        expires_in=ttl_s,
        session_expires_at=found["expires_at"],
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


async def _begin(session: AsyncSession, account_id: UUID, method: Method, visitor: Visitor) -> Created:
    begun = await service.begin(
        session,
        account_id,
        method=method,
        ttl_s=current_users().settings.browser_session_ttl_s,
        user_agent=visitor.user_agent,
        address=visitor.address,
    )
    account = await accounts.get_account_in(session, account_id)
    return SessionOut(session=begun.secret, expires_at=begun.expires_at, user=me_out(account)), 201
