"""Vitrine's way: an ordinary Flask app on the bridge, reading with the kit's Database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from flask import Flask, abort, render_template
from pydantic import SecretStr
from sqlalchemy import bindparam, select
from vitrine_kit.asgi import Bridge, bridge_lifespan
from vitrine_kit.db import Database
from vitrine_kit.settings import ServiceSettings

from vitrine_ops.bench.apps.neighbour import IDS, connect
from vitrine_ops.bench.apps.rows import POOL_SIZE, Base, Item, database_url

ONE = select(*Item.__table__.c).where(Item.id == bindparam("id"))
PAGE = select(*Item.__table__.c).order_by(Item.id).limit(24)
TEMPLATE = """<!doctype html><html lang="en"><head><title>Products</title></head><body><ul>
{% for item in items %}<li><a href="/products/{{ item.slug }}">{{ item.title }}</a> {{ item.vendor }}
<span>{{ "%.2f"|format(item.price_minor / 100) }} {{ item.currency }}</span><p>{{ item.description }}</p>
{% for tag in item.tags %}<em>{{ tag }}</em>{% endfor %}</li>
{% endfor %}</ul></body></html>"""

settings = ServiceSettings(
    secret_key=SecretStr("of no use: the bench signs nothing at all"),
    database_url=SecretStr(database_url()),
    pool_read_size=POOL_SIZE,
    pool_wait_s=10,
)
database = Database(settings, Base.metadata)
app = Flask(__name__)
LIST = app.jinja_env.from_string(TEMPLATE)
clients: dict[str, httpx.AsyncClient] = {}


@asynccontextmanager
async def lifespan(_: Flask) -> AsyncIterator[None]:
    async with connect("aiohttp") as by_aiohttp, connect("httpx") as by_httpx:
        clients.update(aiohttp=by_aiohttp, httpx=by_httpx)
        yield
    await database.dispose()


bridge_lifespan(app).append(lifespan)


@app.get("/ping")
async def ping() -> dict[str, bool]:
    return {"ok": True}


@app.get("/items/<int:item_id>")
async def item(item_id: int) -> dict[str, Any]:
    row = await database.fetch_one(ONE, {"id": item_id})
    if row is None:
        abort(404)
    return dict(row)


@app.get("/products")
async def products() -> tuple[str, dict[str, str]]:
    rows = await database.fetch_all(PAGE)
    return render_template(LIST, items=rows), {"Cache-Control": "public, max-age=1"}


@app.get("/people/<transport>")
async def people(transport: str) -> dict[str, Any]:
    answer = await clients[transport].post("/internal/people", json={"ids": IDS})
    return {"people": len(answer.json()["people"])}


asgi = Bridge(app)
