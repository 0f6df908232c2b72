"""The worker process of a service: it runs jobs, relays events, purges what is old, and says that it is alive."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from flask import Flask
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.core.executors import EntrypointExecutorParameters
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.models import Job
from pgqueuer.domain.types import Channel
from sqlalchemy import TIMESTAMP, Column, Integer, MetaData, Table, Text, text
from sqlalchemy.exc import SQLAlchemyError

from vitrine_kit import events, idempotency, limits
from vitrine_kit.db import Database
from vitrine_kit.deadlines import set_deadline
from vitrine_kit.jobs.attempts import Executor, Interrupted, unused
from vitrine_kit.jobs.queue import Task, registered_tasks
from vitrine_kit.jobs.schema import queries_of, queue_settings
from vitrine_kit.logs import get_logger

log = get_logger(__name__)

TABLE = "worker"
EXTENSION = "vitrine_background"
ALIVE_FILE = "worker.alive"
"""The file in VITRINE_RUN_DIR that each heartbeat renews; it holds the worker's name, process and version."""
BEAT_S = 5.0
PURGE_S = 3600.0
LOG_KEPT_DAYS = 7

Background = Callable[[Flask, asyncio.Event], Awaitable[None]]


def worker_table(metadata: MetaData) -> Table:
    """Adds the table in which workers say that they are alive to a service's tables."""
    return Table(
        TABLE,
        metadata,
        Column("instance", Text, primary_key=True),
        Column("pid", Integer, nullable=False),
        Column("version", Text, nullable=False),
        Column("running", Integer, nullable=False, comment="Jobs running"),
        Column("started_at", TIMESTAMP(timezone=True), nullable=False),
        Column("seen_at", TIMESTAMP(timezone=True), nullable=False),
        comment="Background workers; one that was not seen for 30 s is gone.",
    )


def add_background(app: Flask, loop: Background) -> None:
    """Has the app's worker run `loop(app, stop)` until `stop` is set; when it fails it is started again."""
    app.extensions.setdefault(EXTENSION, []).append(loop)


