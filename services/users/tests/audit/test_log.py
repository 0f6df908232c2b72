"""Writing to the audit log: with the transaction or not at all, in one chain, and never changed again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from users_world import World
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id
from vitrine_kit.testing import ServiceDatabase
from vitrine_users.audit import log, service

WHO = UUID("0192a000-0000-7000-8000-0000000000aa")


@pytest.fixture
def db(world: World) -> Database:
    found: Database = world.app.extensions["vitrine"].database
    return found


async def write(db: Database, count: int = 1, **changes: Any) -> None:
    async with db.transaction() as session:
        for number in range(count):
            entry: dict[str, Any] = {"action": "test.done", "actor_id": None, "subject_id": None}
            entry |= {"details": {"number": number}, "address": "192.0.2.1"}
            await log.record(session, **(entry | changes))


async def entries_about(world: World, subject: UUID) -> list[asyncpg.Record]:
    found: list[asyncpg.Record] = await world.sql.fetch(
        "SELECT * FROM users.audit_log WHERE subject_id = $1 ORDER BY position", subject
    )
    return found


@asynccontextmanager
async def tampering(sql: asyncpg.Connection) -> AsyncIterator[None]:
    """What only the database's administrator can do: write past the trigger; all of it is undone."""
    await sql.execute("SET session_replication_role = replica")
    await sql.execute("CREATE TABLE public.kept AS SELECT * FROM users.audit_log")
    await sql.execute("CREATE TABLE public.kept_head AS SELECT * FROM users.audit_head")
    try:
        yield
    finally:
        await sql.execute("DELETE FROM users.audit_log")
        await sql.execute("INSERT INTO users.audit_log SELECT * FROM public.kept")
        await sql.execute("DELETE FROM users.audit_head")
        await sql.execute("INSERT INTO users.audit_head SELECT * FROM public.kept_head")
        await sql.execute("DROP TABLE public.kept, public.kept_head")
        await sql.execute("SET session_replication_role = origin")


async def test_entries_written_at_once_form_one_chain(world: World, db: Database) -> None:
    before = await service.verify(db)
    subject = new_id()

    await asyncio.gather(*(write(db, 2, subject_id=subject) for _ in range(50)))

    verdict = await service.verify(db)
    positions = [entry["position"] for entry in await entries_about(world, subject)]
    assert verdict.intact
    assert verdict.position == before.position + 100
    assert positions == list(range(before.position + 1, before.position + 101))
    assert [e["details"] for e in await entries_about(world, subject)] == [
        '{"number": 0}',
        '{"number": 1}',
    ] * 50


async def test_an_entry_goes_with_its_transaction(world: World, db: Database) -> None:
    subject = new_id()

    with pytest.raises(RuntimeError):
        async with db.transaction() as session:
            await log.record(
                session, action="test.undone", actor_id=None, subject_id=subject, details={}, address=None
            )
            raise RuntimeError

    assert await entries_about(world, subject) == []


async def test_an_entry_goes_with_its_savepoint(world: World, db: Database) -> None:
    subject = new_id()

    async def note(session: Any, name: str) -> None:
        await log.record(
            session, action=f"test.{name}", actor_id=None, subject_id=subject, details={}, address=None
        )

    async with db.transaction() as session:
        await note(session, "first")
        async with session.begin_nested():
            await note(session, "kept")
        outer = await session.begin_nested()
        async with session.begin_nested():
            await note(session, "inner")
        await note(session, "lost")
        await outer.rollback()
        await note(session, "last")

    actions = [entry["action"] for entry in await entries_about(world, subject)]
    assert actions == ["test.first", "test.kept", "test.last"]
    assert (await service.verify(db)).intact


async def test_whoever_writes_waits_for_nobody_who_writes_later(db: Database) -> None:
    """Two transactions that note first and lock rows later, crosswise, would block one another."""
    noted = asyncio.Event()

    async def first() -> None:
        async with db.transaction() as session:
            await log.record(
                session, action="test.first", actor_id=None, subject_id=None, details={}, address=None
            )
            noted.set()
            await asyncio.wait_for(second_done.wait(), 5)

    second_done = asyncio.Event()
    running = asyncio.create_task(first())
    await noted.wait()
    await write(db)
    second_done.set()
    await running


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE users.audit_log SET outcome = 'success' WHERE position = $1", "not what was written"),
        ("UPDATE users.audit_log SET details = '{}' WHERE position = $1", "not what was written"),
        ("DELETE FROM users.audit_log WHERE position = $1", "missing"),
    ],
)
async def test_tampering_shows_at_the_first_entry_changed(
    world: World, db: Database, statement: str, reason: str
) -> None:
    await write(db, 5, outcome="refused")
    at = (await service.verify(db)).position - 2

    async with tampering(world.sql):
        await world.sql.execute(statement, at)
        verdict, partial = await service.verify(db), await service.verify(db, newest=4)

    assert not verdict.intact
    assert verdict.broken_at == partial.broken_at == at
    assert reason in str(verdict.reason)
    assert (await service.verify(db)).intact


async def test_an_end_cut_off_shows(world: World, db: Database) -> None:
    await write(db, 3)
    noted = await service.verify(db)

    async with tampering(world.sql):
        await world.sql.execute("DELETE FROM users.audit_log WHERE position > $1", noted.position - 2)
        cut = await service.verify(db)
        await world.sql.execute(
            "UPDATE users.audit_head SET position = l.position, digest = l.digest"
            " FROM (SELECT position, digest FROM users.audit_log ORDER BY position DESC LIMIT 1) AS l"
        )
        hidden = await service.verify(db)
        expected = await service.verify(db, expected=(noted.position, bytes.fromhex(noted.digest)))

    assert cut.broken_at == noted.position - 1
    assert hidden.intact, "who can write as the owner can do this: so the head is noted elsewhere"
    assert expected.broken_at == noted.position - 1


async def test_a_chain_made_anew_shows_against_a_digest_noted_earlier(db: Database) -> None:
    await write(db, 3)
    position = (await service.verify(db)).position

    assert (await service.verify(db, expected=(position - 1, b"\0" * 32))).broken_at == position - 1


async def test_the_service_itself_can_change_nothing(users_database: ServiceDatabase, db: Database) -> None:
    await write(db)
    connection = await asyncpg.connect(users_database.url)
    try:
        for statement in (
            "UPDATE users.audit_log SET action = 'x'",
            "DELETE FROM users.audit_log",
            "TRUNCATE users.audit_log",
            "ALTER TABLE users.audit_log DISABLE TRIGGER ALL",
            "SET session_replication_role = replica",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
