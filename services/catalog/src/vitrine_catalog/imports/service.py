"""Carries an import through its states: queued, reading, merging, done; and takes it up again after a crash.

The whole file is read into a staging table before the first product is touched, so nothing is imported from
a file that turns out to be broken. Merging goes by batches, each in one transaction that also notes how far
it has come, so that a worker that takes the job up goes on where the last one stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import func
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.asgi import run_blocking
from vitrine_kit.db import Database
from vitrine_kit.logs import get_logger

from vitrine_catalog.imports import queries
from vitrine_catalog.imports.batches import Item, Source, prepare
from vitrine_catalog.imports.merging import Merger, fail
from vitrine_catalog.imports.outcome import Outcome
from vitrine_catalog.imports.reading.errors import UnreadableFile
from vitrine_catalog.imports.reading.recognise import Catalogue, recognise
from vitrine_catalog.imports.reading.records import RowProblem, load_record
from vitrine_catalog.imports.spool import path_of
from vitrine_catalog.imports.staging import MERGING, READING, Block, Blocks, Problems, copy_block, one_ahead
from vitrine_catalog.money import minor_unit_digits

BATCH_PRODUCTS: Final = 500
_TRIES: Final = 5
_PASSING: Final = frozenset({"40001", "40P01", "23505", "23503", "55P03"})
"""Conditions that another transaction has caused and that a second try meets no more (SQLSTATE)."""

_REFUSALS: Final = (DBAPIError, asyncpg.PostgresError)
"""What the database answers with: SQLAlchemy's error, or the driver's own where COPY goes past SQLAlchemy."""

_SERVER_GONE: Final = frozenset({"08", "53", "57"})
"""Classes of conditions under which nothing can be stored: the worker starts over later."""

log = get_logger(__name__)


class Superseded(Exception):
    """Another worker has taken the job up, or it is over: this one must stop and write nothing."""


class Cancelled(Exception):
    """Somebody has asked for the import to stop."""


async def run_import(job_id: UUID, database: Database, *, batch_products: int = BATCH_PRODUCTS) -> None:
    """Carry the import as far as it goes. Safe to call again at any time, by several workers at once.

    A batch of `batch_products` is merged in one transaction; between batches the import can be cancelled.
    """
    async with database.transaction() as session:
        job = await queries.take_up(session, job_id)
    if job is None:
        await _remove_left_file(job_id, database)
        return
    run = _Run(job, database, batch_products)
    try:
        await run.carry_out()
    except Superseded:
        log.info("import_superseded", import_id=str(job_id))
        return
    except Cancelled:
        await run.end("cancelled")
    except UnreadableFile as fault:
        await run.end(
            "failed",
            {
                "title": type(fault).__name__,
                "detail": fault.reason,
                "line": fault.line,
                "column": fault.column,
            },
        )
    await run_blocking(run.path.unlink, missing_ok=True)


async def _remove_left_file(job_id: UUID, database: Database) -> None:
    """Remove the file of an import that was over before a worker came to it."""
    job = await queries.find_job(database, job_id)
    if job is not None:
        await run_blocking(path_of(database, job["file_name"]).unlink, missing_ok=True)


async def give_up(job_id: UUID, database: Database, reason: str) -> None:
    """End an import that has failed too often."""
    async with database.transaction() as session:
        job = await queries.take_up(session, job_id)
    if job is not None:
        log.error("import_given_up", import_id=str(job_id), reason=reason[:500])
        error = {"title": "ImportFailed", "detail": "It failed again and again for a reason of ours."}
        await _Run(job, database, BATCH_PRODUCTS).end("failed", error)


class _Run:
    """One attempt at one import."""

    def __init__(self, job: RowMapping, database: Database, batch_products: int) -> None:
        self._job = job
        self._batch_products = batch_products
        self._id: UUID = job["id"]
        self._attempt: int = job["attempt"]
        self._database = database
        self.path: Path = path_of(database, job["file_name"])

    async def carry_out(self) -> None:
        """Read, merge, end.

        Raises:
            Cancelled, Superseded, UnreadableFile: as they say.
        """
        if self._job["cancel_requested"]:
            raise Cancelled
        if not self.path.exists():
            raise UnreadableFile("the uploaded file is gone: send it again")
        catalogue = await run_blocking(self._open)
        if not await self._is_staged():
            await self._read(catalogue)
        await self._merge(catalogue)
        await self.end("done")

    async def end(self, status: str, error: dict[str, Any] | None = None) -> None:
        """Put the job into a final state and remove its staged rows."""
        async with self._database.transaction() as session:
            await self._advance(session, {"status": status, "error": error, "finished_at": func.now()}, {})
            await queries.clear_staging(session, self._id)
        log.info("import_ended", import_id=str(self._id), status=status)

    def _open(self) -> Catalogue:
        return Catalogue(self.path, recognise(self.path), exponent=minor_unit_digits(self._job["currency"]))

    async def _advance(self, session: AsyncSession, values: dict[str, Any], added: dict[str, int]) -> bool:
        """Write progress; return whether the import is to be cancelled."""
        cancelled = await queries.advance(session, self._id, self._attempt, values, added)
        if cancelled is None:
            raise Superseded
        return cancelled

    async def _is_staged(self) -> bool:
        """Whether an earlier attempt has read the file, and what it staged is still there."""
        if self._job["status"] != "merging":
            return False
        return self._job["products_total"] == 0 or await queries.count_staged(self._database, self._id) > 0

    async def _read(self, catalogue: Catalogue) -> None:
        """Stage the file. An attempt after merging has begun only stages: problems are known already."""
        again = self._job["merged_through"] >= 0
        async with self._database.transaction() as session:
            reset = {"status": "reading", "rows_read": 0, "bytes_read": 0}
            if not again:
                counts = Outcome().columns()
                reset |= {**counts, "problems_total": 0}
                await queries.clear_reading(session, self._id)
            else:
                await queries.clear_staging(session, self._id)
            await self._advance(session, reset, {})
        blocks = Blocks(catalogue, self._id)
        problems = Problems(self._id, READING)
        block = Block(last=True)
        async with aclosing(one_ahead(blocks.next)) as series:
            async for block in series:
                await self._stage(block, problems, again=again)
        await self._finish_reading(block.rows_read, problems, again=again, fault=block.fault)

    async def _stage(self, block: Block, problems: Problems, *, again: bool) -> None:
        """Store one block and how far the reading has come."""
        async with self._database.transaction() as session:
            values = {"rows_read": block.rows_read, "bytes_read": block.bytes_read}
            added = {} if again else {**block.failed, "problems_total": len(block.problems)}
            cancelled = await self._advance(session, values, added)
            await copy_block(session, block)
            if not again:
                await problems.store(session, block.problems)
        problems.stored(block.problems)
        if cancelled:
            raise Cancelled
        if block.fault is not None and not self._job["keep_good_rows"]:
            raise block.fault

    async def _finish_reading(
        self, rows: int, problems: Problems, *, again: bool, fault: UnreadableFile | None
    ) -> None:
        """Join variations to their parents and go over to merging."""
        async with self._database.transaction() as session:
            orphans = await queries.adopt_children(session, self._id)
            found = [
                RowProblem(
                    load_record(row["record"]).line,
                    "Parent",
                    f"its parent “{row['parent_ref']}” is not in the file: the variation is left out",
                )
                for row in orphans
            ]
            if fault is not None:
                found.append(RowProblem(fault.line or 1, "", f"{fault.reason}: nothing after it is imported"))
            values = {
                "status": "merging",
                "rows_total": rows,
                "products_total": await queries.count_groups(session, self._id),
            }
            added = {} if again else {"variants_failed": len(orphans), "problems_total": len(found)}
            await self._advance(session, values, added)
            if not again:
                await problems.store(session, found)

    async def _merge(self, catalogue: Catalogue) -> None:
        """Merge what is staged, batch by batch, from where an earlier attempt stopped."""
        reader = catalogue.reader
        source = Source(
            system=reader.source_system,
            currency=self._job["currency"],
            present=reader.present,
            extra_names=frozenset(reader.extra_names),
            person=self._job["created_by"],
        )
        merger = Merger(source)
        stored = await queries.count_problems(self._database, self._id, MERGING)
        problems = Problems(self._id, MERGING, stored)
        after = self._job["merged_through"]

        async def next_batch() -> list[Item] | None:
            nonlocal after
            rows = await queries.next_groups(self._database, self._id, after, self._batch_products)
            if not rows:
                return None
            after = rows[-1]["group_seq"]
            return await run_blocking(prepare, rows, source.currency)

        async with aclosing(one_ahead(next_batch)) as batches:
            async for items in batches:
                if await self._merge_batch(merger, items, problems):
                    raise Cancelled

    async def _merge_batch(self, merger: Merger, items: Sequence[Item], problems: Problems) -> bool:
        """Merge a batch; where it cannot be stored as a whole, product by product, so that only the bad one fails."""
        for attempt in range(1, _TRIES + 1):
            try:
                return await self._merge_once(merger, items, problems)
            except _REFUSALS as error:
                merger.forget()
                if _sqlstate(error) in _PASSING and attempt < _TRIES:
                    continue
                if not _sqlstate(error) or _sqlstate(error)[:2] in _SERVER_GONE:
                    raise
                if len(items) == 1:
                    log.warning("import_product_failed", import_id=str(self._id), reason=str(error)[:500])
                    return await self._give_up_on(items[0], problems, error)
                break
        cancelled = False
        for item in items:
            cancelled = await self._merge_batch(merger, [item], problems)
        return cancelled

    async def _merge_once(self, merger: Merger, items: Sequence[Item], problems: Problems) -> bool:
        async with self._database.transaction() as session:
            outcome = await merger.merge(session, items)
            cancelled = await self._record(session, items, outcome, problems)
        problems.stored(outcome.problems)
        return cancelled

    async def _give_up_on(self, item: Item, problems: Problems, error: Exception) -> bool:
        outcome = Outcome()
        fail(item, outcome, "", f"it cannot be stored ({_sqlstate(error)})")
        async with self._database.transaction() as session:
            cancelled = await self._record(session, [item], outcome, problems)
        problems.stored(outcome.problems)
        return cancelled

    async def _record(
        self, session: AsyncSession, items: Sequence[Item], outcome: Outcome, problems: Problems
    ) -> bool:
        """Write counts, problems and how far the merging has come, in the batch's own transaction."""
        added = {**outcome.columns(), "problems_total": len(outcome.problems)}
        cancelled = await self._advance(session, {"merged_through": items[-1].group_seq}, added)
        await problems.store(session, outcome.problems)
        return cancelled


def _sqlstate(error: Exception) -> str:
    """The server's code for what went wrong; empty where the error did not come from it."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(origin, "sqlstate", None) or "")
