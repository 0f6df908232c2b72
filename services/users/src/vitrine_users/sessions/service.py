"""The rules about browser sessions: how they begin, whom they speak for, and what ends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.logs import get_logger

from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.standing import require_not_suspended
from vitrine_users.applications import queries as applications
from vitrine_users.audit.log import record
from vitrine_users.secrets import digest_of, new_opaque
from vitrine_users.sessions import queries
from vitrine_users.sessions.errors import LinkUsedUp, SessionEnded
from vitrine_users.sessions.models import AAL2_LIFE_S
from vitrine_users.tokens import queries as tokens

log = get_logger(__name__)

Method = Literal["password", "passkey", "provider", "link", "operator"]


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that has just begun; the secret is shown this once."""

    session_id: UUID
    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """A sign-in link's secret, shown this once, and when it ends."""

    secret: str
    expires_at: datetime


async def begin(
    session: AsyncSession,
    account: Mapping[Any, Any],
    *,
    method: Method,
    ttl_s: int,
    user_agent: str,
    address: str,
    assurance: int = 1,
) -> Begun:
    """A new session of the account; its secret is new too, so that none can be planted beforehand.

    `account` is its row, read in this transaction.

    One that was proved with two factors (`assurance` 2) ends within a day, whatever `ttl_s` says.

    Raises:
        AccountSuspended: staff has barred the account.
    """
    require_not_suspended(account)
    account_id, secret = account["id"], new_opaque()
    session_id, expires_at = await queries.add_session(
        session,
        account_id,
        digest_of(secret),
        method=method,
        assurance=assurance,
        ttl_s=min(ttl_s, AAL2_LIFE_S) if assurance == 2 else ttl_s,
        user_agent=user_agent,
        address=address,
    )
    await record(
        session,
        action="session.begun",
        actor_id=None if method == "operator" else account_id,
        subject_id=account_id,
        details={"session_id": session_id, "by": method, "assurance": assurance},
        address=address,
    )
    log.info("signed_in", account_id=account_id, session_id=session_id, by=method, assurance=assurance)
    return Begun(session_id, secret, expires_at)


async def renew(
    session: AsyncSession,
    secret: str,
    *,
    method: str,
    assurance: int,
    proved_now: bool = True,
    restart: bool = False,
) -> Begun:
    """The same session under another id and secret; the old ones are worth nothing from now on (ASVS 7.2.4).

    `restart` gives a session of two factors, all proved anew, another day.

    Raises:
        SessionEnded: it is unknown or has ended.
    """
    new_secret = new_opaque()
    row = await queries.renew_session(
        session,
        digest_of(secret),
        new_digest=digest_of(new_secret),
        method=method,
        assurance=assurance,
        proved_now=proved_now,
        ttl_s=AAL2_LIFE_S if restart and assurance == 2 else None,
    )
    if row is None:
        raise SessionEnded
    log.info("session_renewed", account_id=row["account_id"], session_id=row["id"], assurance=assurance)
    return Begun(row["id"], new_secret, row["expires_at"])


async def end(session: AsyncSession, secret: str, *, address: str | None = None) -> None:
    """Ends the session of this secret; one that is unknown has ended already."""
    ended = await queries.delete_session(session, digest_of(secret))
    if ended is not None:
        await record(
            session,
            action="session.ended",
            actor_id=ended["impersonated_by"] or ended["account_id"],
            subject_id=ended["account_id"],
            details={"session_id": ended["id"], "by": "browser"},
            address=address,
        )
        log.info("signed_out", account_id=ended["account_id"], session_id=ended["id"], by="browser")


async def end_others(
    session: AsyncSession,
    account_id: UUID,
    keep: UUID | None,
    *,
    actor_id: UUID | None = None,
    address: str | None = None,
) -> None:
    """Ends every sign-in of the account, by browser, by API and to applications, but the one with the id `keep`.

    `actor_id` is who does it, where that is not the account's owner.
    """
    await queries.delete_sessions_of(session, account_id, keep=keep)
    await tokens.delete_families_of(session, account_id, keep=keep)
    await applications.delete_grants_of(session, account_id)
    await record(
        session,
        action="session.others_ended",
        actor_id=actor_id or account_id,
        subject_id=account_id,
        details={"kept": keep},
        address=address,
    )
    log.info("other_sessions_ended", account_id=account_id, session_id=keep)


async def make_link(session: AsyncSession, account_id: UUID, *, ttl_s: int) -> Link:
    """A link that signs the account in once; an older one of the account is worth nothing from now on."""
    secret = new_opaque()
    expires_at = await queries.add_link(session, account_id, digest_of(secret), ttl_s=ttl_s)
    await record(
        session,
        action="session.link_made",
        actor_id=None,
        subject_id=account_id,
        details={"expires_at": expires_at},
        address=None,
    )
    log.info("sign_in_link_made", account_id=account_id)
    return Link(secret, expires_at)


async def redeem_link(session: AsyncSession, secret: str) -> RowMapping:
    """Uses up a link; the account it signs in.

    Raises:
        LinkUsedUp: it is unknown, used, or too old.
    """
    account_id = await queries.use_link(session, digest_of(secret))
    if account_id is None:
        raise LinkUsedUp
    return await accounts.note_proved_sign_in(session, account_id)
