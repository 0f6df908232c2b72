"""Every SQL statement about webhook endpoints, their deliveries, and the cursor in the audit log."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, case, delete, func, insert, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id

from vitrine_users.accounts.models import Account
from vitrine_users.audit.models import AuditEntry, AuditHead
from vitrine_users.webhooks.models import WebhookAttempt, WebhookCursor, WebhookDelivery, WebhookEndpoint

WAITING = "waiting"
DELIVERED = "delivered"
FAILED = "failed"

ENDPOINT = (
    WebhookEndpoint.id,
    WebhookEndpoint.url,
    WebhookEndpoint.description,
    WebhookEndpoint.event_types,
    WebhookEndpoint.include_email,
    WebhookEndpoint.previous_until,
    WebhookEndpoint.disabled_at,
    WebhookEndpoint.disabled_because,
    WebhookEndpoint.failing_since,
    WebhookEndpoint.last_delivered_at,
    WebhookEndpoint.version,
    WebhookEndpoint.created_at,
    WebhookEndpoint.updated_at,
)
"""What an endpoint shows of itself: all but its secrets."""

DELIVERY = (
    WebhookDelivery.id,
    WebhookDelivery.event_id,
    WebhookDelivery.event_type,
    WebhookDelivery.occurred_at,
    WebhookDelivery.state,
    WebhookDelivery.attempts,
    WebhookDelivery.next_attempt_at,
    WebhookDelivery.last_status,
    WebhookDelivery.last_error,
    WebhookDelivery.last_duration_ms,
    WebhookDelivery.delivered_at,
    WebhookDelivery.created_at,
)
"""What a delivery shows of itself in a list."""

_UNTOLD = (
    select(AuditHead.position > WebhookCursor.position)
    .select_from(AuditHead)
    .join(WebhookCursor, WebhookCursor.id == AuditHead.id)
)

# One of each endpoint's deliveries at a time, so that none stands in another's queue.
_CLAIM = text(
    """
    UPDATE users.webhook_deliveries AS d
       SET next_attempt_at = now() + make_interval(secs => :lease_s), attempts = d.attempts + 1
      FROM (SELECT one.id
              FROM users.webhook_endpoints e
             CROSS JOIN LATERAL (
                   SELECT w.id FROM users.webhook_deliveries w
                    WHERE w.endpoint_id = e.id AND w.state = 'waiting' AND w.next_attempt_at <= now()
                    ORDER BY w.next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED) one
             WHERE e.disabled_at IS NULL AND e.id <> ALL(CAST(:full AS uuid[]))) due
     WHERE d.id = due.id
    RETURNING d.id, d.endpoint_id, d.event_id, d.event_type, d.subject_id, d.payload, d.attempts
    """
)


# Endpoints


async def list_endpoints(db: Database) -> Sequence[RowMapping]:
    """All endpoints, oldest first."""
    return await db.fetch_all(select(*ENDPOINT).order_by(WebhookEndpoint.id))


async def find_endpoint(db: Database, endpoint_id: UUID) -> RowMapping | None:
    """One endpoint, without its secrets."""
    return await db.fetch_one(select(*ENDPOINT).where(WebhookEndpoint.id == endpoint_id))


async def hold_endpoint(session: AsyncSession, endpoint_id: UUID) -> RowMapping | None:
    """One endpoint with its sealed secrets, held until the transaction ends."""
    statement = select(
        *ENDPOINT,
        WebhookEndpoint.created_by,
        WebhookEndpoint.sealed_secret,
        WebhookEndpoint.sealed_previous_secret,
    ).where(WebhookEndpoint.id == endpoint_id)
    return (await session.execute(statement.with_for_update())).mappings().one_or_none()


async def count_endpoints(session: AsyncSession) -> int:
    """How many endpoints there are; whoever else counts in a transaction waits for this one."""
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('users.webhook_endpoints', 0))")
    )
    return (await session.execute(select(func.count()).select_from(WebhookEndpoint))).scalar_one()


async def add_endpoint(session: AsyncSession, **values: object) -> RowMapping:
    """Stores an endpoint."""
    statement = insert(WebhookEndpoint).values(**values).returning(*ENDPOINT)
    return (await session.execute(statement)).mappings().one()


async def change_endpoint(session: AsyncSession, endpoint_id: UUID, **values: object) -> RowMapping:
    """Stores these columns of an endpoint, and counts the change."""
    statement = (
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id)
        .values(version=WebhookEndpoint.version + 1, updated_at=func.now(), **values)
        .returning(*ENDPOINT)
    )
    return (await session.execute(statement)).mappings().one()


async def delete_endpoint(session: AsyncSession, endpoint_id: UUID) -> None:
    """Deletes an endpoint with its deliveries."""
    await session.execute(delete(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id))


async def find_for_sending(db: Database, endpoint_id: UUID) -> RowMapping | None:
    """What is needed to send to an endpoint; the former secret only while it is still signed under."""
    overlaps = WebhookEndpoint.previous_until > func.now()
    statement = select(
        WebhookEndpoint.id,
        WebhookEndpoint.url,
        WebhookEndpoint.include_email,
        WebhookEndpoint.sealed_secret,
        case((overlaps, WebhookEndpoint.sealed_previous_secret), else_=None).label("sealed_previous_secret"),
    ).where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.disabled_at.is_(None))
    return await db.fetch_one(statement)


async def forget_former_secrets(session: AsyncSession) -> None:
    """Drops secrets that nothing is signed under any more."""
    await session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.previous_until <= func.now())
        .values(sealed_previous_secret=None, previous_until=None)
    )


# From the audit log to deliveries


async def anything_untold(db: Database) -> bool:
    """Whether the audit log has entries of which no events were made yet."""
    return bool(await db.fetch_value(_UNTOLD))


async def hold_cursor(session: AsyncSession) -> int | None:
    """The position up to which events were made, held until the transaction ends; None where another holds it."""
    statement = select(WebhookCursor.position).where(WebhookCursor.id == 1)
    return (await session.execute(statement.with_for_update(skip_locked=True))).scalar_one_or_none()


async def entries_after(session: AsyncSession, position: int, *, limit: int) -> Sequence[RowMapping]:
    """Entries of the audit log after this position, in order."""
    statement = (
        select(
            AuditEntry.position,
            AuditEntry.occurred_at,
            AuditEntry.action,
            AuditEntry.actor_id,
            AuditEntry.subject_id,
            AuditEntry.outcome,
            AuditEntry.details,
        )
        .where(AuditEntry.position > position)
        .order_by(AuditEntry.position)
        .limit(limit)
    )
    return (await session.execute(statement)).mappings().all()


async def listening_endpoints(session: AsyncSession) -> Sequence[RowMapping]:
    """The endpoints that are told of events: of which, and since when."""
    statement = select(WebhookEndpoint.id, WebhookEndpoint.event_types, WebhookEndpoint.listens_since)
    return (await session.execute(statement.where(WebhookEndpoint.disabled_at.is_(None)))).mappings().all()


async def add_deliveries(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Stores deliveries that are due at once."""
    if rows:
        due = [{"state": WAITING, **row} for row in rows]
        await session.execute(insert(WebhookDelivery).values(next_attempt_at=func.now()), due)


