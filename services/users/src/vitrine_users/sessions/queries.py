"""Every SQL statement about browser sessions, sign-in links, and whether a sign-in is alive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    RowMapping,
    Uuid,
    and_,
    bindparam,
    case,
    column,
    delete,
    func,
    insert,
    lambda_stmt,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id

from vitrine_users.accounts.models import Account
from vitrine_users.accounts.queries import SHOWN
from vitrine_users.accounts.standing import MAY_ACT
from vitrine_users.devices.models import RememberedDevice
from vitrine_users.factors.models import PendingSignIn
from vitrine_users.personal_tokens.models import PersonalAccessToken
from vitrine_users.personal_tokens.queries import LIVES as TOKEN_LIVES
from vitrine_users.sessions.models import AAL2_LIFE_S, BrowserSession, SignInLink
from vitrine_users.tokens.models import RefreshFamily
from vitrine_users.tokens.queries import AAL2_IDLE_S, FAMILY_LIVES

_ASKED = (
    func.unnest(
        bindparam("account_ids", type_=postgresql.ARRAY(Uuid())),
        bindparam("session_ids", type_=postgresql.ARRAY(Uuid())),
    )
    .table_valued(column("account_id", Uuid()), column("session_id", Uuid()), name="asked")
    .render_derived()
)
_SIGN_IN = _ASKED.c.session_id

# What was proved with two factors ends when it lies unused for an hour; expires_at holds the rest of rule 27.
_SESSION_LIVES = and_(
    BrowserSession.expires_at > func.now(),
    or_(BrowserSession.assurance < 2, BrowserSession.seen_at > func.now() - timedelta(seconds=AAL2_IDLE_S)),
)

_LONG_UNSEEN = (BrowserSession.seen_at < func.now() - timedelta(minutes=1)).label("long_unseen")

# Asked with nearly every request: as lambdas they are looked up by their code, not by all that they consist of.
_IF_ALIVE = lambda_stmt(
    lambda: (
        select(
            *SHOWN,
            _SIGN_IN.label("session_id"),
            BrowserSession.id.is_not(None).label("by_browser"),
            PersonalAccessToken.id.is_not(None).label("by_token"),
            BrowserSession.impersonated_by,
            func.coalesce(
                BrowserSession.authenticated_at,
                RefreshFamily.authenticated_at,
                PersonalAccessToken.created_at,
            ).label("authenticated_at"),
            func.coalesce(BrowserSession.assurance, RefreshFamily.assurance, 1).label("assurance"),
            func.coalesce(BrowserSession.method, RefreshFamily.method, "token").label("method"),
        )
        .join(_ASKED, _ASKED.c.account_id == Account.id)
        .outerjoin(
            BrowserSession,
            and_(BrowserSession.id == _SIGN_IN, BrowserSession.account_id == Account.id, _SESSION_LIVES),
        )
        .outerjoin(
            RefreshFamily,
            and_(RefreshFamily.id == _SIGN_IN, RefreshFamily.account_id == Account.id, FAMILY_LIVES),
        )
        .outerjoin(
            PersonalAccessToken,
            and_(
                PersonalAccessToken.id == _SIGN_IN, PersonalAccessToken.account_id == Account.id, TOKEN_LIVES
            ),
        )
        .where(
            *MAY_ACT,
            or_(
                BrowserSession.id.is_not(None),
                RefreshFamily.id.is_not(None),
                PersonalAccessToken.id.is_not(None),
            ),
        )
    ),
    track_bound_values=False,
)

_BY_SECRET = lambda_stmt(
    lambda: (
        select(
            *SHOWN,
            BrowserSession.id.label("session_id"),
            BrowserSession.expires_at,
            BrowserSession.authenticated_at,
            BrowserSession.assurance,
            BrowserSession.method,
            BrowserSession.impersonated_by,
            _LONG_UNSEEN,
        )
        .join(BrowserSession, BrowserSession.account_id == Account.id)
        .where(BrowserSession.secret_digest == bindparam("digest"), _SESSION_LIVES, *MAY_ACT)
    ),
    track_bound_values=False,
)

_TOUCH = update(BrowserSession).where(BrowserSession.id == bindparam("sid")).values(seen_at=func.now())


async def find_accounts_if_alive(
    db: Database, asked: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], RowMapping]:
    """The accounts, by account and sign-in, for which this sign-in has not ended, with what it was proved by.

    Beside the account: `by_browser` (else by API, or `by_token`), `impersonated_by`, `authenticated_at`,
    `assurance` and `method`.
    """
    rows = await db.fetch_all(
        _IF_ALIVE,
        {"account_ids": [account for account, _ in asked], "session_ids": [sign_in for _, sign_in in asked]},
    )
    return {(row["id"], row["session_id"]): row for row in rows}


async def find_account_by_session(db: Database, digest: bytes) -> RowMapping | None:
    """The account of a living browser session, with `session_id`, `expires_at` and what it was proved by."""
    return await db.fetch_one(_BY_SECRET, {"digest": digest})


async def touch_session(db: Database, session_id: UUID) -> None:
    """Notes that the session is in use."""
    async with db.read_connection() as connection:
        await connection.execute(_TOUCH, {"sid": session_id})


async def add_session(
    session: AsyncSession,
    account_id: UUID,
    digest: bytes,
    *,
    method: str,
    assurance: int,
    ttl_s: int,
    user_agent: str,
    address: str,
    impersonated_by: UUID | None = None,
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
        assurance=assurance,
        expires_at=func.now() + timedelta(seconds=ttl_s),
        user_agent=user_agent,
        address=address,
        impersonated_by=impersonated_by,
    )
    row = (await session.execute(statement.returning(BrowserSession.id, BrowserSession.expires_at))).one()
    return row.id, row.expires_at


async def renew_session(
    session: AsyncSession,
    digest: bytes,
    *,
    new_digest: bytes,
    method: str,
    assurance: int,
    proved_now: bool,
    ttl_s: int | None,
) -> RowMapping | None:
    """Gives a living session another id and secret; None where it has ended. Of several at once, one wins.

    `proved_now` tells that the person has just proved who they are; `ttl_s` sets the end anew, where given.
    """
    values = {"id": new_id(), "secret_digest": new_digest, "method": method, "assurance": assurance}
    statement = update(BrowserSession).where(BrowserSession.secret_digest == digest, _SESSION_LIVES)
    statement = statement.values(**values, seen_at=func.now())
    if proved_now:
        statement = statement.values(authenticated_at=func.now())
    if ttl_s is not None:
        statement = statement.values(expires_at=func.now() + timedelta(seconds=ttl_s))
    done = await session.execute(
        statement.returning(BrowserSession.id, BrowserSession.account_id, BrowserSession.expires_at)
    )
    return done.mappings().one_or_none()


async def note_password(session: AsyncSession, session_id: UUID) -> None:
    """Notes that whoever holds this sign-in has just given, or chosen, the account's password."""
    for table in (BrowserSession, RefreshFamily):
        begun = case((table.method.in_(("link", "operator")), "password"), else_=table.method)
        statement = update(table).where(table.id == session_id)
        await session.execute(statement.values(authenticated_at=func.now(), method=begun))


