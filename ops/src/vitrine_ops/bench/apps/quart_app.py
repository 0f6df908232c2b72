"""Quart with a session in the view."""

# mypy: ignore-errors
# What it imports is installed in the bench's environment alone, not in the one that is checked.

from __future__ import annotations

from typing import Any

from quart import Quart, abort
from sqlalchemy.ext.asyncio import async_sessionmaker

from vitrine_ops.bench.apps.rows import Item, as_json, make_engine

engine = make_engine()
make_session = async_sessionmaker(engine, expire_on_commit=False)
app = Quart(__name__)


@app.get("/ping")
async def ping() -> dict[str, bool]:
    return {"ok": True}


@app.get("/items/<int:item_id>")
async def item(item_id: int) -> dict[str, Any]:
    async with make_session() as session:
        found = await session.get(Item, item_id)
        if found is None:
            abort(404)
        return as_json(found)
