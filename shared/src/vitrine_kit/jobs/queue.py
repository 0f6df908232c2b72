"""Jobs: how a task is declared, and how one is put into the queue in the transaction that asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from pgqueuer.core.tm import TaskManager
from pgqueuer.domain.models import Job
from pgqueuer.domain.types import JobId
from pgqueuer.ports.driver import Driver, NotifyCallback
from sqlalchemy.ext.asyncio import AsyncSession

from vitrine_kit.db import Database
from vitrine_kit.jobs.schema import queries_of
from vitrine_kit.logs import current_request_id

REQUEST_ID = "request_id"
"""The member of a job's headers that holds the request it is for."""

Payload = dict[str, Any]
Run = Callable[[Payload, Database], Awaitable[None]]
GaveUp = Callable[[Payload, Database, str], Awaitable[None]]


class RetryLater(Exception):
    """Raised by a task that cannot do its work yet; it is run again after `delay_s`, counted as an attempt."""

    def __init__(self, reason: str, delay_s: float = 1.0) -> None:
        super().__init__(reason)
        self.delay_s = delay_s


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of job: what runs it, and how often it is tried.

    A task runs at least once for each job, and again after a crash of its worker: it must be safe to repeat.
    """

    name: str
    run: Run
    max_attempts: int = 5
    concurrency: int = 0
    """How many of this kind run at once over all workers; 0 is no limit of its own."""
    backoff_s: float = 1.0
    backoff_cap_s: float = 300.0
    gave_up: GaveUp | None = None
    """Told when the last attempt has failed, with the error's text."""

    def delay_s(self, attempt: int) -> float:
        """How long to wait after the failure of an attempt, 1 being the first."""
        bound: float = self.backoff_s * 2 ** (attempt - 1)
        return min(self.backoff_cap_s, bound)


_tasks: dict[str, Task] = {}


def task(name: str, **options: Any) -> Callable[[Run], Run]:
    """Declares the coroutine function that runs the jobs of a name: `async def run(payload, database)`.

    `options` are the fields of `Task`.

    Raises:
        ValueError: the name is taken by another function.
    """

    def declare(run: Run) -> Run:
        known = _tasks.get(name)
        if known is not None and known.run is not run:
            raise ValueError(f"two tasks are named {name}")
        _tasks[name] = Task(name, run, **options)
        return run

    return declare


def registered_tasks() -> Mapping[str, Task]:
    """All declared tasks by name."""
    return _tasks


async def enqueue(
    session: AsyncSession,
    name: str,
    payload: Mapping[str, Any] | None = None,
    *,
    delay_s: float = 0,
    priority: int = 0,
    dedupe_key: str | None = None,
) -> int | None:
    """Puts a job into the queue; it is there when, and only when, the session's transaction commits.

    The job is logged under the id of the request that is being served.

    Args:
        session: the transaction that asks for the work.
        name: which task is to run.
        payload: what the task is given, as JSON.
        delay_s: seconds to wait before it may run.
        priority: jobs of a higher one run first.
        dedupe_key: with a key that a waiting or running job has already, nothing is done.

    Returns:
        The job's number; None where `dedupe_key` kept it out.

    Raises:
        LookupError: no task has that name.
    """
    if name not in _tasks:
        raise LookupError(f"no task is named {name}")
    database = session.info["vitrine_database"]
    assert isinstance(database, Database), "this session was not opened by Database.transaction"
    [number] = await queries_of(database.schema, SessionDriver(session)).enqueue(
        [name],
        [orjson.dumps(payload or {}, default=str)],
        [priority],
        [timedelta(seconds=delay_s)],
        [dedupe_key],
        [_headers()],
        on_conflict="skip",
    )
    return number


def _headers() -> dict[str, str] | None:
    request_id = current_request_id()
    return None if request_id is None else {REQUEST_ID: request_id}


def request_id_of(job: Job) -> str | None:
    """The id of the request in which the job was queued, or in which the job was that queued it."""
    found = (job.headers or {}).get(REQUEST_ID)
    return found if isinstance(found, str) else None


async def requeue(session: AsyncSession, numbers: Sequence[int]) -> None:
    """Queues jobs that were given up anew, with all their attempts; others are let be."""
    database = session.info["vitrine_database"]
    await queries_of(database.schema, SessionDriver(session)).requeue_jobs([JobId(one) for one in numbers])


class SessionDriver(Driver):
    """Runs PgQueuer's statements in a session's transaction.

    They go through SQLAlchemy and not around it, because SQLAlchemy sends BEGIN only with the first statement that
    it sees: straight on the connection the job would be committed at once.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        connection = await self._session.connection()
        result = await connection.exec_driver_sql(query, args)
        return [dict(row) for row in result.mappings()]

    async def execute(self, query: str, *args: object) -> str:
        connection = await self._session.connection()
        await connection.exec_driver_sql(query, args)
        return ""

    async def notify(self, channel: str, payload: str) -> None:
        raise NotImplementedError("a transaction only queues jobs")

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        raise NotImplementedError("a transaction only queues jobs")

    @property
    def shutdown(self) -> asyncio.Event:
        raise NotImplementedError("a transaction only queues jobs")

    @property
    def tm(self) -> TaskManager:
        raise NotImplementedError("a transaction only queues jobs")

    async def __aenter__(self) -> SessionDriver:
        raise NotImplementedError("a transaction only queues jobs")

    async def __aexit__(self, *_: object) -> None:
        raise NotImplementedError("a transaction only queues jobs")
