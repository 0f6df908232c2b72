"""Reads and transactions on the service's own schema, under its run-time role."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import httpx
import notes_service
import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import literal, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from vitrine_kit.db import Database, around_request
from vitrine_kit.problems import Unavailable, of_exception
from vitrine_kit.settings import ServiceSettings
from vitrine_kit.testing import ServiceDatabase


@pytest_asyncio.fixture
async def database(notes_settings: ServiceSettings) -> AsyncIterator[Database]:
    found = Database(notes_settings, notes_service.metadata)
    yield found
    await found.dispose()


async def count(database: Database, title: str) -> int:
    statement = text("SELECT count(*) FROM note WHERE title = :title")
    found: int = await database.fetch_value(statement, {"title": title})
    return found


async def test_a_transaction_commits_whole_or_not_at_all(database: Database) -> None:
    title = str(uuid4())
    with pytest.raises(RuntimeError):
        async with database.transaction() as session:
            session.add(notes_service.Note(title=title))
            await session.flush()
            raise RuntimeError("after the first write")
    assert await count(database, title) == 0
    async with database.transaction() as session:
        session.add(notes_service.Note(title=title))
    assert await count(database, title) == 1


async def test_within_an_ambient_transaction_a_failure_undoes_only_its_part(database: Database) -> None:
    kept, lost = str(uuid4()), str(uuid4())
    async with database.transaction() as outer:
        with around_request(outer):
            async with database.transaction() as inner:
                inner.add(notes_service.Note(title=kept))
            with pytest.raises(IntegrityError):
                async with database.transaction() as inner:
                    await inner.execute(text("INSERT INTO note (id, version) VALUES (gen_random_uuid(), 1)"))
            with pytest.raises(RuntimeError):
                async with database.transaction() as inner:
                    inner.add(notes_service.Note(title=lost))
                    await inner.flush()
                    raise RuntimeError
            assert inner is outer
            assert await asyncio.gather(count(database, kept), count(database, lost)) == [1, 0]
            async with database.read_connection() as connection:
                assert (
                    await connection.scalar(text("SELECT count(*) FROM note WHERE title = :t"), {"t": kept})
                ) == 1
        assert await count(database, kept) == 0
    assert await count(database, kept) == 1
    assert await count(database, lost) == 0


async def test_the_run_time_role_can_neither_run_ddl_nor_leave_its_schema(database: Database) -> None:
    for statement in (
        "CREATE TABLE other (x int)",
        "CREATE SCHEMA mine",
        "CREATE TABLE public.x (y int)",
        "DROP TABLE note",
    ):
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            await database.fetch_value(text(statement))
    assert await database.fetch_value(text("SHOW search_path")) == "notes"
    assert await database.fetch_value(text("SHOW jit")) == "off"


async def test_a_full_pool_is_a_503_and_soon(notes_settings: ServiceSettings) -> None:
    settings = notes_settings.model_copy(update={"pool_read_size": 1, "pool_wait_s": 0.05})
    database = Database(settings, notes_service.metadata)
    async with database.read_connection():
        with pytest.raises(PoolTimeout) as caught:
            await database.fetch_value(text("SELECT 1"))
    assert isinstance(of_exception(caught.value), Unavailable)
    assert await database.fetch_value(text("SELECT 1")) == 1
    await database.dispose()


async def test_who_waits_for_a_connection_gets_it_before_a_newcomer(notes_settings: ServiceSettings) -> None:
    settings = notes_settings.model_copy(update={"pool_read_size": 1, "pool_wait_s": 20})
    database = Database(settings, notes_service.metadata)
    begun: list[int] = []

    async def use(number: int) -> None:
        await database.fetch_value(text("SELECT 1"))
        begun.append(number)

    asking = []
    for number in range(500):
        asking.append(asyncio.ensure_future(use(number)))
        await asyncio.sleep(0)  # a newcomer in every turn of the loop, the turns that free a connection too
    await asyncio.gather(*asking)
    await database.dispose()
    assert begun == sorted(begun)


async def test_a_read_survives_the_loss_of_its_connection(
    database: Database, notes_database: ServiceDatabase
) -> None:
    pid = await database.fetch_value(text("SELECT pg_backend_pid()"))
    admin = await asyncpg.connect(notes_database.admin_url)
    try:
        await admin.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    finally:
        await admin.close()
    assert await database.fetch_value(text("SELECT pg_backend_pid()")) != pid


async def test_a_read_survives_a_plan_made_stale_by_a_migration(
    database: Database, notes_database: ServiceDatabase
) -> None:
    owner = await asyncpg.connect(notes_database.owner_url)
    try:
        await owner.execute("CREATE TABLE notes.changing (x int); INSERT INTO notes.changing VALUES (7)")
        statement = text("SELECT * FROM changing")
        assert await database.fetch_value(statement) == 7
        await owner.execute("ALTER TABLE notes.changing ALTER COLUMN x TYPE text")
        assert await database.fetch_value(statement) == "7"
    finally:
        await owner.execute("DROP TABLE notes.changing")
        await owner.close()


async def test_reads_run_side_by_side(database: Database) -> None:
    rows = await asyncio.gather(*(database.fetch_all(select(literal(n).label("n"))) for n in range(20)))
    assert [row[0]["n"] for row in rows] == list(range(20))
    assert await database.fetch_one(text("SELECT 1 AS x WHERE false")) is None


async def test_a_statement_may_not_outlast_the_request(notes_settings: ServiceSettings) -> None:
    database = Database(notes_settings, notes_service.metadata, statement_timeout_ms=50)
    with pytest.raises(DBAPIError) as caught:
        await database.fetch_value(text("SELECT pg_sleep(5)"))
    assert of_exception(caught.value).status == 504
    await database.dispose()


async def test_errors_do_not_carry_the_values(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        await database.fetch_value(text("SELECT 1 / 0 WHERE :secret <> ''"), {"secret": "canary-secret"})
    assert "canary-secret" not in str(caught.value)


async def test_a_database_needs_an_address_and_a_schema(notes_settings: ServiceSettings) -> None:
    with pytest.raises(ValueError, match="VITRINE_DATABASE_URL"):
        Database(notes_settings.model_copy(update={"database_url": None}), notes_service.metadata)
    with pytest.raises(ValueError, match="schema"):
        Database(notes_settings, __import__("sqlalchemy").MetaData())


async def test_health(client: httpx.AsyncClient, notes_database: ServiceDatabase) -> None:
    assert (await client.get("/livez")).json()["status"] == "ok"
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["schema"]) == (200, "0001")
    owner = await asyncpg.connect(notes_database.owner_url)
    try:
        await owner.execute("UPDATE notes.alembic_version SET version_num = 'a later release'")
        assert (await client.get("/readyz")).status_code == 200
        await owner.execute("DELETE FROM notes.alembic_version")
        behind = await client.get("/readyz")
        assert behind.status_code == 503
        assert "run its migration" in behind.json()["reason"]
        await owner.execute("INSERT INTO notes.alembic_version VALUES ('0001')")
    finally:
        await owner.close()


async def test_connections_are_opened_ahead_and_used_by_the_first_requests(
    notes_settings: ServiceSettings,
) -> None:
    database = Database(notes_settings, notes_service.metadata)
    try:
        await database.connect_ahead()
        pools = [database.write_engine.pool, database.read_engine.pool]
        counts = [(pool.checkedin(), pool.checkedout()) for pool in pools]  # type: ignore[attr-defined]  # a queue pool's own
        assert counts == [(notes_settings.pool_write_size, 0), (-(-notes_settings.pool_read_size // 2), 0)]
        assert await database.fetch_value(text("SELECT 1")) == 1
        assert database.read_engine.pool.checkedin() == counts[1][0]  # type: ignore[attr-defined]
    finally:
        await database.dispose()


async def test_a_database_that_is_away_keeps_no_service_from_starting(
    notes_settings: ServiceSettings,
) -> None:
    nowhere = SecretStr("postgresql://nobody@127.0.0.1:1/none")
    database = Database(notes_settings.model_copy(update={"database_url": nowhere}), notes_service.metadata)
    await database.connect_ahead()
    assert database.write_engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    await database.dispose()
