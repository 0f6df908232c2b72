"""Every SQL statement on the tables of imports; merging into the catalogue has its own, in `merge_queries`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import bindparam, delete, func, insert, select, text, tuple_, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database

from vitrine_catalog.base import SCHEMA
from vitrine_catalog.imports.models import ImportJob, ImportProblem, ImportRow

MAX_STORED_PROBLEMS: Final = 10_000
"""Problems kept of one stage of an import; more are only counted."""

JOB_COLUMNS: Final = tuple(ImportJob.__table__.columns)

_FIND: Final = select(*JOB_COLUMNS).where(ImportJob.id == bindparam("id"))
_NEWEST: Final = (
    select(*JOB_COLUMNS).order_by(ImportJob.created_at.desc(), ImportJob.id.desc()).limit(bindparam("count"))
)
_NEWEST_AFTER: Final = _NEWEST.where(
    tuple_(ImportJob.created_at, ImportJob.id) < tuple_(bindparam("created_at"), bindparam("after_id"))
)
_PROBLEM_KEY: Final = (ImportProblem.line, ImportProblem.stage, ImportProblem.seq)
_PROBLEMS: Final = (
    select(*_PROBLEM_KEY, ImportProblem.field, ImportProblem.message, ImportProblem.severity)
    .where(ImportProblem.job_id == bindparam("id"))
    .order_by(*_PROBLEM_KEY)
    .limit(bindparam("count"))
)
_PROBLEMS_AFTER: Final = _PROBLEMS.where(
    tuple_(*_PROBLEM_KEY) > tuple_(bindparam("line"), bindparam("stage"), bindparam("seq"))
)

_ADOPT: Final = text(
    """
    UPDATE import_row AS child SET group_seq = parent.group_seq
    FROM (
        SELECT DISTINCT ON (ref) ref, group_seq
        FROM import_row, unnest(refs) AS ref
        WHERE job_id = :id AND parent_ref IS NULL
        ORDER BY ref, seq
    ) AS parent
    WHERE child.job_id = :id AND child.parent_ref = parent.ref AND child.group_seq IS NULL
    """
)
_ORPHANS: Final = text(
    """
    DELETE FROM import_row WHERE job_id = :id AND group_seq IS NULL
    RETURNING parent_ref, record
    """
)
_GROUPS: Final = text("SELECT count(DISTINCT group_seq) FROM import_row WHERE job_id = :id")
_NEXT_GROUPS: Final = text(
    """
    SELECT group_seq, record FROM import_row
    WHERE job_id = :id AND group_seq > :after AND group_seq <= (
        SELECT max(group_seq) FROM (
            SELECT DISTINCT group_seq FROM import_row
            WHERE job_id = :id AND group_seq > :after ORDER BY group_seq LIMIT :count
        ) AS window_of_groups
    )
    ORDER BY group_seq, seq
    """
)


async def raw_connection(session: AsyncSession) -> asyncpg.Connection:
    """The driver's own connection, for COPY.

    SQLAlchemy begins the transaction with its first statement, so the session must have executed one.
    """
    connection = await session.connection()
    proxy = await connection.get_raw_connection()
    driver = proxy.driver_connection
    assert driver is not None, "the pool gave no connection"
    return driver


async def copy_rows(
    session: AsyncSession, table: str, columns: Sequence[str], records: Iterable[Sequence[Any]]
) -> None:
    """COPY rows into one of the catalogue's tables within the session's transaction."""
    driver = await raw_connection(session)
    await driver.copy_records_to_table(table, schema_name=SCHEMA, columns=columns, records=records)


async def insert_job(session: AsyncSession, values: Mapping[str, Any]) -> RowMapping:
    """Store a new import; return it."""
    result = await session.execute(insert(ImportJob).values(**values).returning(*JOB_COLUMNS))
    return result.mappings().one()


async def find_job(database: Database, job_id: UUID) -> RowMapping | None:
    """The import, or None."""
    return await database.fetch_one(_FIND, {"id": job_id})


async def list_jobs(
    database: Database, count: int, after: tuple[datetime, UUID] | None
) -> Sequence[RowMapping]:
    """At most `count` imports, newest first, beginning after the given one."""
    if after is None:
        return await database.fetch_all(_NEWEST, {"count": count})
    return await database.fetch_all(
        _NEWEST_AFTER, {"count": count, "created_at": after[0], "after_id": after[1]}
    )


async def list_problems(
    database: Database, job_id: UUID, count: int, after: tuple[int, int, int] | None
) -> Sequence[RowMapping]:
    """At most `count` problems of an import, by line, beginning after the given one."""
    if after is None:
        return await database.fetch_all(_PROBLEMS, {"id": job_id, "count": count})
    line, stage, seq = after
    return await database.fetch_all(
        _PROBLEMS_AFTER, {"id": job_id, "count": count, "line": line, "stage": stage, "seq": seq}
    )


async def take_up(session: AsyncSession, job_id: UUID) -> RowMapping | None:
    """Raise the job's attempt and return it; None where there is no such job or it is over.

    From then on a worker that took it up before can write nothing more of it (see `advance`).
    """
    result = await session.execute(
        update(ImportJob)
        .where(ImportJob.id == job_id, ImportJob.finished_at.is_(None))
        .values(
            attempt=ImportJob.attempt + 1,
            started_at=func.coalesce(ImportJob.started_at, func.now()),
            updated_at=func.now(),
        )
        .returning(*JOB_COLUMNS)
    )
    return result.mappings().one_or_none()


async def advance(
    session: AsyncSession, job_id: UUID, attempt: int, values: Mapping[str, Any], added: Mapping[str, int]
) -> bool | None:
    """Write how far the job has come: set `values`, raise counters by `added`.

    Returns whether it is to be cancelled; None where another worker has taken it up since, so that this
    one must stop. The row stays locked until the transaction ends.
    """
    raised = {name: getattr(ImportJob, name) + number for name, number in added.items() if number}
    result = await session.execute(
        update(ImportJob)
        .where(ImportJob.id == job_id, ImportJob.attempt == attempt, ImportJob.finished_at.is_(None))
        .values(updated_at=func.now(), **values, **raised)
        .returning(ImportJob.cancel_requested)
    )
    return result.scalar_one_or_none()


async def request_cancel(session: AsyncSession, job_id: UUID) -> RowMapping | None:
    """Ask a running job to stop, end one that has not begun; return it, or None where there is none."""
    found = await session.execute(select(ImportJob.status).where(ImportJob.id == job_id).with_for_update())
    status = found.scalar_one_or_none()
    if status is None:
        return None
    if status == "queued":
        values: dict[str, Any] = {"status": "cancelled", "finished_at": func.now()}
    else:
        values = {}
    result = await session.execute(
        update(ImportJob)
        .where(ImportJob.id == job_id)
        .values(cancel_requested=True, updated_at=func.now(), **values)
        .returning(*JOB_COLUMNS)
        if status in ("queued", "reading", "merging")
        else select(*JOB_COLUMNS).where(ImportJob.id == job_id)
    )
    return result.mappings().one()


async def clear_reading(session: AsyncSession, job_id: UUID) -> None:
    """Forget what an earlier attempt at reading has staged and found wrong."""
    await session.execute(delete(ImportRow).where(ImportRow.job_id == job_id))
    await session.execute(delete(ImportProblem).where(ImportProblem.job_id == job_id))


async def clear_staging(session: AsyncSession, job_id: UUID) -> None:
    """Remove the staged rows of a job."""
    await session.execute(delete(ImportRow).where(ImportRow.job_id == job_id))


async def adopt_children(session: AsyncSession, job_id: UUID) -> Sequence[RowMapping]:
    """Join rows to the parents they name; remove and return those whose parent is nowhere in the file."""
    await session.execute(_ADOPT, {"id": job_id})
    return (await session.execute(_ORPHANS, {"id": job_id})).mappings().all()


async def count_groups(session: AsyncSession, job_id: UUID) -> int:
    """How many products are staged."""
    return int((await session.execute(_GROUPS, {"id": job_id})).scalar_one())


async def count_staged(database: Database, job_id: UUID) -> int:
    """How many rows are staged."""
    statement = select(func.count()).select_from(ImportRow).where(ImportRow.job_id == bindparam("id"))
    return int(await database.fetch_value(statement, {"id": job_id}))


async def next_groups(database: Database, job_id: UUID, after: int, count: int) -> Sequence[RowMapping]:
    """The staged rows of the next `count` products, product by product."""
    return await database.fetch_all(_NEXT_GROUPS, {"id": job_id, "after": after, "count": count})


async def count_problems(database: Database, job_id: UUID, stage: int) -> int:
    """How many problems of a stage are stored."""
    statement = (
        select(func.count())
        .select_from(ImportProblem)
        .where(ImportProblem.job_id == bindparam("id"), ImportProblem.stage == bindparam("stage"))
    )
    return int(await database.fetch_value(statement, {"id": job_id, "stage": stage}))


async def forget_person(session: AsyncSession, person_id: UUID) -> None:
    """Take a person's id off the imports they started."""
    await session.execute(update(ImportJob).where(ImportJob.created_by == person_id).values(created_by=None))
