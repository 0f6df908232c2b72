"""The rules about browser sessions: how they begin, whom they speak for, and what ends them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.logs import get_logger

from vitrine_users.accounts import queries as accounts
from vitrine_users.secrets import digest_of, new_opaque
from vitrine_users.sessions import queries
from vitrine_users.sessions.errors import LinkUsedUp
from vitrine_users.tokens import queries as tokens

log = get_logger(__name__)

Method = Literal["password", "link", "operator"]


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
    session: AsyncSession, account_id: UUID, *, method: Method, ttl_s: int, user_agent: str, address: str
) -> Begun:
    """A new session of the account; its secret is new too, so that none can be planted beforehand."""
    secret = new_opaque()
    session_id, expires_at = await queries.add_session(
        session,
        account_id,
        digest_of(secret),
        method=method,
        ttl_s=ttl_s,
        user_agent=user_agent,
        address=address,
    )
    log.info("signed_in", account_id=account_id, session_id=session_id, by=method)
    return Begun(session_id, secret, expires_at)


async def end(session: AsyncSession, secret: str) -> None:
    """Ends the session of this secret; one that is unknown has ended already."""
    ended = await queries.delete_session(session, digest_of(secret))
    if ended is not None:
        log.info("signed_out", account_id=ended["account_id"], session_id=ended["id"], by="browser")


async def end_others(session: AsyncSession, account_id: UUID, keep: UUID) -> None:
    """Ends every sign-in of the account, by browser and by API, but the one with the id `keep`."""
    await queries.delete_sessions_of(session, account_id, keep=keep)
    await tokens.delete_families_of(session, account_id, keep=keep)
    log.info("other_sessions_ended", account_id=account_id, session_id=keep)


async def make_link(session: AsyncSession, account_id: UUID, *, ttl_s: int) -> Link:
    """A link that signs the account in once; an older one of the account is worth nothing from now on."""
    secret = new_opaque()
    expires_at = await queries.add_link(session, account_id, digest_of(secret), ttl_s=ttl_s)
    log.info("sign_in_link_made", account_id=account_id)
    return Link(secret, expires_at)


async def redeem_link(session: AsyncSession, secret: str) -> UUID:
    """Uses up a link; returns the account it signs in.

    Raises:
        LinkUsedUp: it is unknown, used, or too old.
    """
    account_id = await queries.use_link(session, digest_of(secret))
    if account_id is None:
        raise LinkUsedUp
    await accounts.record_link_sign_in(session, account_id)
    return account_id
