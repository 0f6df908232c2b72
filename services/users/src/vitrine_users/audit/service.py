"""The check of the audit log's chain, and its export; decides nothing about what is logged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson
from vitrine_kit.db import Database
from vitrine_kit.offload import run_blocking

from vitrine_users.audit import queries
from vitrine_users.audit.chain import START, Break, Link, follow
from vitrine_users.audit.queries import Wanted

BATCH_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the chain has found.

    Who can write to the database as its owner could make the whole chain anew. So note the head elsewhere from time
    to time: `position` and `digest` of one check are the `expected` of a later one.
    """

    intact: bool
    checked: int
    """How many entries were checked."""
    position: int
    """The last entry that fits."""
    digest: str
    """Its digest in hexadecimal."""
    broken_at: int | None = None
    """The first entry that does not fit."""
    reason: str | None = None


async def verify(
    db: Database, *, newest: int | None = None, expected: tuple[int, bytes] | None = None
) -> Verdict:
    """Checks the chain from its start, or its `newest` entries, up to the head of this moment.

    Args:
        db: the service's database.
        newest: how many entries to check, from the end; None checks all.
        expected: a position and the digest that an earlier check has found there.
    """
    head = Link(*await queries.get_head(db))
    first = 0 if newest is None else max(0, head.position - newest)
    at = Link(first, START)
    if first:
        digest = await queries.find_digest(db, first)
        if digest is None:
            return _broken(at, first, Break(first, "The entry is missing."))
        at = Link(first, digest)
    while at.position < head.position:
        # A batch ends at the entry whose digest is expected, so that it can be compared.
        awaited = expected is not None and at.position < expected[0] <= head.position
        until = expected[0] if awaited and expected is not None else head.position
        batch = await queries.following(db, after=at.position, until=until, limit=BATCH_ENTRIES)
        if not batch:
            return _broken(at, first, Break(at.position + 1, "The entry is missing."))
        found = await run_blocking(follow, at, [dict(row) for row in batch])
        if isinstance(found, Break):
            return _broken(at, first, found)
        at = found
        if expected is not None and at == Link(expected[0], at.digest) and at.digest != expected[1]:
            return _broken(at, first, Break(at.position, "The digest is not the one noted earlier."))
    if at.digest != head.digest:
        return _broken(at, first, Break(at.position, "The head names another digest."))
    if expected is not None and expected[0] > head.position:
        return _broken(at, first, Break(head.position + 1, "Entries noted earlier are missing."))
    return Verdict(True, at.position - first, at.position, at.digest.hex())


def _broken(at: Link, first: int, found: Break) -> Verdict:
    checked = max(0, found.position - 1 - first)
    return Verdict(False, checked, at.position, at.digest.hex(), found.position, found.reason)


async def export_lines(db: Database, wanted: Wanted) -> AsyncIterator[bytes]:
    """The entries as JSON lines, newest first, a thousand at a time; the memory it takes does not grow."""
    before = None
    while True:
        rows = await queries.list_entries(db, wanted, limit=BATCH_ENTRIES, before=before)
        if rows:
            before = rows[-1]["position"]
            yield b"".join(
                orjson.dumps(
                    {**row, "digest": bytes(row["digest"]).hex()},
                    default=str,
                    option=orjson.OPT_APPEND_NEWLINE,
                )
                for row in rows
            )
        if len(rows) < BATCH_ENTRIES:
            return
