"""No statement outlasts its request: it ends on the server too, and leaves a whole pool and nothing half-written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from uuid import uuid4

import asyncpg
import httpx
import notes_service
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from vitrine_kit.db import Database, around_request
from vitrine_kit.deadlines import DEADLINE_HEADER, Deadline, set_deadline, within_deadline
from vitrine_kit.problems import Conflict, GatewayTimeout, of_exception
from vitrine_kit.settings import ServiceSettings
from vitrine_kit.testing import ServiceDatabase

LONG = text("SELECT pg_sleep(10)")
SOON_S = 2.0
"""Well below what `LONG` takes, and enough for a busy machine to cancel it in."""


@pytest_asyncio.fixture
async def database(notes_settings: ServiceSettings) -> AsyncIterator[Database]:
    """One connection of each kind: one that is not given back, or does not work, is noticed at once."""
    settings = notes_settings.model_copy(
        update={"pool_read_size": 1, "pool_write_size": 1, "pool_wait_s": SOON_S}
    )
    found = Database(settings, notes_service.metadata)
    yield found
    await found.dispose()


@contextmanager
def request_of(seconds: float) -> Iterator[None]:
    """A request with that much time, which must not take much longer."""
    began_s = time.monotonic()
    set_deadline(Deadline.after(seconds))
    try:
        yield
    finally:
        set_deadline(None)
    assert time.monotonic() - began_s < seconds + SOON_S


async def running(notes_database: ServiceDatabase) -> int:
    """How many long statements the server runs at this moment."""
    admin = await asyncpg.connect(notes_database.admin_url)
    try:
        found: int = await admin.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
            " AND query LIKE '%pg_sleep(10)%' AND pid <> pg_backend_pid()"
        )
    finally:
        await admin.close()
    return found


async def ended(notes_database: ServiceDatabase) -> None:
    """Waits for the server to have ended them, much less than they would have taken."""
    async with asyncio.timeout(SOON_S):
        while await running(notes_database):
            await asyncio.sleep(0.02)


async def titles(database: Database, title: str) -> int:
    found: int = await database.fetch_value(
        text("SELECT count(*) FROM note WHERE title = :title"), {"title": title}
    )
    return found


async def test_a_request_that_runs_out_of_time_is_a_504(
    client: httpx.AsyncClient, notes_database: ServiceDatabase
) -> None:
    began_s = time.monotonic()
    answer = await client.get("/api/notes/v1/slow-sql", headers={DEADLINE_HEADER: "300"})
    took_s = time.monotonic() - began_s
    assert (answer.status_code, answer.json()["type"]) == (504, "/problems/timeout")
    assert 0.3 <= took_s < 0.3 + SOON_S
    await ended(notes_database)
    assert (await client.get("/api/notes/v1/notes")).status_code == 200


async def test_many_at_once_end_alike_and_leave_the_pool_whole(
    client: httpx.AsyncClient, notes_database: ServiceDatabase, notes_settings: ServiceSettings
) -> None:
    """More than there are connections: some are cut off while they run, others while they wait for one."""
    path, headers = "/api/notes/v1/slow-sql", {DEADLINE_HEADER: "250"}
    answers = await asyncio.gather(*(client.get(path, headers=headers) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {504}
    await ended(notes_database)
    # As many as there are connections, each of which is opened anew: one that was not given back is noticed.
    every = range(notes_settings.pool_read_size)
    answers = await asyncio.gather(*(client.get("/api/notes/v1/notes") for _ in every))
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize("kind", ["read", "read_connection"])
async def test_a_read_ends_with_its_request(
    database: Database, notes_database: ServiceDatabase, kind: str
) -> None:
    with pytest.raises(GatewayTimeout), request_of(0.2):
        if kind == "read":
            await database.fetch_value(LONG)
        else:
            async with database.read_connection() as connection:
                await connection.execute(LONG)
    await ended(notes_database)
    assert await database.fetch_value(text("SELECT 1")) == 1


async def test_a_transaction_ends_with_its_request_and_leaves_nothing(
    database: Database, notes_database: ServiceDatabase
) -> None:
    title = str(uuid4())
    with pytest.raises(GatewayTimeout), request_of(0.3):
        async with database.transaction() as session:
            session.add(notes_service.Note(title=title))
            await session.flush()
            await session.execute(LONG)
    await ended(notes_database)
    assert await titles(database, title) == 0
    async with database.transaction() as session:
        session.add(notes_service.Note(title=title))
    assert await titles(database, title) == 1


async def test_a_transaction_that_waits_for_something_else_ends_too(database: Database) -> None:
    title = str(uuid4())
    with pytest.raises(GatewayTimeout), request_of(0.2):
        async with database.transaction() as session:
            session.add(notes_service.Note(title=title))
            await session.flush()
            await asyncio.Event().wait()
    assert await titles(database, title) == 0


async def test_what_is_only_written_at_the_end_is_held_to_the_deadline(
    database: Database, notes_database: ServiceDatabase
) -> None:
    title = str(uuid4())
    owner = await asyncpg.connect(notes_database.owner_url)
    try:
        async with owner.transaction():
            await owner.execute("LOCK TABLE notes.note IN SHARE MODE")
            with pytest.raises(GatewayTimeout), request_of(0.2):
                async with database.transaction() as session:
                    session.add(notes_service.Note(title=title))
    finally:
        await owner.close()
    assert await titles(database, title) == 0


async def test_a_commit_is_never_cut_off(database: Database, notes_database: ServiceDatabase) -> None:
    title = str(uuid4())
    owner = await asyncpg.connect(notes_database.owner_url)
    try:
        await owner.execute(
            "CREATE FUNCTION notes.dawdle() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN PERFORM pg_sleep(0.6); RETURN NULL; END $$;"
            "CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON notes.note DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION notes.dawdle()"
        )
        with request_of(0.3):
            async with database.transaction() as session:
                session.add(notes_service.Note(title=title))
    finally:
        await owner.execute("DROP TRIGGER IF EXISTS dawdle ON notes.note; DROP FUNCTION notes.dawdle()")
        await owner.close()
    assert await titles(database, title) == 1


@pytest.mark.parametrize("kind", ["read", "read_connection", "transaction", "gathered"])
async def test_within_an_ambient_transaction_all_of_it_ends(
    database: Database, notes_database: ServiceDatabase, kind: str
) -> None:
    """As under `idempotency.guard`, whose key is free again because nothing was stored."""
    title = str(uuid4())
    with pytest.raises(GatewayTimeout), request_of(0.3):
        async with database.transaction() as outer:
            with around_request(outer):
                async with database.transaction() as inner:
                    inner.add(notes_service.Note(title=title))
                if kind == "read":
                    await database.fetch_value(LONG)
                elif kind == "gathered":
                    await asyncio.gather(database.fetch_value(LONG), database.fetch_value(text("SELECT 1")))
                elif kind == "read_connection":
                    async with database.read_connection() as connection:
                        await connection.execute(LONG)
                else:
                    async with database.transaction() as inner:
                        await inner.execute(LONG)
    await ended(notes_database)
    assert await titles(database, title) == 0
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT 1")) == 1


async def test_a_request_ends_while_it_waits_for_a_connection(database: Database) -> None:
    async with database.read_connection() as held:
        with pytest.raises(GatewayTimeout), request_of(0.2):
            await database.fetch_value(text("SELECT 1"))
        assert await held.scalar(text("SELECT 1")) == 1
    assert await database.fetch_value(text("SELECT 1")) == 1


async def test_a_deadline_within_a_deadline_cancels_once() -> None:
    """A second cancellation would cut off the first one's message to the server."""
    task = asyncio.current_task()
    assert task is not None
    cancellations = []
    with pytest.raises(GatewayTimeout), request_of(0.05):
        async with within_deadline(), within_deadline():
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.05)
                cancellations.append(task.cancelling())
    assert cancellations == [1]
    assert task.cancelling() == 0


