"""The SQL statement about people's names."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import RowMapping, Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from vitrine_kit.db import Database

from vitrine_users.accounts.models import Account

_NAMES = select(Account.id, Account.name).where(Account.id == func.any(bindparam("ids", type_=ARRAY(Uuid()))))


async def names_of(db: Database, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """Id and name of those of these people that exist, in no particular order."""
    return await db.fetch_all(_NAMES, {"ids": list(ids)})
