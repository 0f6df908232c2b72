"""Litestar with a session per request from a dependency."""

# mypy: ignore-errors
# What it imports is installed in the bench's environment alone, not in the one that is checked.

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar, get
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from vitrine_ops.bench.apps.rows import Item, as_json, make_engine

engine = make_engine()
make_session = async_sessionmaker(engine, expire_on_commit=False)


async def provide_session() -> AsyncIterator[AsyncSession]:
    async with make_session() as session:
        yield session


@get("/ping")
async def ping() -> dict[str, bool]:
    return {"ok": True}


@get("/items/{item_id:int}")
async def item(item_id: int, session: AsyncSession) -> dict[str, Any]:
    found = await session.get(Item, item_id)
    if found is None:
        raise NotFoundException
    return as_json(found)


app = Litestar([ping, item], dependencies={"session": Provide(provide_session)}, openapi_config=None)
