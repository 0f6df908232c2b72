"""The ledger's worker as a process of its own, for the tests that end it with signals."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from flask import Flask
from pydantic import SecretStr
from sqlalchemy import MetaData, text
from vitrine_kit import jobs, service
from vitrine_kit.db import Database, current_database
from vitrine_kit.service import ServiceState
from vitrine_kit.settings import ServiceSettings


async def note(database: Database, words: str) -> None:
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO ledger.entry (note) VALUES (:note)"), {"note": words})


@jobs.task("process.slow")
async def slow(payload: dict[str, Any], database: Database) -> None:
    """Says that it began, takes its time, and says that it ended."""
    assert current_database() is database
    await note(database, f"{payload['name']} began in {os.getpid()}")
    await asyncio.sleep(payload["seconds"])
    await note(database, f"{payload['name']} ended in {os.getpid()}")


@jobs.task("process.deadly", max_attempts=1)
async def deadly(payload: dict[str, Any], database: Database) -> None:
    """Takes its worker down with it."""
    await note(database, f"deadly in {os.getpid()}")
    os.kill(os.getpid(), signal.SIGKILL)


async def main() -> int:
    settings = ServiceSettings(
        secret_key=SecretStr("0123456789abcdef0123456789abcdef"), instance=f"worker-{os.getpid()}"
    )
    app = Flask("ledger")
    metadata = MetaData(schema="ledger")
    jobs.worker_table(metadata)
    app.extensions["vitrine"] = ServiceState("ledger", "1", settings, Database(settings, metadata))
    worker = jobs.Worker(app, drain_s=float(sys.argv[1]), heartbeat_s=1, poll_s=0.2)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop.set)
    return await worker.run()


if __name__ == "__main__":
    assert service
    raise SystemExit(asyncio.run(main()))
