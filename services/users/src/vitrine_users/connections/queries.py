"""Every SQL statement about connections and visits to providers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id

from vitrine_users.accounts.models import Account
from vitrine_users.connections.models import Connection, ProviderVisit
from vitrine_users.passkeys.models import Passkey

_SHOWN = (Connection.id, Connection.issuer, Connection.label, Connection.created_at, Connection.last_used_at)


async def list_connections(db: Database, account_id: UUID) -> Sequence[RowMapping]:
    """The account's connections, oldest first; a handful."""
    return await db.fetch_all(
        select(*_SHOWN).where(Connection.account_id == account_id).order_by(Connection.id)
    )


async def find_owner(db: Database, issuer: str, subject: str) -> UUID | None:
    """Whose account this identity signs in to."""
    found: UUID | None = await db.fetch_value(
        select(Connection.account_id).where(Connection.issuer == issuer, Connection.subject == subject)
    )
    return found


async def add_connection(
    session: AsyncSession, account_id: UUID, *, issuer: str, subject: str, label: str
) -> bool:
    """Connects an identity; False where it is connected already, to whomever. Of many at once, one wins."""
    statement = (
        postgresql.insert(Connection)
        .values(id=new_id(), account_id=account_id, issuer=issuer, subject=subject, label=label)
        .on_conflict_do_nothing(index_elements=[Connection.issuer, Connection.subject])
        .returning(Connection.id)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def note_use(session: AsyncSession, account_id: UUID, issuer: str, subject: str) -> bool:
    """Notes a sign-in by a connection; False where the account no longer has it."""
    statement = (
        update(Connection)
        .where(
            Connection.issuer == issuer, Connection.subject == subject, Connection.account_id == account_id
        )
        .values(last_used_at=func.now())
        .returning(Connection.id)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def delete_connection(
    session: AsyncSession, account_id: UUID, connection_id: UUID
) -> RowMapping | None:
    """Takes a connection from the account; None where it has none such."""
    statement = delete(Connection).where(Connection.id == connection_id, Connection.account_id == account_id)
    return (await session.execute(statement.returning(*_SHOWN))).mappings().one_or_none()


async def has_way_in(session: AsyncSession, account_id: UUID, issuers: Collection[str]) -> bool:
    """Whether somebody can sign in to the account: by password, by passkey, or with one of these issuers."""
    password = select(Account.id).where(Account.id == account_id, Account.password_hash.is_not(None))
    passkey = select(Passkey.account_id).where(Passkey.account_id == account_id)
    connection = select(Connection.account_id).where(
        Connection.account_id == account_id, Connection.issuer.in_(list(issuers))
    )
    statement = select(password.exists() | passkey.exists() | connection.exists())
    return bool((await session.execute(statement)).scalar_one())


async def add_visit(
    session: AsyncSession,
    visit_id: UUID,
    *,
    state_digest: bytes,
    browser_digest: bytes,
    provider: str,
    purpose: str,
    account_id: UUID | None,
    sealed: bytes,
    target: str,
    ttl_s: int,
) -> None:
    """Stores a visit that ends after `ttl_s` seconds."""
    statement = insert(ProviderVisit).values(
        id=visit_id,
        state_digest=state_digest,
        browser_digest=browser_digest,
        provider=provider,
        purpose=purpose,
        account_id=account_id,
        sealed=sealed,
        target=target,
        expires_at=func.now() + timedelta(seconds=ttl_s),
    )
    await session.execute(statement)


async def use_visit(
    session: AsyncSession, *, state_digest: bytes, browser_digest: bytes, provider: str
) -> RowMapping | None:
    """Ends the visit of this state, browser and provider; None where there is none. Of many at once, one wins."""
    statement = (
        delete(ProviderVisit)
        .where(
            ProviderVisit.state_digest == state_digest,
            ProviderVisit.browser_digest == browser_digest,
            ProviderVisit.provider == provider,
            ProviderVisit.expires_at > func.now(),
        )
        .returning(
            ProviderVisit.id,
            ProviderVisit.purpose,
            ProviderVisit.account_id,
            ProviderVisit.sealed,
            ProviderVisit.target,
            ProviderVisit.created_at,
        )
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def purge_visits(session: AsyncSession) -> None:
    """Drops visits that nobody came back from."""
    await session.execute(delete(ProviderVisit).where(ProviderVisit.expires_at <= func.now()))