class Worker:
    """Runs one service's background work until it is told to stop.

    When told to, it takes no more jobs, gives those running `drain_s` to end, and puts the others back into the
    queue. A worker that is killed leaves its jobs; another takes them once they have not been heard of for
    `heartbeat_s`.
    """

    def __init__(
        self,
        app: Flask,
        *,
        drain_s: float = 20.0,
        heartbeat_s: float = 20.0,
        poll_s: float = 5.0,
        concurrency: int = 4,
    ) -> None:
        state = app.extensions["vitrine"]
        if state.database is None:
            raise ValueError("a service without a database has no worker")
        self.app = app
        self.stop = asyncio.Event()
        self._state = state
        self._drain_s = drain_s
        self._heartbeat_s = heartbeat_s
        self._poll_s = poll_s
        self._concurrency = max(2, concurrency)
        # Jobs set their own time-outs: the one of web requests would end every long statement.
        self.database = Database(state.settings, state.database.metadata, statement_timeout_ms=0)
        self._running: set[asyncio.Task[None]] = set()
        self._interrupting = False

    async def run(self) -> int:
        """Works until `stop` is set; returns the exit code of the process."""
        web_database, self._state.database = self._state.database, self.database
        log.info("worker_started", tasks=sorted(registered_tasks()))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep(self._beat, "heartbeat"))
                group.create_task(self._keep(self._purge, "purge"))
                if registered_tasks():
                    group.create_task(self._keep(self._run_queue, "queue"))
                for loop in self.app.extensions.get(EXTENSION, []):
                    part = functools.partial(loop, self.app, self.stop)
                    group.create_task(self._keep(part, getattr(loop, "__name__", repr(loop))))
        finally:
            self._state.database = web_database
            await self.database.dispose()
            for neighbour in self._state.neighbours.values():
                await neighbour.aclose()
        log.info("worker_stopped")
        return 0

    async def _keep(self, part: Callable[[], Awaitable[None]], name: str) -> None:
        """Runs a part of the worker, and again after a pause when it fails, until the worker stops."""
        pause_s = 0.5
        while not self.stop.is_set():
            began_s = asyncio.get_running_loop().time()
            try:
                with self.app.app_context():
                    await part()
            except (
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                SQLAlchemyError,
                OSError,
                TimeoutError,
            ) as error:
                log.warning("worker_part_interrupted", part=name, reason=f"{type(error).__name__}: {error}")
            except Exception:
                log.exception("worker_part_failed", part=name)
            if asyncio.get_running_loop().time() - began_s > 60:
                pause_s = 0.5
            await self._pause(pause_s)
            pause_s = min(30.0, pause_s * 2)

    async def _pause(self, seconds: float) -> None:
        """Waits that long, or until the worker is to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            return

    # Jobs

    async def _run_queue(self) -> None:
        """Runs jobs over one connection of its own, until the worker stops or the connection is lost."""
        url = self.database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await asyncpg.connect(
            url, timeout=5, server_settings={"application_name": "vitrine-worker"}
        )
        connection.add_termination_listener(self._connection_lost)
        settings = queue_settings(self.database.schema)
        queries = queries_of(self.database.schema, AsyncpgDriver(connection))
        manager = QueueManager(queries, Channel(settings.channel))
        for one in registered_tasks().values():
            parameters = EntrypointExecutorParameters(one.concurrency, unused, True, "hold")
            manager.register_executor(one.name, Executor(parameters, one, self, queries.driver))
        self._interrupting = False
        running = asyncio.create_task(
            manager.run(
                dequeue_timeout=timedelta(seconds=self._poll_s),
                batch_size=self._concurrency // 2,
                max_concurrent_tasks=self._concurrency // 2 * 2,
                heartbeat_timeout=timedelta(seconds=self._heartbeat_s),
                shutdown_on_listener_failure=True,
            )
        )
        stopping = asyncio.create_task(self.stop.wait())
        try:
            await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                manager.shutdown.set()
                await asyncio.wait((running,), timeout=self._drain_s)
            if not running.done():
                log.warning("jobs_put_back", running=len(self._running))
                self._interrupt()
            await running
        finally:
            stopping.cancel()
            connection.remove_termination_listener(self._connection_lost)
            await connection.close(timeout=5)

    def _connection_lost(self, _connection: Any) -> None:
        # Without it no heartbeat arrives: another worker will take the jobs, so they must not go on here.
        if not self.stop.is_set():
            log.warning("queue_connection_lost", running=len(self._running))
        self._interrupt()

    def _interrupt(self) -> None:
        self._interrupting = True
        for one in self._running:
            one.cancel()

    async def execute(self, one: Task, job: Job, attempt: int) -> None:
        """Runs a job's function in a task of its own, which can be cancelled without PgQueuer taking the job away.

        Raises:
            Interrupted: the worker ends before the job does.
            Exception: whatever the function raised.
        """
        payload = orjson.loads(job.payload or b"{}")
        running = asyncio.create_task(self._call(one, payload, job, attempt))
        self._running.add(running)
        try:
            await running
        except asyncio.CancelledError:
            if self._interrupting and running.cancelled():
                raise Interrupted from None
            running.cancel()
            raise
        finally:
            self._running.discard(running)

    async def _call(self, one: Task, payload: dict[str, Any], job: Job, attempt: int) -> None:
        set_deadline(None)
        with self.app.app_context():
            log.info("job_started", task=one.name, job=job.id, attempt=attempt)
            await one.run(payload, self.database)
            log.info("job_done", task=one.name, job=job.id)

    # Housekeeping

    async def _beat(self) -> None:
        """Says every 5 s that the worker is alive: in its table where there is one, then in the run directory."""
        instance = self._state.settings.instance
        has_table = f"{self.database.schema}.{TABLE}" in self.database.metadata.tables
        table = f'"{self.database.schema}".{TABLE}'
        upsert = text(
            f"INSERT INTO {table} (instance, pid, version, running, started_at, seen_at)"  # noqa: S608 - a constant
            " VALUES (:instance, :pid, :version, :running, now(), now()) ON CONFLICT (instance) DO UPDATE"
            " SET pid = excluded.pid, version = excluded.version, running = excluded.running, seen_at = now(),"
            f" started_at = CASE WHEN {TABLE}.pid = excluded.pid THEN {TABLE}.started_at ELSE now() END"
        )
        directory = os.environ.get("VITRINE_RUN_DIR")
        path = Path(directory) / ALIVE_FILE if directory else None
        try:
            while not self.stop.is_set():
                beat = {
                    "instance": instance,
                    "pid": os.getpid(),
                    "version": self._state.version,
                    "running": len(self._running),
                }
                if has_table:
                    async with self.database.read_connection() as connection:
                        await connection.execute(upsert, beat)
                if path is not None:
                    draft = path.with_suffix(".draft")
                    draft.write_bytes(orjson.dumps(beat))
                    draft.replace(path)
                await self._pause(BEAT_S)
        finally:
            if path is not None:
                path.unlink(missing_ok=True)
        if has_table:
            async with self.database.read_connection() as connection:
                await connection.execute(text(f"DELETE FROM {table} WHERE instance = :i"), {"i": instance})  # noqa: S608

    async def _purge(self) -> None:
        """Deletes what is old, once an hour, from those of the kit's tables that the service has."""
        purges = {
            "idempotency_key": idempotency.purge_keys,
            "inbox": events.purge_inbox,
            "rate_limit": limits.purge_rates,
        }
        present = self.database.metadata.tables
        while not self.stop.is_set():
            for table, purge in purges.items():
                if f"{self.database.schema}.{table}" in present:
                    await purge(self.database)
            statements = []
            if registered_tasks():
                log_table = queue_settings(self.database.schema).qualified.queue_table_log
                statements.append(
                    f"DELETE FROM {log_table} WHERE aggregated"  # noqa: S608 - a constant
                    f" AND created < now() - make_interval(days => {LOG_KEPT_DAYS})"
                )
            if f"{self.database.schema}.{TABLE}" in present:
                statements.append(
                    f'DELETE FROM "{self.database.schema}".{TABLE}'  # noqa: S608 - a constant
                    " WHERE seen_at < now() - interval '1 day'"
                )
            async with self.database.read_connection() as connection:
                for statement in statements:
                    await connection.execute(text(statement))
            await self._pause(PURGE_S)


async def run_worker(app: Flask) -> int:
    """Runs the worker of an app until SIGTERM or SIGINT; returns the exit code."""
    worker = Worker(app)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop.set)
    try:
        return await worker.run()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
