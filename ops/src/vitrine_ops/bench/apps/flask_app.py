"""Flask with async views as its documentation has it: behind WsgiToAsgi, or on gunicorn's threads."""

# mypy: ignore-errors
# What it imports is installed in the bench's environment alone, not in the one that is checked.

from __future__ import annotations

import os
from typing import Any

from asgiref.wsgi import WsgiToAsgi
from flask import Flask, abort
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from vitrine_ops.bench.apps.rows import Item, as_json, database_url, make_engine

if os.environ.get("BENCH_LOOP_PER_REQUEST"):
    # Each request has a loop of its own there, and no pooled connection may pass from one loop to another.
    url = database_url().replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, poolclass=NullPool)
else:
    engine = make_engine()
make_session = async_sessionmaker(engine, expire_on_commit=False)
wsgi = Flask(__name__)


@wsgi.get("/ping")
async def ping() -> dict[str, bool]:
    return {"ok": True}


@wsgi.get("/items/<int:item_id>")
async def item(item_id: int) -> dict[str, Any]:
    async with make_session() as session:
        found = await session.get(Item, item_id)
        if found is None:
            abort(404)
        return as_json(found)


asgi = WsgiToAsgi(wsgi)
