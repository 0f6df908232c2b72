"""The rules about webhooks: where they may go, which secrets sign them, and who is told what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, func
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id
from vitrine_kit.logs import get_logger
from vitrine_kit.outbound.public import is_acceptable_url
from vitrine_kit.webhooks import new_secret

from vitrine_users.audit.log import record
from vitrine_users.mail.outbox import settings_of
from vitrine_users.webhooks import queries
from vitrine_users.webhooks.errors import (
    BadEndpointUrl,
    EndpointDisabled,
    NoSuchDelivery,
    NoSuchEndpoint,
    TooManyEndpoints,
)
from vitrine_users.webhooks.events import TEST
from vitrine_users.webhooks.secrets import EndpointSecrets

log = get_logger(__name__)

MAX_ENDPOINTS = 50
KEPT = timedelta(days=30)


async def get_endpoint(db: Database, endpoint_id: UUID) -> RowMapping:
    """An endpoint.

    Raises:
        NoSuchEndpoint: there is none.
    """
    found = await queries.find_endpoint(db, endpoint_id)
    if found is None:
        raise NoSuchEndpoint
    return found


async def hold_endpoint(session: AsyncSession, endpoint_id: UUID) -> RowMapping:
    """An endpoint with its sealed secrets, for a change.

    Raises:
        NoSuchEndpoint: there is none.
    """
    found = await queries.hold_endpoint(session, endpoint_id)
    if found is None:
        raise NoSuchEndpoint
    return found


async def create(
    session: AsyncSession,
    *,
    url: str,
    description: str,
    event_types: Sequence[str],
    include_email: bool,
    actor_id: UUID,
    address: str,
) -> tuple[RowMapping, str]:
    """A new endpoint, and its secret, which is shown this once.

    Raises:
        BadEndpointUrl: nothing may be sent there.
        TooManyEndpoints: there are fifty.
    """
    _require_acceptable(session, url)
    if await queries.count_endpoints(session) >= MAX_ENDPOINTS:
        raise TooManyEndpoints(MAX_ENDPOINTS)
    endpoint_id, secret = new_id(), new_secret()
    row = await queries.add_endpoint(
        session,
        id=endpoint_id,
        url=url,
        description=description,
        event_types=sorted(set(event_types)),
        include_email=include_email,
        sealed_secret=_secrets(session).seal(endpoint_id, secret),
        created_by=actor_id,
    )
    await _note(session, "webhook.created", row, actor_id, address)
    return row, secret


async def change(
    session: AsyncSession,
    endpoint: RowMapping,
    changes: Mapping[str, Any],
    *,
    actor_id: UUID,
    address: str,
) -> RowMapping:
    """Stores what changes about a held endpoint. Switched on again, it starts with a clean record, and from then on.

    Raises:
        BadEndpointUrl: nothing may be sent there.
    """
    values = dict(changes)
    if "url" in values:
        _require_acceptable(session, values["url"])
    if "event_types" in values:
        values["event_types"] = sorted(set(values["event_types"]))
    enabled = values.pop("enabled", None)
    if enabled is True:
        values |= {"disabled_at": None, "disabled_because": None, "failing_since": None}
        # One that is on already goes on listening: what it is still to be told of stays its own.
        if endpoint["disabled_at"] is not None:
            values["listens_since"] = func.now()
    elif enabled is False and endpoint["disabled_at"] is None:
        values |= {"disabled_at": func.now(), "disabled_because": "staff"}
        await queries.fail_waiting(session, endpoint["id"])
    row = await queries.change_endpoint(session, endpoint["id"], **values)
    await _note(session, "webhook.changed", row, actor_id, address, changed=sorted(changes))
    return row


async def delete(session: AsyncSession, endpoint: RowMapping, *, actor_id: UUID, address: str) -> None:
    """Deletes a held endpoint with the log of its deliveries."""
    await queries.delete_endpoint(session, endpoint["id"])
    await _note(session, "webhook.deleted", endpoint, actor_id, address)


async def rotate_secret(
    session: AsyncSession, endpoint: RowMapping, *, overlap_s: int, actor_id: UUID, address: str
) -> tuple[RowMapping, str]:
    """A new secret for a held endpoint; for `overlap_s` seconds messages are signed under the former one as well."""
    secret = new_secret()
    row = await queries.change_endpoint(
        session,
        endpoint["id"],
        sealed_secret=_secrets(session).seal(endpoint["id"], secret),
        sealed_previous_secret=endpoint["sealed_secret"] if overlap_s else None,
        previous_until=func.now() + timedelta(seconds=overlap_s) if overlap_s else None,
    )
    await _note(session, "webhook.secret_rotated", row, actor_id, address, overlap_s=overlap_s)
    return row, secret


async def send_test(session: AsyncSession, endpoint: RowMapping, *, actor_id: UUID) -> RowMapping:
    """Has a test event sent to a held endpoint.

    Raises:
        EndpointDisabled: it is switched off.
    """
    if endpoint["disabled_at"] is not None:
        raise EndpointDisabled
    now = datetime.now(UTC)
    payload = {
        "type": TEST,
        "timestamp": now.isoformat(timespec="milliseconds"),
        "data": {"webhook_id": str(endpoint["id"]), "actor_id": str(actor_id)},
    }
    return await queries.add_delivery(
        session,
        id=new_id(),
        endpoint_id=endpoint["id"],
        event_id=new_id(),
        event_type=TEST,
        occurred_at=now,
        payload=payload,
    )


async def send_again(session: AsyncSession, endpoint: RowMapping, delivery_id: UUID) -> RowMapping:
    """Has an event sent to a held endpoint once more, under its same id.

    Raises:
        EndpointDisabled: it is switched off.
        NoSuchDelivery: there is no such delivery of this endpoint.
    """
    if endpoint["disabled_at"] is not None:
        raise EndpointDisabled
    found = await queries.send_again(session, endpoint["id"], delivery_id)
    if found is None:
        raise NoSuchDelivery
    return found


async def get_delivery(
    db: Database, endpoint_id: UUID, delivery_id: UUID
) -> tuple[RowMapping, Sequence[RowMapping]]:
    """A delivery with what is sent, and its attempts, oldest first.

    Raises:
        NoSuchDelivery: there is none.
    """
    found = await queries.find_delivery(db, endpoint_id, delivery_id)
    if found is None:
        raise NoSuchDelivery
    return found, await queries.list_attempts(db, delivery_id)


async def purge(session: AsyncSession) -> None:
    """Deletes the log of deliveries older than thirty days, and secrets whose overlap is over."""
    await queries.purge_deliveries(session, kept=KEPT)
    await queries.forget_former_secrets(session)


def _require_acceptable(session: AsyncSession, url: str) -> None:
    private = settings_of(session).webhook_private_addresses
    if not is_acceptable_url(url, private=private):
        raise BadEndpointUrl(private=private)


def _secrets(session: AsyncSession) -> EndpointSecrets:
    return EndpointSecrets(settings_of(session).secret_key)


async def _note(
    session: AsyncSession,
    action: str,
    endpoint: RowMapping,
    actor_id: UUID,
    address: str,
    **details: Any,
) -> None:
    # The URL stays out: it may hold a token of the receiver's, and entries are for ever.
    await record(
        session,
        action=action,
        actor_id=actor_id,
        subject_id=None,
        details={"webhook_id": endpoint["id"], "event_types": endpoint["event_types"], **details},
        address=address,
    )
    log.info(action.replace(".", "_"), endpoint_id=endpoint["id"], actor_id=actor_id)