async def move_cursor(session: AsyncSession, position: int) -> None:
    """Notes up to where events were made."""
    await session.execute(update(WebhookCursor).where(WebhookCursor.id == 1).values(position=position))


# Deliveries


async def claim_due(session: AsyncSession, *, full: Collection[UUID], lease_s: float) -> Sequence[RowMapping]:
    """One due delivery of each endpoint that is not `full`; for `lease_s` nobody else gets them."""
    found = await session.execute(_CLAIM, {"full": [str(one) for one in full], "lease_s": lease_s})
    return found.mappings().all()


async def find_email(db: Database, account_id: UUID) -> str | None:
    """The e-mail address of an account as it is now; None where the account is gone."""
    found: str | None = await db.fetch_value(select(Account.email).where(Account.id == account_id))
    return found


async def add_attempt(
    session: AsyncSession, delivery_id: UUID, *, status: int | None, error: str | None, duration_ms: int
) -> None:
    """Stores what became of an attempt, unless its delivery was deleted meanwhile."""
    values = select(
        literal(new_id()),
        WebhookDelivery.id,
        func.now(),
        literal(status),
        literal(error),
        literal(duration_ms),
    ).where(WebhookDelivery.id == delivery_id)
    columns = ["id", "delivery_id", "attempted_at", "status", "error", "duration_ms"]
    await session.execute(insert(WebhookAttempt).from_select(columns, values))


