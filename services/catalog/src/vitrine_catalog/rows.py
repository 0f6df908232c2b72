"""Where the rows of a read come from: the autocommit pool, or the transaction of the request that writes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

Rows = Callable[[Executable, Mapping[str, Any]], Awaitable[Sequence[RowMapping]]]
"""Runs one read statement and returns all its rows; `Database.fetch_all` is one."""


def rows_of(session: AsyncSession) -> Rows:
    """Return the reads of an open transaction, which see what it has written so far."""

    async def rows(statement: Executable, params: Mapping[str, Any]) -> Sequence[RowMapping]:
        await session.flush()
        return (await session.execute(statement, params)).mappings().all()

    return rows
