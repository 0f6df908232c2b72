"""Every SQL statement about browser sessions, sign-in links, and whether a sign-in is alive."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping, Uuid, bindparam, delete, exists, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id

from vitrine_users.accounts.models import Account
from vitrine_users.accounts.queries import SHOWN
from vitrine_users.sessions.models import BrowserSession, SignInLink
from vitrine_users.tokens.models import RefreshFamily

_SIGN_IN = bindparam("session_id", type_=Uuid())

_IF_ALIVE = select(*SHOWN).where(
    Account.id == bindparam("account_id"),
    or_(
        exists().where(
            BrowserSession.id == _SIGN_IN,
            BrowserSession.account_id == Account.id,
            BrowserSession.expires_at > func.now(),
        ),
        exists().where(
            RefreshFamily.id == _SIGN_IN,
            RefreshFamily.account_id == Account.id,
            RefreshFamily.expires_at > func.now(),
        ),
    ),
)

_BY_SECRET = (
    select(*SHOWN, BrowserSession.id.label("session_id"), BrowserSession.expires_at)
    .join(BrowserSession, BrowserSession.account_id == Account.id)
    .where(BrowserSession.secret_digest == bindparam("digest"), BrowserSession.expires_at > func.now())
)


async def find_account_if_alive(db: Database, account_id: UUID, session_id: UUID) -> RowMapping | None:
    """The account, where this sign-in of it (by browser or by API) has not ended."""
    return await db.fetch_one(_IF_ALIVE, {"account_id": account_id, "session_id": session_id})


async def find_account_by_session(db: Database, digest: bytes) -> RowMapping | None:
    """The account of a living browser session, with `session_id` and `expires_at`."""
    return await db.fetch_one(_BY_SECRET, {"digest": digest})


async def add_session(
    session: AsyncSession,
    account_id: UUID,
    digest: bytes,
    *,
    method: str,
    ttl_s: int,
    user_agent: str,
    address: str,
) -> tuple[UUID, datetime]:
    """Starts a session, and drops those of the account that have ended; returns its id and its end."""
    ended = delete(BrowserSession).where(
        BrowserSession.account_id == account_id, BrowserSession.expires_at <= func.now()
    )
    await session.execute(ended)
    statement = insert(BrowserSession).values(
        id=new_id(),
        account_id=account_id,
        secret_digest=digest,
        method=method,
        expires_at=func.now() + timedelta(seconds=ttl_s),
        user_agent=user_agent,
        address=address,
    )
    row = (await session.execute(statement.returning(BrowserSession.id, BrowserSession.expires_at))).one()
    return row.id, row.expires_at


async def delete_session(session: AsyncSession, digest: bytes) -> RowMapping | None:
    """Ends the session of this secret; returns its id and account, or None where there was none."""
    statement = delete(BrowserSession).where(BrowserSession.secret_digest == digest)
    done = await session.execute(statement.returning(BrowserSession.id, BrowserSession.account_id))
    return done.mappings().one_or_none()


async def delete_sessions_of(session: AsyncSession, account_id: UUID, *, keep: UUID | None = None) -> None:
    """Ends every browser session of the account but one, and its sign-in links."""
    await session.execute(delete(SignInLink).where(SignInLink.account_id == account_id))
    statement = delete(BrowserSession).where(BrowserSession.account_id == account_id)
    await session.execute(statement if keep is None else statement.where(BrowserSession.id != keep))


async def add_link(session: AsyncSession, account_id: UUID, digest: bytes, *, ttl_s: int) -> datetime:
    """Stores a sign-in link in place of any older one of the account; returns when it ends."""
    await session.execute(delete(SignInLink).where(SignInLink.account_id == account_id))
    statement = insert(SignInLink).values(
        id=new_id(),
        account_id=account_id,
        secret_digest=digest,
        expires_at=func.now() + timedelta(seconds=ttl_s),
    )
    return (await session.execute(statement.returning(SignInLink.expires_at))).scalar_one()


async def use_link(session: AsyncSession, digest: bytes) -> UUID | None:
    """Uses up a link: whose it was, None where it is unknown, used or too old. Of many at once, one wins."""
    statement = (
        delete(SignInLink)
        .where(SignInLink.secret_digest == digest, SignInLink.expires_at > func.now())
        .returning(SignInLink.account_id)
    )
    return (await session.execute(statement)).scalar_one_or_none()
