"""Webhooks over HTTP: set up by owners and admins, who see what was delivered and have it sent again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint, etag_of, require_match
from vitrine_kit.pagination import PageQuery, decode_cursor, encode_cursor, page

from vitrine_users.accounts.current import current_account
from vitrine_users.webhooks import queries, service
from vitrine_users.webhooks.events import EVENT_TYPES
from vitrine_users.webhooks.schemas import (
    AttemptOut,
    DeliveryDetail,
    DeliveryOut,
    DeliveryPage,
    EventTypeOut,
    EventTypesOut,
    NewWebhookOut,
    RotationIn,
    WebhookIn,
    WebhookOut,
    WebhookPatch,
    WebhooksOut,
)

bp = ApiBlueprint("webhooks", __name__, url_prefix="/api/users/v1/webhooks")

PERMISSION = "users:webhooks"
NO_STORE = {"Cache-Control": "no-store"}
CONDITIONAL = ("If-Match",)


@bp.operation(
    "GET",
    "/event-types",
    summary="List the events webhooks can tell of",
    permission=PERMISSION,
    returns={200: EventTypesOut},
)
async def list_event_types() -> EventTypesOut:
    """Each event with what it says."""
    return EventTypesOut(
        items=[EventTypeOut(name=e.name, summary=e.summary, facts=dict(e.facts)) for e in EVENT_TYPES]
    )


@bp.operation("GET", "", summary="List the webhooks", permission=PERMISSION, returns={200: WebhooksOut})
async def list_webhooks() -> Any:
    """All endpoints, oldest first, without their secrets."""
    rows = await queries.list_endpoints(current_database())
    return WebhooksOut(items=[WebhookOut(**_shown(row)) for row in rows]), 200, NO_STORE


@bp.operation(
    "POST",
    "",
    summary="Set up a webhook",
    permission=PERMISSION,
    body=WebhookIn,
    returns={201: NewWebhookOut},
    problems=(409,),
)
async def create_webhook(body: WebhookIn) -> Any:
    """An endpoint that is told of what happens from now on. Its secret is in this answer and nowhere else."""
    async with current_database().transaction() as session:
        row, secret = await service.create(
            session, **body.model_dump(), actor_id=current_account()["id"], address=client_address()
        )
    headers = {**NO_STORE, "ETag": _etag(row), "Location": f"/api/users/v1/webhooks/{row['id']}"}
    return NewWebhookOut(**_shown(row), secret=secret), 201, headers


@bp.operation(
    "GET", "/<uuid:webhook_id>", summary="A webhook", permission=PERMISSION, returns={200: WebhookOut}
)
async def get_webhook(webhook_id: UUID) -> Any:
    """One endpoint, without its secret."""
    return _answer(await service.get_endpoint(current_database(), webhook_id))


@bp.operation(
    "PATCH",
    "/<uuid:webhook_id>",
    summary="Change a webhook",
    permission=PERMISSION,
    body=WebhookPatch,
    returns={200: WebhookOut},
    problems=(412,),
    headers=CONDITIONAL,
)
async def change_webhook(webhook_id: UUID, body: WebhookPatch) -> Any:
    """Changes what the body names, and switches the endpoint on or off."""
    async with current_database().transaction() as session:
        endpoint = await service.hold_endpoint(session, webhook_id)
        require_match(_etag(endpoint))
        row: Mapping[Any, Any] = endpoint
        if body.model_fields_set:
            changes = body.model_dump(exclude_unset=True)
            row = await service.change(
                session,
                endpoint,
                changes,
                actor_id=current_account()["id"],
                address=client_address(),
            )
    return _answer(row)


@bp.operation(
    "DELETE",
    "/<uuid:webhook_id>",
    summary="Delete a webhook",
    permission=PERMISSION,
    returns={204: None},
    problems=(412,),
    headers=CONDITIONAL,
)
async def delete_webhook(webhook_id: UUID) -> None:
    """Deletes an endpoint with the log of its deliveries; what waits for it is not sent."""
    async with current_database().transaction() as session:
        endpoint = await service.hold_endpoint(session, webhook_id)
        require_match(_etag(endpoint))
        await service.delete(session, endpoint, actor_id=current_account()["id"], address=client_address())


@bp.operation(
    "POST",
    "/<uuid:webhook_id>/secret",
    summary="Give a webhook a new secret",
    permission=PERMISSION,
    body=RotationIn,
    returns={201: NewWebhookOut},
)
async def rotate_secret(webhook_id: UUID, body: RotationIn) -> Any:
    """A new secret; for a while messages bear two signatures, one under the former secret."""
    async with current_database().transaction() as session:
        endpoint = await service.hold_endpoint(session, webhook_id)
        row, secret = await service.rotate_secret(
            session,
            endpoint,
            overlap_s=body.overlap_s,
            actor_id=current_account()["id"],
            address=client_address(),
        )
    return NewWebhookOut(**_shown(row), secret=secret), 201, {**NO_STORE, "ETag": _etag(row)}


@bp.operation(
    "POST",
    "/<uuid:webhook_id>/tests",
    summary="Send a test event",
    permission=PERMISSION,
    returns={202: DeliveryOut},
    problems=(409,),
)
async def send_test(webhook_id: UUID) -> Any:
    """Has an event `webhook.test` sent; the delivery shows what becomes of it."""
    async with current_database().transaction() as session:
        endpoint = await service.hold_endpoint(session, webhook_id)
        row = await service.send_test(session, endpoint, actor_id=current_account()["id"])
    return DeliveryOut(**row), 202, NO_STORE


@bp.operation(
    "GET",
    "/<uuid:webhook_id>/deliveries",
    summary="List what was sent to a webhook",
    permission=PERMISSION,
    query=PageQuery,
    returns={200: DeliveryPage},
)
async def list_deliveries(webhook_id: UUID, query: PageQuery) -> Any:
    """Deliveries of the last thirty days, newest first."""
    before = decode_cursor(query.after, [UUID])[0] if query.after is not None else None
    db = current_database()
    await service.get_endpoint(db, webhook_id)
    rows = await queries.list_deliveries(db, webhook_id, limit=query.limit + 1, before=before)
    shown = rows[: query.limit]
    following = encode_cursor([shown[-1]["id"]]) if len(rows) > query.limit else None
    return page([DeliveryOut(**row) for row in shown], following), 200, NO_STORE


@bp.operation(
    "GET",
    "/<uuid:webhook_id>/deliveries/<uuid:delivery_id>",
    summary="A delivery",
    permission=PERMISSION,
    returns={200: DeliveryDetail},
)
async def get_delivery(webhook_id: UUID, delivery_id: UUID) -> Any:
    """One delivery with what is sent, and each attempt."""
    row, attempts = await service.get_delivery(current_database(), webhook_id, delivery_id)
    found = DeliveryDetail(**row, attempted=[AttemptOut(**one) for one in attempts])
    return found, 200, NO_STORE


@bp.operation(
    "POST",
    "/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/redelivery",
    summary="Send an event again",
    permission=PERMISSION,
    returns={202: DeliveryOut},
    problems=(409,),
)
async def send_again(webhook_id: UUID, delivery_id: UUID) -> Any:
    """Has an event sent once more, under its same id, with all its attempts before it."""
    async with current_database().transaction() as session:
        endpoint = await service.hold_endpoint(session, webhook_id)
        row = await service.send_again(session, endpoint, delivery_id)
    return DeliveryOut(**row), 202, NO_STORE


def _shown(row: Mapping[Any, Any]) -> dict[str, Any]:
    values = {name: row[name] for name in WebhookOut.model_fields if name in row}
    return {
        **values,
        "enabled": row["disabled_at"] is None,
        "previous_secret_until": row["previous_until"],
    }


def _etag(row: Mapping[Any, Any]) -> str:
    return etag_of(row["id"], row["version"])


def _answer(row: Mapping[Any, Any]) -> Any:
    return WebhookOut(**_shown(row)), 200, {**NO_STORE, "ETag": _etag(row)}
