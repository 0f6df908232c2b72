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
from vitrine_kit.testing import ServiceDatabase
from waiting import until
from working_jobs import statuses

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
def names(own_tasks: None) -> None:
    """The tasks are the process's; here their names are known."""

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


async def began(database: Database, times: int) -> bool:
    return sum("began" in note for note in await notes(database)) == times


async def test_sigterm_puts_a_long_job_back_and_lets_a_short_one_end(
    start: Start, database: Database
) -> None:
    await queue(database, "process.slow", {"name": "a", "seconds": 1.5})
    hasty = await start(0.1)
    await until(lambda: began(database, 1), 90)
    hasty.send_signal(signal.SIGTERM)
    assert await hasty.wait() == 0
    assert await statuses(database) == ["queued"]

    patient = await start(60)
    await until(lambda: began(database, 2), 90)
    patient.send_signal(signal.SIGTERM)
    assert await patient.wait() == 0
    assert (await notes(database))[-1] == f"a ended in {patient.pid}"
    assert await statuses(database) == []


async def test_a_killed_worker_s_job_is_taken_by_another_but_not_for_ever(
    start: Start, database: Database
) -> None:
    await queue(database, "process.slow", {"name": "a", "seconds": 1})
    first = await start()
    await until(lambda: began(database, 1), 90)
    first.kill()
    await first.wait()
    assert await statuses(database) == ["picked"]

    second = await start()

    async def done() -> bool:
        return not await statuses(database)

    await until(done, 90)
    assert (await notes(database))[-1] == f"a ended in {second.pid}"

    # This one ends its worker itself, and may do so once only.
    await queue(database, "process.deadly", {})
    assert await second.wait() == -signal.SIGKILL
    third = await start()

    async def given_up() -> bool:
        return await statuses(database) == ["failed"]

    await until(given_up, 90)
    assert (await notes(database))[3:] == [f"deadly in {second.pid}"]
    third.send_signal(signal.SIGTERM)
    assert await third.wait() == 0
