"""Makes events of what is new in the audit log: each entry once, whatever becomes of the worker."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id

from vitrine_users.webhooks import queries
from vitrine_users.webhooks.events import CREATED, event_of

BATCH = 500


async def tell_new(database: Database) -> int:
    """Writes the deliveries of at most 500 entries; returns how many entries it has looked at.

    The deliveries and the cursor commit together. Positions are given out under a lock that is held to the commit
    (`audit.log`), so an entry never appears behind one that was seen before.
    """
    if not await queries.anything_untold(database):
        return 0
    async with database.transaction() as session:
        position = await queries.hold_cursor(session)
        return 0 if position is None else await _tell_after(session, position)


async def _tell_after(session: AsyncSession, position: int) -> int:
    entries = await queries.entries_after(session, position, limit=BATCH)
    if not entries:
        return 0
    endpoints = await queries.listening_endpoints(session)
    rows: list[dict[str, Any]] = []
    created: set[Any] = set()
    for entry in entries:
        event = event_of(entry) if endpoints else None
        if event is None:
            continue
        if event.name == CREATED:
            # An invitation taken up by way of a provider is two entries of one transaction, and one account.
            if entry["subject_id"] in created:
                continue
            created.add(entry["subject_id"])
        event_id = new_id()
        rows += [
            {
                "id": new_id(),
                "endpoint_id": endpoint["id"],
                "event_id": event_id,
                "event_type": event.name,
                "subject_id": entry["subject_id"],
                "occurred_at": entry["occurred_at"],
                "payload": event.payload,
            }
            for endpoint in endpoints
            if event.name in endpoint["event_types"] and endpoint["listens_since"] <= entry["occurred_at"]
        ]
    await queries.add_deliveries(session, rows)
    await queries.move_cursor(session, entries[-1]["position"])
    return len(entries)