async def raise_assurance(session: AsyncSession, session_id: UUID, *, assurance: int) -> None:
    """Notes that this sign-in (by browser or by API) has now been proved twice; it ends within a day."""
    if assurance < 2:
        return
    for table in (BrowserSession, RefreshFamily):
        end = func.least(table.expires_at, func.now() + timedelta(seconds=AAL2_LIFE_S))
        statement = update(table).where(table.id == session_id, table.assurance < 2)
        await session.execute(statement.values(assurance=2, expires_at=end))


async def delete_session(session: AsyncSession, digest: bytes) -> RowMapping | None:
    """Ends the session of this secret; returns its id and account, or None where there was none."""
    statement = delete(BrowserSession).where(BrowserSession.secret_digest == digest)
    done = await session.execute(
        statement.returning(BrowserSession.id, BrowserSession.account_id, BrowserSession.impersonated_by)
    )
    return done.mappings().one_or_none()


async def delete_sessions_of(session: AsyncSession, account_id: UUID, *, keep: UUID | None = None) -> None:
    """Ends every browser session of the account but one, its sign-in links, and sign-ins half done.

    The devices it remembers go too: the next sign-in of each asks for everything again.
    """
    await session.execute(delete(SignInLink).where(SignInLink.account_id == account_id))
    await session.execute(delete(PendingSignIn).where(PendingSignIn.account_id == account_id))
    await session.execute(delete(RememberedDevice).where(RememberedDevice.account_id == account_id))
    statement = delete(BrowserSession).where(BrowserSession.account_id == account_id)
    await session.execute(statement if keep is None else statement.where(BrowserSession.id != keep))


async def delete_sign_in_links_of(session: AsyncSession, account_id: UUID) -> None:
    """Makes the account's sign-in links worthless."""
    await session.execute(delete(SignInLink).where(SignInLink.account_id == account_id))


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
