"""One attempt at a job: counted over crashes, waited after, put back when its worker ends, given up at last."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson
from pgqueuer.core.executors import AbstractEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Context, Job

from vitrine_kit.jobs.queue import RetryLater, Task, request_id_of
from vitrine_kit.jobs.schema import queue_settings
from vitrine_kit.logs import get_logger, on_behalf_of

if TYPE_CHECKING:
    from vitrine_kit.jobs.worker import Worker

log = get_logger(__name__)

_INTERRUPTED = "interrupted: the worker ends"


class Interrupted(Exception):
    """A job was put back because its worker ends; it does not count as a failed attempt."""


async def unused(_job: Job) -> None:
    """Stands where PgQueuer wants the function of an entrypoint; `Executor` calls the task's own instead."""
    raise NotImplementedError("the executor runs the task")


class Executor(AbstractEntrypointExecutor):
    """Runs a task for PgQueuer: counts attempts over crashes, waits longer after each failure, gives up at last."""

    def __init__(
        self, parameters: EntrypointExecutorParameters, one: Task, worker: Worker, driver: Any
    ) -> None:
        super().__init__(parameters)
        self._task = one
        self._worker = worker
        self._driver = driver
        table = queue_settings(worker.database.schema).qualified.queue_table_log
        # Each time a job is taken there is a line in the log, also when its worker died of it; the column that
        # PgQueuer counts in misses those. A job that was put back, or queued anew by hand, starts no new count.
        self._count = (
            "SELECT count(*) FILTER (WHERE status = 'picked') - count(*) FILTER (WHERE status = 'queued'"  # noqa: S608
            " AND traceback->>'exception_message' = $2) AS attempt"
            f" FROM {table} WHERE job_id = $1 AND created > coalesce("
            f"(SELECT max(created) FROM {table} WHERE job_id = $1 AND status = 'failed'), '-infinity')"
        )

    async def execute(self, job: Job, context: Context) -> None:
        """Runs one attempt.

        Raises:
            RetryRequested: the job is to be queued again.
            Exception: the last attempt failed; PgQueuer then keeps the job as failed.
        """
        with on_behalf_of(request_id_of(job)):
            await self._attempt(job)

    async def _attempt(self, job: Job) -> None:
        try:
            [row] = await self._driver.fetch(self._count, job.id, _INTERRUPTED)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            # Not the job's fault, so it must not end as failed.
            raise RetryRequested(timedelta(seconds=1), reason=_INTERRUPTED) from error
        attempt = max(1, row["attempt"])
        if attempt > self._task.max_attempts:
            reason = f"The worker ended {attempt - 1} times while this ran."
            await self._give_up(job, reason)
            raise RuntimeError(reason)
        try:
            await self._worker.execute(self._task, job, attempt)
        except Interrupted as error:
            raise RetryRequested(reason=_INTERRUPTED) from error
        except RetryLater as error:
            await self._retry(job, attempt, error, error.delay_s)
        except Exception as error:
            log.exception("job_failed", task=self._task.name, job=job.id, attempt=attempt)
            await self._retry(job, attempt, error, self._task.delay_s(attempt))

    async def _retry(self, job: Job, attempt: int, error: Exception, delay_s: float) -> None:
        if attempt >= self._task.max_attempts:
            await self._give_up(job, str(error) or type(error).__name__)
            raise error
        raise RetryRequested(timedelta(seconds=delay_s), reason=f"{type(error).__name__}: {error}") from error

    async def _give_up(self, job: Job, error: str) -> None:
        log.error("job_given_up", task=self._task.name, job=job.id, reason=error)
        if self._task.gave_up is None:
            return
        try:
            with self._worker.app.app_context():
                await self._task.gave_up(orjson.loads(job.payload or b"{}"), self._worker.database, error)
        except Exception:
            log.exception("job_gave_up_failed", task=self._task.name, job=job.id)
