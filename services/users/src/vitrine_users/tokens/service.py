"""The rules about refresh tokens: good once; used twice, they all end; a lost answer may be had again."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id
from vitrine_kit.logs import get_logger

from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.service import Proved
from vitrine_users.accounts.standing import require_not_suspended
from vitrine_users.audit.log import entry_values, record
from vitrine_users.sessions.models import AAL2_LIFE_S
from vitrine_users.tokens import at_once, queries
from vitrine_users.tokens.errors import RefreshRefused
from vitrine_users.tokens.refresh import SECRET_BYTES, ReadToken, RefreshTokens, read_token

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A sign-in by API, with the refresh token that is good now."""

    family_id: UUID
    account_id: UUID
    token: str
    expires_at: datetime
    authenticated_at: datetime
    assurance: int


async def start_family(
    session: AsyncSession,
    refresh: RefreshTokens,
    account: Mapping[Any, Any],
    *,
    ttl_s: int,
    user_agent: str,
    address: str,
    method: str = "password",
    assurance: int = 1,
) -> Refreshed:
    """A new sign-in by API, with its first refresh token; proved with two factors it ends within a day.

    `account` is its row, read in this transaction.

    Raises:
        AccountSuspended: staff has barred the account.
    """
    require_not_suspended(account)
    account_id, family_id, secret = account["id"], new_id(), secrets.token_bytes(SECRET_BYTES)
    row = await queries.add_family(
        session,
        family_id,
        account_id,
        secret,
        method=method,
        assurance=assurance,
        ttl_s=min(ttl_s, AAL2_LIFE_S) if assurance == 2 else ttl_s,
        user_agent=user_agent,
        address=address,
    )
    await record(
        session,
        action="session.begun",
        actor_id=account_id,
        subject_id=account_id,
        details={"session_id": family_id, "by": method, "assurance": assurance, "api": True},
        address=address,
    )
    log.info("signed_in", account_id=account_id, session_id=family_id, by="api", assurance=assurance)
    return Refreshed(
        family_id,
        account_id,
        refresh.token(family_id, secret, 0),
        row["expires_at"],
        row["authenticated_at"],
        assurance,
    )


async def sign_in(
    db: Database,
    refresh: RefreshTokens,
    proved: Proved,
    *,
    rehashed: str | None,
    ttl_s: int,
    user_agent: str,
    address: str,
) -> tuple[RowMapping, Refreshed]:
    """The account and its new sign-in by API, after a password that was the one proof it takes.

    Raises:
        WrongCredentials: the password was changed, or the account erased, since it was verified.
        AccountSuspended: staff has barred the account.
    """
    family_id, secret = new_id(), secrets.token_bytes(SECRET_BYTES)
    method, assurance = "password", 1
    entry = entry_values(
        action="session.begun",
        actor_id=proved.account_id,
        subject_id=proved.account_id,
        details={"session_id": family_id, "by": method, "assurance": assurance, "api": True},
        address=address,
    )
    values = {
        "account_id": proved.account_id,
        "verified": proved.verified,
        "kept": rehashed or proved.verified,
        "forgotten": list(proved.tries),
        "family_id": family_id,
        "secret": secret,
        "method": method,
        "assurance": assurance,
        "ttl_s": float(ttl_s),
        "user_agent": user_agent,
        "address": address,
        **entry,
    }
    account = await at_once.sign_in(db, values)
    if account is None:
        await accounts.refuse_sign_in(db, proved.account_id)
    log.info("signed_in", account_id=account["id"], session_id=family_id, by="api", assurance=assurance)
    token = refresh.token(family_id, secret, 0)
    ends, began = account["family_expires_at"], account["authenticated_at"]
    return account, Refreshed(family_id, account["id"], token, ends, began, assurance)


async def prove(db: Database, refresh: RefreshTokens, text: str) -> tuple[ReadToken, bytes]:
    """A refresh token made here for a living family, whatever its generation, and the family's secret.

    Raises:
        RefreshRefused: it is none.
    """
    token = read_token(text)
    secret = await queries.find_family_secret(db, token.family_id) if token is not None else None
    if token is None or secret is None or not refresh.proves(token, secret):
        raise RefreshRefused
    return token, secret


async def use(
    session: AsyncSession,
    refresh: RefreshTokens,
    token: ReadToken,
    secret: bytes,
    *,
    grace_s: int,
    address: str | None = None,
) -> Refreshed | None:
    """Uses up a proved token for its successor; None where it was used before, which now ended the family.

    Within `grace_s` seconds of its use the same token gets the same successor again: a lost answer, or a
    second tab (RFC 9700, section 4.14). The caller commits in both cases.
    """
    row = await queries.rotate(session, token.family_id, token.generation)
    if row is None:
        row = await queries.find_recent_use(session, token.family_id, token.generation, grace_s=grace_s)
    if row is None:
        account_id = await queries.delete_family(session, token.family_id)
        await record(
            session,
            action="session.refresh_reused",
            actor_id=None,
            subject_id=account_id,
            outcome="refused",
            details={"session_id": token.family_id, "generation": token.generation},
            address=address,
        )
        log.warning("refresh_token_reused", account_id=account_id, session_id=token.family_id)
        return None
    await record(
        session,
        action="session.refreshed",
        actor_id=row["account_id"],
        subject_id=row["account_id"],
        details={"session_id": token.family_id, "generation": token.generation},
        address=address,
    )
    successor = refresh.token(token.family_id, secret, token.generation + 1)
    return Refreshed(
        token.family_id,
        row["account_id"],
        successor,
        row["expires_at"],
        row["authenticated_at"],
        row["assurance"],
    )


async def end_family(session: AsyncSession, family_id: UUID, *, address: str | None = None) -> None:
    """Ends a sign-in by API: its refresh token, and here its access tokens, are worth nothing any more."""
    account_id = await queries.delete_family(session, family_id)
    if account_id is None:
        return
    await record(
        session,
        action="session.ended",
        actor_id=account_id,
        subject_id=account_id,
        details={"session_id": family_id, "by": "api"},
        address=address,
    )
    log.info("signed_out", account_id=account_id, session_id=family_id, by="api")
