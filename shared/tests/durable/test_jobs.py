"""Jobs within one process: queued with the write, run, run again, given up, told, and kept to their limits."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import asyncpg
import pytest
from flask import Flask, current_app
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from vitrine_kit import jobs
from vitrine_kit.db import Database, current_database
from vitrine_kit.deadlines import current_deadline
from vitrine_kit.ids import new_id
from vitrine_kit.testing import ServiceDatabase
from waiting import until
from working_jobs import queued, statuses, until_empty, working

pytestmark = pytest.mark.usefixtures("own_tasks")


async def test_a_job_runs_with_its_payload_the_database_and_the_app(
    make_app: Any, database: Database
) -> None:
    seen: list[Any] = []

    @jobs.task("note.add")
    async def run(payload: dict[str, Any], db: Database) -> None:
        seen.append((payload, current_database() is db, current_app.name, current_deadline()))
        seen.append(await db.fetch_value(text("SHOW statement_timeout")))

    app = make_app()
    number = await queued(database, "note.add", {"id": new_id(), "n": 1})
    async with working(app):
        await until_empty(database)

    assert isinstance(number, int)
    [(payload, same, name, deadline), timeout] = seen
    assert (payload["n"], same, name, deadline, timeout) == (1, True, app.name, None, "0")
    assert app.extensions["vitrine"].database is database, "the app has its own database back"


async def test_a_job_is_there_only_if_its_transaction_commits(database: Database) -> None:
    @jobs.task("note.add")
    async def run(_payload: dict[str, Any], _db: Database) -> None: ...

    with pytest.raises(RuntimeError, match="no"):
        async with database.transaction() as session:
            # The first statement of the transaction: nothing else has begun it.
            await jobs.enqueue(session, "note.add")
            raise RuntimeError("no")
    assert await statuses(database) == []

    async with database.transaction() as session:
        await jobs.enqueue(session, "note.add")
        assert await statuses(database) == []
    assert await statuses(database) == ["queued"]


async def test_a_task_nobody_declared_is_refused(database: Database) -> None:
    with pytest.raises(LookupError, match=r"note\.add"):
        await queued(database, "note.add")


async def test_two_tasks_cannot_have_one_name() -> None:
    async def run(_payload: dict[str, Any], _db: Database) -> None: ...

    async def other(_payload: dict[str, Any], _db: Database) -> None: ...

    assert jobs.task("note.add")(jobs.task("note.add")(run)) is run
    with pytest.raises(ValueError, match=r"note\.add"):
        jobs.task("note.add")(other)


async def test_a_job_with_the_key_of_another_is_not_queued(make_app: Any, database: Database) -> None:
    gate, runs = asyncio.Event(), 0

    @jobs.task("note.add")
    async def run(_payload: dict[str, Any], _db: Database) -> None:
        nonlocal runs
        runs += 1
        await gate.wait()

    assert await queued(database, "note.add", dedupe_key="k") is not None
    assert await queued(database, "note.add", dedupe_key="k") is None
    async with working(make_app()):
        await until(lambda: runs == 1)
        assert await queued(database, "note.add", dedupe_key="k") is None, "it is running"
        gate.set()
        await until_empty(database)
        assert await queued(database, "note.add", dedupe_key="k") is not None
        await until_empty(database)
    assert runs == 2


async def test_urgent_jobs_first_and_later_ones_later(make_app: Any, database: Database) -> None:
    order: list[str] = []
    ran_at: dict[str, float] = {}
    now = asyncio.get_running_loop().time

    @jobs.task("note.add", concurrency=1)
    async def run(payload: dict[str, Any], _db: Database) -> None:
        order.append(payload["n"])
        ran_at[payload["n"]] = now()

    await queued(database, "note.add", {"n": "plain"})
    await queued(database, "note.add", {"n": "urgent"}, priority=9)
    began = now()
    await queued(database, "note.add", {"n": "later"}, delay_s=0.5)
    async with working(make_app()):
        await until_empty(database)
    assert order == ["urgent", "plain", "later"]
    assert ran_at["later"] - began >= 0.5


async def test_a_failed_job_is_tried_again_and_succeeds(make_app: Any, database: Database) -> None:
    runs = 0

    @jobs.task("note.add", backoff_s=0.01)
    async def run(_payload: dict[str, Any], _db: Database) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise RuntimeError("bug")
        if runs == 2:
            raise jobs.RetryLater("not yet", delay_s=0.01)

    await queued(database, "note.add")
    async with working(make_app()):
        await until_empty(database)
    assert runs == 3


async def test_after_the_last_attempt_the_job_is_kept_as_failed_and_its_owner_told(
    make_app: Any, database: Database
) -> None:
    runs, told = 0, []

    async def gave_up(payload: dict[str, Any], db: Database, error: str) -> None:
        told.append((payload, current_database() is db, error))
        raise RuntimeError("even this may fail")

    @jobs.task("note.add", max_attempts=3, backoff_s=0.01, gave_up=gave_up)
    async def run(_payload: dict[str, Any], _db: Database) -> None:
        nonlocal runs
        runs += 1
        raise RuntimeError(f"bug {runs}")

    await queued(database, "note.add", {"n": 1})
    async with working(make_app()):
        await until(lambda: bool(told))
        async with asyncio.timeout(10):
            while await statuses(database) != ["failed"]:
                await asyncio.sleep(0.02)
    assert (runs, told) == (3, [({"n": 1}, True, "bug 3")])


async def test_a_failed_job_can_be_queued_anew_with_all_its_attempts(
    make_app: Any, database: Database
) -> None:
    runs = 0

    @jobs.task("note.add", max_attempts=2, backoff_s=0.01)
    async def run(_payload: dict[str, Any], _db: Database) -> None:
        nonlocal runs
        runs += 1
        if runs < 4:
            raise RuntimeError("bug")

    number = await queued(database, "note.add")
    async with working(make_app()):
        async with asyncio.timeout(10):
            while await statuses(database) != ["failed"]:
                await asyncio.sleep(0.02)
        async with database.transaction() as session:
            await jobs.requeue(session, [number])
        await until_empty(database)
    assert runs == 4


def test_waits_between_attempts_double_up_to_five_minutes() -> None:
    async def run(_payload: dict[str, Any], _db: Database) -> None: ...

    one = jobs.Task("x", run)
    assert [one.delay_s(attempt) for attempt in (1, 2, 3, 20)] == [1, 2, 4, 300]


async def test_a_limit_of_one_holds_over_two_workers(make_app: Any, database: Database) -> None:
    running, most, done = 0, 0, 0

    @jobs.task("note.add", concurrency=1)
    async def run(_payload: dict[str, Any], _db: Database) -> None:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        done += 1

    for _ in range(6):
        await queued(database, "note.add")
    async with working(make_app()), working(make_app()):
        await until_empty(database)
    assert (most, done) == (1, 6)


async def test_two_workers_run_each_job_once(make_app: Any, database: Database) -> None:
    seen: list[int] = []

    @jobs.task("note.add")
    async def run(payload: dict[str, Any], _db: Database) -> None:
        await asyncio.sleep(0)
        seen.append(payload["n"])

    for number in range(40):
        await queued(database, "note.add", {"n": number})
    async with working(make_app()), working(make_app()):
        await until_empty(database)
    assert sorted(seen) == list(range(40))


async def test_a_job_wakes_an_idle_worker(make_app: Any, database: Database) -> None:
    seen = asyncio.Event()

    @jobs.task("note.add")
    async def run(_payload: dict[str, Any], _db: Database) -> None:
        seen.set()

    async with working(make_app(), poll_s=60):
        await listening(database)
        await queued(database, "note.add")
        async with asyncio.timeout(10):
            await seen.wait()


async def listening(database: Database) -> None:
    """Waits until a worker is idle on its connection."""
    idle = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'vitrine-worker' AND state = 'idle'"
    )
    async with asyncio.timeout(10):
        while not await database.fetch_value(idle):
            await asyncio.sleep(0.05)


async def test_a_worker_whose_connection_dies_puts_its_jobs_back_and_goes_on(
    make_app: Any, database: Database, ledger_database: ServiceDatabase
) -> None:
    began, ended = 0, 0

    @jobs.task("note.add")
    async def run(_payload: dict[str, Any], _db: Database) -> None:
        nonlocal began, ended
        began += 1
        if began == 1:
            await asyncio.sleep(60)
        ended += 1

    await queued(database, "note.add")
    async with working(make_app(), heartbeat_s=1):
        await until(lambda: began == 1)
        admin = await asyncpg.connect(ledger_database.admin_url)
        try:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'vitrine-worker'"
            )
        finally:
            await admin.close()
        await until_empty(database)
    assert (began, ended) == (2, 1)


async def test_a_worker_that_stops_waits_for_short_jobs_and_puts_long_ones_back(
    make_app: Any, database: Database
) -> None:
    ended: list[str] = []
    began = 0

    @jobs.task("note.add")
    async def run(payload: dict[str, Any], _db: Database) -> None:
        nonlocal began
        began += 1
        await asyncio.sleep(payload["seconds"])
        ended.append(payload["n"])

    await queued(database, "note.add", {"n": "short", "seconds": 0.2})
    await queued(database, "note.add", {"n": "long", "seconds": 60})
    async with working(make_app(), drain_s=0.6):
        await until(lambda: began == 2)

    assert ended == ["short"]
    assert await statuses(database) == ["queued"]
    attempts = text(
        "SELECT count(*) FILTER (WHERE status = 'picked') FROM ledger.pgqueuer_log"
        " WHERE job_id = (SELECT id FROM ledger.pgqueuer)"
    )
    assert await database.fetch_value(attempts) == 1


async def test_being_put_back_is_no_failed_attempt(make_app: Any, database: Database) -> None:
    began = 0

    @jobs.task("note.add", max_attempts=1)
    async def run(_payload: dict[str, Any], _db: Database) -> None:
        nonlocal began
        began += 1
        if began < 3:
            await asyncio.sleep(60)

    await queued(database, "note.add")
    for runs in (1, 2):
        async with working(make_app(), drain_s=0.01):
            await until(lambda runs=runs: began == runs)
    async with working(make_app()):
        await until_empty(database)
    assert began == 3


async def test_background_loops_run_and_are_started_again_when_they_fail(
    make_app: Any, database: Database
) -> None:
    runs = 0

    async def loop(app: Flask, stop: asyncio.Event) -> None:
        nonlocal runs
        runs += 1
        assert current_app.name == app.name
        if runs == 1:
            raise RuntimeError("bug")
        if runs == 2:
            raise OSError("away")
        await stop.wait()

    app = make_app()
    jobs.add_background(app, loop)
    async with working(app):
        await until(lambda: runs == 3)


async def test_a_worker_says_that_it_is_alive(
    make_app: Any, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("VITRINE_RUN_DIR", str(tmp_path))
    seen = text(
        "SELECT instance, version, running, seen_at > now() - interval '10 s' AS fresh FROM ledger.worker"
    )
    async with working(make_app()):
        async with asyncio.timeout(10):
            while (row := await database.fetch_one(seen)) is None:
                await asyncio.sleep(0.02)
        assert (row["instance"], row["running"], row["fresh"]) == ("ledger-test", 0, True)
        assert (tmp_path / "worker.alive").exists()
    assert await database.fetch_one(seen) is None
    assert not (tmp_path / "worker.alive").exists()


async def test_a_worker_purges_what_is_old(make_app: Any, database: Database) -> None:
    @jobs.task("note.add")
    async def run(_payload: dict[str, Any], _db: Database) -> None: ...

    async with database.transaction() as session:
        for statement in (
            "INSERT INTO ledger.inbox VALUES (gen_random_uuid(), '', '', now() - interval '31 days')",
            "INSERT INTO ledger.idempotency_key VALUES ('\\x00', '', '', 200, '{}', '', now() - interval '25 hours')",
            "INSERT INTO ledger.rate_limit VALUES ('\\x00', now() - interval '1 s')",
            "INSERT INTO ledger.worker VALUES ('gone', 1, '1', 0, now(), now() - interval '2 days')",
            "INSERT INTO ledger.pgqueuer_log (created, job_id, status, priority, entrypoint, aggregated)"
            " VALUES (now() - interval '8 days', 1, 'successful', 0, 'x', true)",
        ):
            await session.execute(text(statement))
    tables = ("inbox", "idempotency_key", "rate_limit", "pgqueuer_log")
    rows = text("SELECT " + " + ".join(f"(SELECT count(*) FROM ledger.{table})" for table in tables))
    async with working(make_app()), asyncio.timeout(10):
        while await database.fetch_value(rows):
            await asyncio.sleep(0.02)


async def test_a_service_without_jobs_has_a_worker_all_the_same(make_app: Any, database: Database) -> None:
    ran = asyncio.Event()

    async def loop(_app: Flask, stop: asyncio.Event) -> None:
        ran.set()
        await stop.wait()

    app = make_app()
    jobs.add_background(app, loop)
    async with working(app):
        await ran.wait()


async def test_the_command_works_until_the_signal(make_app: Any, database: Database) -> None:
    began = asyncio.Event()

    @jobs.task("note.add")
    async def run(_payload: dict[str, Any], _db: Database) -> None:
        began.set()

    await queued(database, "note.add")
    task = asyncio.create_task(jobs.run_worker(make_app()))
    await began.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await task == 0


def test_a_service_without_a_database_has_no_worker(make_app: Any) -> None:
    app = make_app()
    app.extensions["vitrine"].database = None
    with pytest.raises(ValueError, match="database"):
        jobs.Worker(app)


async def test_the_run_time_role_cannot_make_tables(database: Database) -> None:
    """All of the above ran as this role: nothing of the queue is made or changed at run time."""
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with database.transaction() as session:
            await session.execute(text("CREATE TABLE ledger.more (id int)"))


async def test_what_was_installed_can_be_removed(ledger_database: ServiceDatabase) -> None:
    owner = await asyncpg.connect(ledger_database.owner_url)
    names = (
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE nspname = 'ledger' AND relname LIKE 'pgqueuer%'"
    )
    try:
        change = owner.transaction()
        await change.start()
        for statement in jobs.uninstall_statements("ledger"):
            await owner.execute(statement)
        assert await owner.fetchval(names) == 0
        await change.rollback()
        assert await owner.fetchval(names) > 0
    finally:
        await owner.close()


def test_environment_variables_do_not_move_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFIX", "SCHEMA", "CHANNEL", "QUEUE_TABLE", "DURABILITY"):
        monkeypatch.setenv(f"PGQUEUER_{name}", "elsewhere" if name != "DURABILITY" else "volatile")
    made = "\n".join(jobs.install_statements("stockroom"))
    assert "CREATE TABLE stockroom.pgqueuer (" in made
    assert "'stockroom_jobs'" in made
    assert "elsewhere" not in made
    assert "UNLOGGED" not in made
