"""A worker in a process of its own, ended by SIGTERM and SIGKILL: no job is lost, and none haunts the queue."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from vitrine_kit import jobs
from vitrine_kit.db import Database
from vitrine_kit.jobs import queue as queue_module
from vitrine_kit.testing import ServiceDatabase

Process = asyncio.subprocess.Process
Start = Callable[..., Awaitable[Process]]
SCRIPT = Path(__file__).with_name("ledger_worker.py")


@pytest_asyncio.fixture
async def start(ledger_database: ServiceDatabase) -> AsyncIterator[Start]:
    """Starts workers, and sees to it that none is left."""
    started: list[Process] = []

    async def go(drain_s: float = 10) -> Process:
        environment = {**os.environ, "VITRINE_DATABASE_URL": ledger_database.url}
        started.append(
            await asyncio.create_subprocess_exec(sys.executable, str(SCRIPT), str(drain_s), env=environment)
        )
        return started[-1]

    yield go
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks are the process's; here their names are known."""
    monkeypatch.setattr(queue_module, "_tasks", {})

    async def elsewhere(_payload: dict[str, Any], _db: Database) -> None: ...

    jobs.task("process.slow")(elsewhere)
    jobs.task("process.deadly")(elsewhere)


async def queue(database: Database, name: str, payload: dict[str, Any]) -> None:
    async with database.transaction() as session:
        await jobs.enqueue(session, name, payload)


async def notes(database: Database) -> list[str]:
    return [
        row["note"] for row in await database.fetch_all(text("SELECT note FROM ledger.entry ORDER BY id"))
    ]


async def statuses(database: Database) -> list[str]:
    rows = await database.fetch_all(text("SELECT status::text FROM ledger.pgqueuer ORDER BY id"))
    return [row["status"] for row in rows]


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await true():
            await asyncio.sleep(0.05)


async def test_sigterm_lets_a_job_end(start: Start, database: Database) -> None:
    await queue(database, "process.slow", {"name": "a", "seconds": 0.5})
    worker = await start()
    await until(lambda: began(database, 1))
    worker.send_signal(signal.SIGTERM)

    assert await worker.wait() == 0
    assert await notes(database) == [f"a began in {worker.pid}", f"a ended in {worker.pid}"]
    assert await statuses(database) == []


async def test_sigterm_puts_a_long_job_back_for_the_next_worker(start: Start, database: Database) -> None:
    await queue(database, "process.slow", {"name": "a", "seconds": 5})
    first = await start(0.1)
    await until(lambda: began(database, 1))
    first.send_signal(signal.SIGTERM)
    assert await first.wait() == 0
    assert await statuses(database) == ["queued"]

    second = await start()
    await until(lambda: began(database, 2))
    second.send_signal(signal.SIGTERM)
    assert await second.wait() == 0
    assert (await notes(database))[-1] == f"a ended in {second.pid}"


async def test_a_killed_worker_s_job_is_taken_by_another(start: Start, database: Database) -> None:
    await queue(database, "process.slow", {"name": "a", "seconds": 1})
    first = await start()
    await until(lambda: began(database, 1))
    first.kill()
    await first.wait()
    assert await statuses(database) == ["picked"]

    second = await start()

    async def done() -> bool:
        return not await statuses(database)

    await until(done)
    assert (await notes(database))[-1] == f"a ended in {second.pid}"
    second.send_signal(signal.SIGTERM)
    assert await second.wait() == 0


async def test_a_job_that_kills_its_workers_is_given_up(start: Start, database: Database) -> None:
    await queue(database, "process.deadly", {})
    for _ in range(2):
        assert await (await start()).wait() == -signal.SIGKILL
    third = await start()

    async def given_up() -> bool:
        return await statuses(database) == ["failed"]

    await until(given_up)
    assert len(await notes(database)) == 2
    third.send_signal(signal.SIGTERM)
    assert await third.wait() == 0


async def began(database: Database, times: int) -> bool:
    return sum("began" in note for note in await notes(database)) == times
