"""Reads a file into the staging table: a thread parses, the event loop copies, one block ahead of each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from vitrine_catalog.imports.queries import MAX_STORED_PROBLEMS, copy_rows
from vitrine_catalog.imports.reading.errors import MalformedFile
from vitrine_catalog.imports.reading.recognise import Catalogue
from vitrine_catalog.imports.reading.records import RowProblem, dump_record

T = TypeVar("T")

READING: Final = 0
MERGING: Final = 1

_BLOCK_ROWS: Final = 2_000
_BLOCK_BYTES: Final = 2 << 20

_ROW_COLUMNS: Final = ("job_id", "seq", "group_seq", "refs", "parent_ref", "record")
_PROBLEM_COLUMNS: Final = ("job_id", "line", "stage", "seq", "field", "message", "severity")


@dataclass(slots=True)
class Block:
    """Some of the file's records as rows of the staging table, and what was wrong with the rows they came from."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    failed: dict[str, int] = field(default_factory=dict)
    rows_read: int = 0
    bytes_read: int = 0
    fault: MalformedFile | None = None
    last: bool = False


class Blocks:
    """A catalogue file as a series of blocks, each made in a thread when it is asked for."""

    def __init__(self, catalogue: Catalogue, job_id: Any) -> None:
        self._catalogue = catalogue
        self._job_id = job_id
        self._parts = catalogue.parts()
        # Digests instead of keys: 16 bytes for a product, however long its handle.
        self._first: dict[int, int] = {}
        self._seq = 0
        self._ended = False

    async def next(self) -> Block | None:
        """The next block; None after the last."""
        return None if self._ended else await asyncio.to_thread(self._make)

    def _make(self) -> Block:
        block = Block()
        size_bytes = 0
        try:
            for part in self._parts:
                block.problems += part.problems
                for kind in ("products", "variants", "images"):
                    failed = getattr(part, f"failed_{kind}")
                    if failed:
                        block.failed[f"{kind}_failed"] = block.failed.get(f"{kind}_failed", 0) + failed
                if part.key or part.parent_ref:
                    record = dump_record(part.record)
                    size_bytes += len(record)
                    group = None
                    if not part.parent_ref:
                        group = self._first.setdefault(hash(part.key), self._seq)
                    block.rows.append(
                        (self._job_id, self._seq, group, part.refs, part.parent_ref or None, record)
                    )
                    self._seq += 1
                if len(block.rows) + len(block.problems) >= _BLOCK_ROWS or size_bytes >= _BLOCK_BYTES:
                    break
            else:
                block.last = True
        except MalformedFile as fault:
            block.fault = fault
            block.last = True
        self._ended = block.last
        block.rows_read = self._catalogue.rows_read
        block.bytes_read = self._catalogue.bytes_read
        return block


async def one_ahead(produce: Callable[[], Awaitable[T | None]]) -> AsyncGenerator[T, None]:
    """What `produce` gives until it gives None; the next is being made while the last one is used.

    Two are held at a time, no more. Close it where it is left early: it waits for the one being made.
    """
    pending = asyncio.ensure_future(produce())
    try:
        while (made := await pending) is not None:
            pending = asyncio.ensure_future(produce())
            yield made
    finally:
        if not pending.done():
            await asyncio.wait([pending])
        if not pending.cancelled():
            pending.exception()


async def copy_block(session: AsyncSession, block: Block) -> None:
    """COPY a block's rows into the staging table."""
    await copy_rows(session, "import_row", _ROW_COLUMNS, block.rows)


class Problems:
    """Stores the problems of one stage of an import, as many as are kept, and counts all of them."""

    def __init__(self, job_id: Any, stage: int, stored: int = 0) -> None:
        self._job_id = job_id
        self._stage = stage
        self._stored = stored

    async def store(self, session: AsyncSession, problems: list[RowProblem]) -> int:
        """COPY the problems; return how many there were. Call `stored` once the transaction is through."""
        await copy_rows(session, "import_problem", _PROBLEM_COLUMNS, self._records(problems))
        return len(problems)

    def stored(self, problems: list[RowProblem]) -> None:
        """Note that these problems have been committed."""
        self._stored += min(len(problems), self._room())

    def _room(self) -> int:
        return max(MAX_STORED_PROBLEMS - self._stored, 0)

    def _records(self, problems: list[RowProblem]) -> Iterator[tuple[Any, ...]]:
        for n, problem in enumerate(problems[: self._room()]):
            yield (
                self._job_id,
                problem.line,
                self._stage,
                self._stored + n,
                problem.field[:255],
                problem.message[:1000],
                problem.severity,
            )
