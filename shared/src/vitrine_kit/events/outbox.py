"""The outbox: events written in the same transaction as the data they tell of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from vitrine_kit.db import Database
from vitrine_kit.ids import new_id
from vitrine_kit.logs import current_request_id

TABLE = "outbox"


def outbox_table(metadata: MetaData) -> Table:
    """Adds the outbox to a service's tables."""
    return Table(
        TABLE,
        metadata,
        Column("position", BigInteger, Identity(always=True), primary_key=True),
        Column("id", Uuid, nullable=False, unique=True),
        Column("topic", Text, nullable=False),
        Column("aggregate_id", Text, nullable=False),
        Column("payload", JSONB, nullable=False),
        Column("occurred_at", TIMESTAMP(timezone=True), nullable=False, server_default=text("now()")),
        Column("delivered_to", ARRAY(Text), nullable=False, server_default=text("'{}'")),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("next_attempt_at", TIMESTAMP(timezone=True), nullable=False, server_default=text("now()")),
        Column("last_error", Text),
        Column(
            "request_id", Text, comment="The request in which it was written; it is delivered under the same"
        ),
        Index(None, "aggregate_id", "position"),
        comment="Events not yet acknowledged by every service they are for; rows go when they are.",
    )


def channel_of(schema: str) -> str:
    """The channel on which PostgreSQL tells the relay of new events."""
    return f"{schema}_outbox"


def database_of(session: AsyncSession) -> Database:
    """The database a session of `Database.transaction` belongs to."""
    found = session.info.get("vitrine_database")
    assert isinstance(found, Database), "this session was not opened by Database.transaction"
    return found


async def emit(
    session: AsyncSession,
    *,
    topic: str,
    aggregate_id: UUID | str,
    payload: Mapping[str, Any] | None = None,
) -> UUID:
    """Writes an event that leaves when, and only when, the session's transaction commits.

    Events of one aggregate are delivered in the order in which their transactions commit.

    Args:
        session: the transaction that changes what the event tells of.
        topic: what happened, such as "person.deleted".
        aggregate_id: to whom or what it happened.
        payload: what receivers need to know, as JSON.

    Returns:
        The event's id, by which receivers drop duplicates.
    """
    schema = database_of(session).schema
    event_id = new_id()
    parameters = {
        "id": event_id,
        "topic": topic,
        "aggregate": str(aggregate_id),
        "payload": orjson.dumps(payload or {}, default=str).decode(),
        "channel": channel_of(schema),
        "request_id": current_request_id(),
    }
    # Positions are given out before the commit. Without the lock a later event of the aggregate could be seen, and
    # sent, before an earlier one whose transaction is still running.
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:channel || ':' || :aggregate, 0))"),
        {"channel": parameters["channel"], "aggregate": parameters["aggregate"]},
    )
    await session.execute(
        text(
            f"WITH told AS (SELECT pg_notify(:channel, '')) INSERT INTO \"{schema}\".{TABLE}"  # noqa: S608 - a constant
            " (id, topic, aggregate_id, payload, request_id)"
            " SELECT :id, :topic, :aggregate, CAST(:payload AS jsonb), :request_id FROM told"
        ),
        parameters,
    )
    return event_id


async def outbox_lag_s(database: Database) -> float:
    """The age of the oldest event still to be delivered, in seconds; 0 when there is none."""
    statement = text(
        "SELECT extract(epoch FROM clock_timestamp() - occurred_at)::float8"  # noqa: S608 - a constant
        f' FROM "{database.schema}".{TABLE} ORDER BY position LIMIT 1'
    )
    found: float | None = await database.fetch_value(statement)
    return found or 0.0
