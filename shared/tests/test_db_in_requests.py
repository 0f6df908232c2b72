"""Transactions and statements alone, asked from a request's own greenlet as from any task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import asyncpg
import notes_service
import pytest
import pytest_asyncio
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from vitrine_kit.db import Database, around_request
from vitrine_kit.greenlets import await_, in_request_greenlet, spawn
from vitrine_kit.settings import ServiceSettings
from vitrine_kit.testing import ServiceDatabase
from waiting import until

Step = Callable[[], Awaitable[Any]]
Place = Callable[[Step], Awaitable[Any]]

COUNT = text("SELECT count(*) FROM note WHERE title = :title")
ADD = text("INSERT INTO note (id, title, version) VALUES (gen_random_uuid(), :title, 1) RETURNING title")


async def in_a_request(step: Step) -> Any:
    async def there() -> Any:
        assert in_request_greenlet()
        return await step()

    return await spawn(await_, there())


async def in_a_task(step: Step) -> Any:
    assert not in_request_greenlet()
    return await step()


@pytest.fixture(params=[in_a_request, in_a_task])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.param
    return found


@pytest_asyncio.fixture
async def database(notes_settings: ServiceSettings) -> AsyncIterator[Database]:
    settings = notes_settings.model_copy(update={"pool_read_size": 1, "pool_write_size": 1, "pool_wait_s": 5})
    found = Database(settings, notes_service.metadata)
    yield found
    await found.dispose()


async def count(database: Database, title: str) -> int:
    found: int = await database.fetch_value(COUNT, {"title": title})
    return found


async def test_a_transaction_commits_whole_or_not_at_all(database: Database, place: Place) -> None:
    title = str(uuid4())

    async def add(fails: bool) -> None:
        async with database.transaction() as session:
            session.add(notes_service.Note(title=title))
            await session.flush()
            found = await session.execute(select(notes_service.Note).where(notes_service.Note.title == title))
            assert [note.title for note in found.scalars()] == [title]
            assert (await session.execute(COUNT, {"title": title})).scalar_one() == 1
            if fails:
                raise RuntimeError("after the first write")

    with pytest.raises(RuntimeError, match="after the first write"):
        await place(lambda: add(True))
    assert await count(database, title) == 0
    await place(lambda: add(False))
    assert await count(database, title) == 1


async def test_what_is_only_added_is_written_at_the_end(database: Database, place: Place) -> None:
    title = str(uuid4())

    async def add() -> None:
        async with database.transaction() as session:
            session.add(notes_service.Note(title=title))

    await place(add)
    assert await count(database, title) == 1


@pytest.mark.parametrize("waits_for", ["an event", "the database"])
async def test_a_cancelled_transaction_is_rolled_back_and_gives_its_connection_back(
    database: Database, place: Place, waits_for: str
) -> None:
    title, begun = str(uuid4()), asyncio.Event()

    async def add_and_wait() -> None:
        async with database.transaction() as session:
            await session.execute(ADD, {"title": title})
            begun.set()
            if waits_for == "an event":
                await asyncio.Event().wait()
            await session.execute(text("SELECT pg_sleep(60)"))

    task = asyncio.ensure_future(place(add_and_wait))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await count(database, title) == 0
    pool: Any = database.write_engine.pool
    await until(lambda: pool.checkedout() == 0)
    async with asyncio.timeout(10), database.transaction() as session:
        await session.execute(ADD, {"title": title})
    assert await count(database, title) == 1


async def test_statements_gathered_in_a_request_use_connections_of_their_own(database: Database) -> None:
    title = str(uuid4())

    async def add_and_read() -> list[Any]:
        async with database.transaction() as session:
            await session.execute(ADD, {"title": title})
            inside, outside = await asyncio.gather(
                session.execute(COUNT, {"title": title}), database.fetch_value(COUNT, {"title": title})
            )
            return [inside.scalar_one(), outside]

    assert await in_a_request(add_and_read) == [1, 0]


async def test_a_statement_alone_is_kept_whatever_becomes_of_the_request(
    database: Database, place: Place
) -> None:
    title = str(uuid4())

    async def fail() -> None:
        async with database.transaction() as session:
            with around_request(session):
                row = await database.execute_alone(ADD, {"title": title})
                assert row is not None
                assert row["title"] == title
                await session.execute(ADD, {"title": title})
                assert await count(database, title) == 2
            raise RuntimeError("after both")

    with pytest.raises(RuntimeError, match="after both"):
        await place(fail)
    assert await count(database, title) == 1


async def test_a_statement_alone_without_rows_answers_none(database: Database, place: Place) -> None:
    gone = text("DELETE FROM note WHERE title = :title")
    nowhere = {"title": str(uuid4())}
    assert await place(lambda: database.execute_alone(gone, nowhere)) is None
    returning = text("DELETE FROM note WHERE title = :title RETURNING id")
    assert await place(lambda: database.execute_alone(returning, nowhere)) is None


async def test_a_statement_alone_whose_connection_is_lost_is_not_run_again(
    database: Database, place: Place, notes_database: ServiceDatabase
) -> None:
    owner = await asyncpg.connect(notes_database.owner_url)
    try:
        await owner.execute("CREATE SEQUENCE notes.runs; GRANT USAGE ON notes.runs TO PUBLIC")
        running = text("SELECT pg_terminate_backend(pg_backend_pid()) FROM nextval('runs')")
        with pytest.raises(DBAPIError):
            await place(lambda: database.execute_alone(running))
        assert await owner.fetchval("SELECT last_value FROM notes.runs") == 1
        with pytest.raises(DBAPIError):
            await place(lambda: database.fetch_one(running))
        assert await owner.fetchval("SELECT last_value FROM notes.runs") == 3, "a read is run again"
    finally:
        await owner.execute("DROP SEQUENCE notes.runs")
        await owner.close()
    assert await place(lambda: database.execute_alone(text("SELECT 1 AS one"))) == {"one": 1}


async def test_a_statement_alone_survives_a_plan_made_stale_by_a_migration(
    database: Database, place: Place, notes_database: ServiceDatabase
) -> None:
    owner = await asyncpg.connect(notes_database.owner_url)
    try:
        await owner.execute("CREATE TABLE notes.growing (x int)")
        adding = text("INSERT INTO growing VALUES (7) RETURNING *")
        assert dict(await place(lambda: database.execute_alone(adding))) == {"x": 7}
        await owner.execute("ALTER TABLE notes.growing ADD COLUMN y int")
        assert dict(await place(lambda: database.execute_alone(adding))) == {"x": 7, "y": None}
        assert await owner.fetchval("SELECT count(*) FROM notes.growing") == 2
    finally:
        await owner.execute("DROP TABLE notes.growing")
        await owner.close()
