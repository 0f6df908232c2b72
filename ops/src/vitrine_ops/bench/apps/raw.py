"""The limit: an ASGI app without any framework, over asyncpg's own pool."""

from __future__ import annotations

from typing import Any

import asyncpg
import orjson

from vitrine_ops.bench.apps.rows import POOL_SIZE, database_url

ONE = (
    "select id, slug, title, description, vendor, price_minor, currency, on_hand, tags"
    " from bench.items where id = $1"
)


class Raw:
    """Answers `/ping` and `/items/<id>`."""

    def __init__(self) -> None:
        self.pool: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path: str = scope["path"]
        if path == "/ping":
            body = orjson.dumps({"ok": True})
        else:
            body = orjson.dumps(dict(await self.pool.fetchrow(ONE, int(path.rpartition("/")[2]))))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Any, send: Any) -> None:
        async def prepare(connection: Any) -> None:
            await connection.set_type_codec(
                "jsonb",
                schema="pg_catalog",
                encoder=lambda value: orjson.dumps(value).decode(),
                decoder=orjson.loads,
            )

        await receive()
        self.pool = await asyncpg.create_pool(database_url(), min_size=1, max_size=POOL_SIZE, init=prepare)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.pool.close()
        await send({"type": "lifespan.shutdown.complete"})


app = Raw()