async def test_a_read_beside_a_transaction_ends_with_it(
    database: Database, notes_database: ServiceDatabase
) -> None:
    with pytest.raises(GatewayTimeout), request_of(0.2):
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))
            await database.fetch_value(LONG)
    await ended(notes_database)
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT 1")) == 1


async def test_other_errors_stay_what_they_are(database: Database) -> None:
    with request_of(30):
        with pytest.raises(TimeoutError) as caught:
            async with database.transaction():
                raise TimeoutError("of something else")
        assert of_exception(caught.value).status == 503
        with pytest.raises(DBAPIError):
            await database.fetch_value(text("SELECT 1 / 0"))


async def test_who_cancels_a_request_sees_it_cancelled(database: Database) -> None:
    async def work() -> None:
        set_deadline(Deadline.after(30))
        await database.fetch_value(LONG)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.fetch_value(text("SELECT 1")) == 1


async def test_what_fails_because_it_was_cut_off_is_a_timeout_too() -> None:
    async def clumsy() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("not prepared to be cancelled")

    with pytest.raises(GatewayTimeout), request_of(0.05):
        async with within_deadline():
            await clumsy()
    with pytest.raises(Conflict), request_of(0.05):
        async with within_deadline():
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise Conflict from None


async def test_without_a_request_there_is_no_limit(database: Database) -> None:
    async with within_deadline():
        assert await database.fetch_value(text("SELECT 1 FROM pg_sleep(0.1)")) == 1
