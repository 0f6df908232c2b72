"""FastAPI with a session per request from a dependency, and a response model."""

# mypy: ignore-errors
# What it imports is installed in the bench's environment alone, not in the one that is checked.

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from vitrine_ops.bench.apps.rows import Item, make_engine

engine = make_engine()
make_session = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


class ItemOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    slug: str
    title: str
    description: str
    vendor: str
    price_minor: int
    currency: str
    on_hand: int
    tags: list[str]


async def get_session() -> AsyncIterator[AsyncSession]:
    async with make_session() as session:
        yield session


@app.get("/ping")
async def ping() -> dict[str, bool]:
    return {"ok": True}


@app.get("/items/{item_id}", response_model=ItemOut)
async def item(item_id: int, session: Annotated[AsyncSession, Depends(get_session)]) -> Item:
    found = await session.get(Item, item_id)
    if found is None:
        raise HTTPException(404)
    return found
