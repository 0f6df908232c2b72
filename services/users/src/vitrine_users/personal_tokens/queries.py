"""Every SQL statement about personal access tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id

from vitrine_users.accounts.models import Account
from vitrine_users.accounts.standing import MAY_ACT
from vitrine_users.personal_tokens.models import PersonalAccessToken
from vitrine_users.roles.queries import permission_names_of

USED_EVERY_S = 60
"""How often at most the time of a token's last use is written."""

SHOWN = (
    PersonalAccessToken.id,
    PersonalAccessToken.name,
    PersonalAccessToken.scopes,
    PersonalAccessToken.created_at,
    PersonalAccessToken.expires_at,
    PersonalAccessToken.last_used_at,
    PersonalAccessToken.last_address,
)
"""What a token shows of itself."""

LIVES = PersonalAccessToken.expires_at > func.now()

_BY_DIGEST = (
    select(
        PersonalAccessToken.id,
        PersonalAccessToken.account_id,
        PersonalAccessToken.scopes,
        PersonalAccessToken.expires_at,
        func.coalesce(
            PersonalAccessToken.last_used_at < func.now() - timedelta(seconds=USED_EVERY_S), True
        ).label("long_unused"),
        Account.name,
        permission_names_of(Account.id).label("permissions"),
    )
    .join(Account, Account.id == PersonalAccessToken.account_id)
    .where(PersonalAccessToken.digest == bindparam("digest"), LIVES, *MAY_ACT)
)

_USED = (
    update(PersonalAccessToken)
    .where(
        PersonalAccessToken.id == bindparam("token_id"),
        or_(
            PersonalAccessToken.last_used_at.is_(None),
            PersonalAccessToken.last_used_at < func.now() - timedelta(seconds=USED_EVERY_S),
        ),
    )
    .values(last_used_at=func.now(), last_address=bindparam("address"))
)


async def find_token(db: Database, digest: bytes) -> RowMapping | None:
    """A living token of this digest, with its owner's name and present rights, and whether it lay `long_unused`."""
    return await db.fetch_one(_BY_DIGEST, {"digest": digest})


async def note_use(db: Database, token_id: UUID, address: str) -> None:
    """Writes when and from where the token was used; of many at once, one does."""
    async with db.read_connection() as connection:
        await connection.execute(_USED, {"token_id": token_id, "address": address[:64]})


async def list_tokens(db: Database, account_id: UUID) -> Sequence[RowMapping]:
    """The account's living tokens, newest first."""
    statement = select(*SHOWN).where(PersonalAccessToken.account_id == account_id, LIVES)
    return await db.fetch_all(statement.order_by(PersonalAccessToken.id.desc()))


async def count_tokens(session: AsyncSession, account_id: UUID) -> int:
    """How many living tokens the account has."""
    statement = select(func.count()).where(PersonalAccessToken.account_id == account_id, LIVES)
    return (await session.execute(statement)).scalar_one()


async def add_token(
    session: AsyncSession,
    account_id: UUID,
    digest: bytes,
    *,
    name: str,
    scopes: Sequence[str],
    life: timedelta,
) -> RowMapping:
    """Stores a token."""
    values: dict[str, Any] = {"id": new_id(), "account_id": account_id, "digest": digest, "name": name}
    statement = insert(PersonalAccessToken).values(
        **values, scopes=list(scopes), expires_at=func.now() + life
    )
    return (await session.execute(statement.returning(*SHOWN))).mappings().one()


async def delete_token(session: AsyncSession, account_id: UUID, token_id: UUID) -> bool:
    """Withdraws a token of the account; False where it has none such."""
    statement = delete(PersonalAccessToken).where(
        PersonalAccessToken.id == token_id, PersonalAccessToken.account_id == account_id
    )
    done = await session.execute(statement.returning(PersonalAccessToken.id))
    return done.scalar_one_or_none() is not None


async def delete_tokens_of(session: AsyncSession, account_id: UUID) -> int:
    """Withdraws every token of the account; returns how many."""
    statement = delete(PersonalAccessToken).where(PersonalAccessToken.account_id == account_id)
    return len((await session.execute(statement.returning(PersonalAccessToken.id))).all())


async def purge_tokens(session: AsyncSession) -> int:
    """Deletes tokens that have ended; returns how many."""
    statement = delete(PersonalAccessToken).where(PersonalAccessToken.expires_at <= func.now())
    return len((await session.execute(statement.returning(PersonalAccessToken.id))).all())
