"""What the tests of jobs do with one: queue it, work on it in this process, and wait for its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from flask import Flask
from sqlalchemy import text
from vitrine_kit import jobs
from vitrine_kit.db import Database
from waiting import until


async def queued(
    database: Database, name: str, payload: dict[str, Any] | None = None, **options: Any
) -> int | None:
    async with database.transaction() as session:
        return await jobs.enqueue(session, name, payload, **options)


async def statuses(database: Database) -> list[str]:
    rows = await database.fetch_all(text("SELECT status::text FROM ledger.pgqueuer ORDER BY id"))
    return [row["status"] for row in rows]


@asynccontextmanager
async def working(app: Flask, **options: Any) -> AsyncIterator[jobs.Worker]:
    worker = jobs.Worker(app, **{"poll_s": 0.1, "drain_s": 1.0, "heartbeat_s": 5.0, **options})
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop.set()
        async with asyncio.timeout(10):
            assert await task == 0


async def until_empty(database: Database) -> None:
    async def empty() -> bool:
        return not await statuses(database)

    await until(empty)