async def note_outcome(session: AsyncSession, delivery_id: UUID, **values: object) -> None:
    """Stores these columns of a delivery."""
    await session.execute(update(WebhookDelivery).where(WebhookDelivery.id == delivery_id).values(**values))


async def note_success(session: AsyncSession, endpoint_id: UUID) -> None:
    """Notes that an endpoint takes what it is sent."""
    await session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id)
        .values(last_delivered_at=func.now(), failing_since=None)
    )


async def note_failure(session: AsyncSession, endpoint_id: UUID, *, patience: timedelta) -> bool:
    """Notes that an endpoint did not take something; whether it has failed for longer than `patience`."""
    statement = (
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id)
        .values(failing_since=func.coalesce(WebhookEndpoint.failing_since, func.now()))
        .returning(WebhookEndpoint.failing_since < func.now() - patience)
    )
    return bool((await session.execute(statement)).scalar_one_or_none())


async def disable(session: AsyncSession, endpoint_id: UUID, because: str) -> RowMapping | None:
    """Switches an endpoint off and drops what waits for it; None where it was off, or is gone."""
    statement = (
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.disabled_at.is_(None))
        .values(disabled_at=func.now(), disabled_because=because, version=WebhookEndpoint.version + 1)
        .returning(WebhookEndpoint.id, WebhookEndpoint.url, WebhookEndpoint.created_by)
    )
    found = (await session.execute(statement)).mappings().one_or_none()
    if found is not None:
        await fail_waiting(session, endpoint_id)
    return found


async def fail_waiting(session: AsyncSession, endpoint_id: UUID) -> None:
    """Gives up what waits for an endpoint."""
    await session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == endpoint_id, WebhookDelivery.state == WAITING)
        .values(state=FAILED, last_error="endpoint-disabled", next_attempt_at=None)
    )


async def list_deliveries(
    db: Database, endpoint_id: UUID, *, limit: int, before: UUID | None
) -> Sequence[RowMapping]:
    """At most `limit` deliveries to an endpoint, newest first, made before the one with the id `before`."""
    statement = (
        select(*DELIVERY)
        .where(WebhookDelivery.endpoint_id == endpoint_id)
        .order_by(WebhookDelivery.id.desc())
        .limit(limit)
    )
    return await db.fetch_all(statement if before is None else statement.where(WebhookDelivery.id < before))


async def find_delivery(db: Database, endpoint_id: UUID, delivery_id: UUID) -> RowMapping | None:
    """One delivery with what was, or will be, sent."""
    statement = select(*DELIVERY, WebhookDelivery.payload).where(
        WebhookDelivery.id == delivery_id, WebhookDelivery.endpoint_id == endpoint_id
    )
    return await db.fetch_one(statement)


async def list_attempts(db: Database, delivery_id: UUID) -> Sequence[RowMapping]:
    """The attempts of a delivery, oldest first."""
    statement = (
        select(
            WebhookAttempt.attempted_at,
            WebhookAttempt.status,
            WebhookAttempt.error,
            WebhookAttempt.duration_ms,
        )
        .where(WebhookAttempt.delivery_id == delivery_id)
        .order_by(WebhookAttempt.id)
    )
    return await db.fetch_all(statement)


async def send_again(session: AsyncSession, endpoint_id: UUID, delivery_id: UUID) -> RowMapping | None:
    """Makes a delivery due at once, with all its attempts before it; None where there is none."""
    statement = (
        update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.endpoint_id == endpoint_id)
        .values(state=WAITING, attempts=0, next_attempt_at=func.now())
        .returning(*DELIVERY)
    )
    return (await session.execute(statement)).mappings().one_or_none()


async def add_delivery(session: AsyncSession, **values: object) -> RowMapping:
    """Stores one delivery that is due at once."""
    statement = insert(WebhookDelivery).values(state=WAITING, next_attempt_at=func.now(), **values)
    return (await session.execute(statement.returning(*DELIVERY))).mappings().one()


async def purge_deliveries(session: AsyncSession, *, kept: timedelta) -> None:
    """Deletes deliveries older than this, with their attempts; those that are in use at the moment stay until later."""
    old = select(WebhookDelivery.id).where(WebhookDelivery.created_at < func.now() - kept)
    old = old.with_for_update(skip_locked=True)
    await session.execute(delete(WebhookDelivery).where(WebhookDelivery.id.in_(old)))
