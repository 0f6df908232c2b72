"""Every SQL statement about sign-ins of both kinds together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    RowMapping,
    Select,
    Uuid,
    bindparam,
    cast,
    delete,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database

from vitrine_users.sessions.models import BrowserSession
from vitrine_users.tokens.models import RefreshFamily

MAX_SHOWN = 200

_BY_BROWSER: Select[*tuple[Any, ...]] = select(
    BrowserSession.id,
    literal("browser").label("kind"),
    BrowserSession.method,
    BrowserSession.assurance,
    BrowserSession.created_at,
    BrowserSession.seen_at,
    BrowserSession.expires_at,
    BrowserSession.user_agent,
    BrowserSession.address,
    BrowserSession.impersonated_by,
).where(BrowserSession.account_id == bindparam("account_id"), BrowserSession.expires_at > func.now())

_BY_API: Select[*tuple[Any, ...]] = select(
    RefreshFamily.id,
    literal("api"),
    RefreshFamily.method,
    RefreshFamily.assurance,
    RefreshFamily.created_at,
    func.coalesce(RefreshFamily.rotated_at[1], RefreshFamily.created_at),
    RefreshFamily.expires_at,
    RefreshFamily.user_agent,
    RefreshFamily.address,
    cast(null(), Uuid()),
).where(RefreshFamily.account_id == bindparam("account_id"), RefreshFamily.expires_at > func.now())

_OF_ACCOUNT = union_all(_BY_BROWSER, _BY_API).order_by("seen_at").limit(MAX_SHOWN)


async def list_sign_ins(db: Database, account_id: UUID) -> Sequence[RowMapping]:
    """At most 200 living sign-ins of the account, the one unused the longest first."""
    return await db.fetch_all(_OF_ACCOUNT, {"account_id": account_id})


async def delete_sign_in(session: AsyncSession, account_id: UUID, sign_in_id: UUID) -> bool:
    """Ends one sign-in of the account; False where it has none such."""
    for table in (BrowserSession, RefreshFamily):
        statement = delete(table).where(table.id == sign_in_id, table.account_id == account_id)
        if (await session.execute(statement.returning(table.id))).scalar_one_or_none() is not None:
            return True
    return False


async def purge_sessions(session: AsyncSession) -> int:
    """Deletes browser sessions that have ended; returns how many."""
    statement = delete(BrowserSession).where(BrowserSession.expires_at <= func.now())
    return len((await session.execute(statement.returning(BrowserSession.id))).all())
