"""The inbox: each event is taken once, in one transaction with what it causes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from sqlalchemy import TIMESTAMP, Column, Index, MetaData, Table, Text, Uuid, text
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from vitrine_kit.auth import require_service
from vitrine_kit.db import Database, current_database
from vitrine_kit.events.outbox import database_of
from vitrine_kit.logs import get_logger
from vitrine_kit.problems import FieldError, Unprocessable

log = get_logger(__name__)

TABLE = "inbox"
KEPT_DAYS = 30
"""How long ids are remembered; a relay that repeats an event does so within minutes, or after a restored backup."""


class InboundEvent(BaseModel):
    """An event as it travels; members that are not known are let be, for the sender may be newer."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: UUID
    topic: str
    aggregate_id: str
    occurred_at: AwareDatetime
    payload: dict[str, Any]


Handler = Callable[[AsyncSession, InboundEvent], Awaitable[None]]


def inbox_table(metadata: MetaData) -> Table:
    """Adds the inbox to a service's tables."""
    return Table(
        TABLE,
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("source", Text, nullable=False),
        Column("topic", Text, nullable=False),
        Column("received_at", TIMESTAMP(timezone=True), nullable=False, server_default=text("now()")),
        Index(None, "received_at"),
        comment="Events already taken, so that a repetition changes nothing.",
    )


async def receive(session: AsyncSession, event: InboundEvent, *, source: str = "") -> bool:
    """Marks an event as taken in the session's transaction; False when it was taken before."""
    statement = text(
        f'INSERT INTO "{database_of(session).schema}".{TABLE} (id, source, topic)'  # noqa: S608 - a constant
        " VALUES (:id, :source, :topic) ON CONFLICT (id) DO NOTHING RETURNING id"
    )
    done = await session.execute(statement, {"id": event.id, "source": source, "topic": event.topic})
    return done.scalar() is not None


def inbox_blueprint(handlers: Mapping[str, Handler], *, sources: tuple[str, ...] = ()) -> Blueprint:
    """A blueprint with `POST /internal/events`, where neighbours deliver.

    A handler runs in the transaction that marks the event as taken: both happen or neither. It answers 204 for an
    event taken now or before, and for a topic nobody here handles, for the sender may be newer than this service.

    Args:
        handlers: what to do with the events of each topic.
        sources: names of the services that may deliver; any neighbour by default.
    """
    bp = Blueprint("vitrine_inbox", __name__)

    @bp.post("/internal/events")
    async def deliver() -> Response:
        sender = require_service(*sources)
        try:
            event = InboundEvent.model_validate_json(request.get_data(cache=False))
        except ValidationError as error:
            found = [
                FieldError(".".join(map(str, one["loc"])) or "body", one["msg"]) for one in error.errors()
            ]
            raise Unprocessable("This is no event.", errors=found) from error
        handler = handlers.get(event.topic)
        if handler is None:
            log.info("event_ignored", topic=event.topic, event_id=str(event.id), source=sender.name)
            return Response(status=204)
        async with current_database().transaction() as session:
            if await receive(session, event, source=sender.name):
                await handler(session, event)
                log.info("event_taken", topic=event.topic, event_id=str(event.id), source=sender.name)
        return Response(status=204)

    return bp


async def purge_inbox(database: Database, *, before: datetime | None = None) -> int:
    """Forgets the ids of events older than `before`, 30 days by default; returns how many."""
    statement = text(
        f'DELETE FROM "{database.schema}".{TABLE}'  # noqa: S608 - a constant
        " WHERE received_at < coalesce(:before, now() - make_interval(days => :days))"
    )
    async with database.read_connection() as connection:
        done = await connection.execute(statement, {"before": before, "days": KEPT_DAYS})
    assert isinstance(done, CursorResult)
    return done.rowcount
