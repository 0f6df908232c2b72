"""Signing in by API, refreshing, signing out, and the public keys, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import request
from vitrine_kit.auth import INTERNAL, PUBLIC
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.accounts import service as accounts
from vitrine_users.challenges.service import HEADER
from vitrine_users.factors import signin
from vitrine_users.factors.errors import FactorRequired
from vitrine_users.factors.requirement import as_proved
from vitrine_users.state import current_users
from vitrine_users.tokens import service
from vitrine_users.tokens.errors import RefreshRefused
from vitrine_users.tokens.schemas import JwksOut, RefreshIn, SignIn, SignInProblem, TokensOut
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
    problems=(401, 403, 429),
    problems_as=SignInProblem,
    headers=(HEADER,),
)
async def sign_in(body: SignIn) -> Answer:
    """Proves an e-mail address and a password; whether the account exists cannot be told from the answer.

    While many tries fail, here or everywhere, the problem `challenge-required` comes first. An account with a second
    factor gets the problem `factor-required`, whose `challenge` goes with the second proof to POST /tokens/factors.
    """
    users, db, address = current_users(), current_database(), client_address()
    await users.challenges.require("sign-in", address, request.headers.get(HEADER))
    proved = await accounts.prove_password(
        db,
        users.hasher,
        users.guesses,
        users.pressure,
        email=body.email,
        password=body.password,
        address=address,
    )
    rehashed = await accounts.rehash(users.hasher, proved.verified, body.password)
    methods = None
    if proved.has_factor:
        methods = await signin.methods_wanted(db, proved.account_id, "password", None, users.settings)
    if methods is not None:
        await users.guesses.forget(proved.tries)
        async with db.transaction() as session:
            await accounts.keep_rehashed(session, proved, rehashed=rehashed)
            pending = await signin.begin_pending(
                session, proved.account_id, channel="api", proved="password", methods=methods
            )
        raise FactorRequired(pending.challenge, pending.methods, pending.expires_in)
    account, started = await service.sign_in(
        db,
        users.refresh,
        proved,
        rehashed=rehashed,
        ttl_s=users.settings.refresh_token_ttl_s,
        user_agent=request.headers.get("User-Agent", "")[:MAX_USER_AGENT_CHARS],
        address=address,
    )
    return await answer_tokens(account, started)


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
            session,
            users.refresh,
            token,
            secret,
            grace_s=users.settings.refresh_grace_s,
            address=client_address(),
        )
        if used is not None:
            account = await accounts.get_account_in(session, used.account_id)
    if used is None or account is None:
        raise RefreshRefused
    return await answer_tokens(account, used)


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
        await service.end_family(session, token.family_id, address=client_address())


@bp.operation("GET", "/jwks.json", summary="The public keys", permission=PUBLIC, returns={200: JwksOut})
async def jwks() -> tuple[dict[str, Any], int, dict[str, str]]:
    """The keys that access tokens are verified with (RFC 7517); ask again when a token names another."""
    return await current_users().keyring.jwks(), 200, {"Cache-Control": "public, max-age=60"}


@internal.operation("GET", "/jwks", summary="The public keys", permission=INTERNAL, returns={200: JwksOut})
async def internal_jwks() -> dict[str, Any]:
    """The same for neighbours, which verify locally."""
    return await current_users().keyring.jwks()


async def answer_tokens(row: Mapping[Any, Any], started: Refreshed) -> Answer:
    """The tokens of a sign-in by API that has begun or goes on."""
    users = current_users()
    account = as_proved(row, started.assurance, users.settings)
    access_token = await users.keyring.sign(
        account_id=account["id"],
        session_id=started.family_id,
        name=account["name"],
        roles=account["roles"],
        permissions=account["permissions"],
        authenticated_at=started.authenticated_at,
        assurance=started.assurance,
    )
    answer = TokensOut(
        access_token=access_token,
        expires_in=users.settings.access_token_ttl_s,
        refresh_token=started.token,
        refresh_expires_in=max(0, int((started.expires_at - datetime.now(UTC)).total_seconds())),
    )
    return answer, 201, NO_STORE
