"""Signing in by API, refreshing, signing out, and the public keys, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import request
from sqlalchemy import RowMapping
from vitrine_kit.auth import INTERNAL, PUBLIC
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.accounts import service as accounts
from vitrine_users.state import current_users
from vitrine_users.tokens import service
from vitrine_users.tokens.errors import RefreshRefused
from vitrine_users.tokens.schemas import JwksOut, RefreshIn, SignIn, TokensOut
from vitrine_users.tokens.service import Refreshed

bp = ApiBlueprint("tokens", __name__, url_prefix="/api/users/v1")
internal = ApiBlueprint("internal_tokens", __name__, url_prefix="/internal")

MAX_USER_AGENT_CHARS = 300
NO_STORE = {"Cache-Control": "no-store"}
Answer = tuple[TokensOut, int, dict[str, str]]


@bp.operation(
    "POST",
    "/tokens",
    summary="Sign in",
    permission=PUBLIC,
    body=SignIn,
    returns={201: TokensOut},
    problems=(401,),
)
async def sign_in(body: SignIn) -> Answer:
    """Proves an e-mail address and a password; whether the account exists cannot be told from the answer."""
    users, db, address = current_users(), current_database(), client_address()
    proved = await accounts.prove_password(
        db, users.hasher, users.guesses, email=body.email, password=body.password, address=address
    )
    rehashed = await accounts.rehash(users.hasher, proved["password_hash"], body.password)
    async with db.transaction() as session:
        await accounts.note_sign_in(
            session, proved["id"], verified=proved["password_hash"], rehashed=rehashed
        )
        started = await service.start_family(
            session,
            users.refresh,
            proved["id"],
            ttl_s=users.settings.refresh_token_ttl_s,
            user_agent=request.headers.get("User-Agent", "")[:MAX_USER_AGENT_CHARS],
            address=address,
        )
        account = await accounts.get_account_in(session, proved["id"])
    return await _answer(account, started)


@bp.operation(
    "POST",
    "/tokens/refresh",
    summary="Use a refresh token",
    permission=PUBLIC,
    body=RefreshIn,
    returns={201: TokensOut},
    problems=(401,),
)
async def refresh(body: RefreshIn) -> Answer:
    """Brings a new access token and the next refresh token.

    Each refresh token is good once. Using it again within ten seconds brings the same successor, so a lost
    answer does no harm; using it later ends every token of this sign-in, because two must have it.
    """
    users, db = current_users(), current_database()
    token, secret = await service.prove(db, users.refresh, body.refresh_token)
    account = None
    async with db.transaction() as session:
        used = await service.use(
            session, users.refresh, token, secret, grace_s=users.settings.refresh_grace_s
        )
        if used is not None:
            account = await accounts.get_account_in(session, used.account_id)
    if used is None or account is None:
        raise RefreshRefused
    return await _answer(account, used)


@bp.operation(
    "POST",
    "/tokens/revoke",
    summary="Sign out",
    permission=PUBLIC,
    body=RefreshIn,
    returns={204: None},
)
async def revoke(body: RefreshIn) -> None:
    """Ends the sign-in a refresh token belongs to; an invalid token gets the same answer (RFC 7009)."""
    users, db = current_users(), current_database()
    try:
        token, _secret = await service.prove(db, users.refresh, body.refresh_token)
    except RefreshRefused:
        return
    async with db.transaction() as session:
        await service.end_family(session, token.family_id)


@bp.operation("GET", "/jwks.json", summary="The public keys", permission=PUBLIC, returns={200: JwksOut})
async def jwks() -> tuple[dict[str, Any], int, dict[str, str]]:
    """The keys that access tokens are verified with (RFC 7517); ask again when a token names another."""
    return await current_users().keyring.jwks(), 200, {"Cache-Control": "public, max-age=60"}


@internal.operation("GET", "/jwks", summary="The public keys", permission=INTERNAL, returns={200: JwksOut})
async def internal_jwks() -> dict[str, Any]:
    """The same for neighbours, which verify locally."""
    return await current_users().keyring.jwks()


async def _answer(account: RowMapping, started: Refreshed) -> Answer:
    users = current_users()
    access_token = await users.keyring.sign(
        account_id=account["id"],
        session_id=started.family_id,
        name=account["name"],
        roles=account["roles"],
        permissions=account["permissions"],
    )
    answer = TokensOut(
        access_token=access_token,
        expires_in=users.settings.access_token_ttl_s,
        refresh_token=started.token,
        refresh_expires_in=max(0, int((started.expires_at - datetime.now(UTC)).total_seconds())),
    )
    return answer, 201, NO_STORE
