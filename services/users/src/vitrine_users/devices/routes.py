"""One's own remembered devices over HTTP."""

from __future__ import annotations

from uuid import UUID

from vitrine_kit.auth import SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.accounts.current import current_account
from vitrine_users.devices import queries, service
from vitrine_users.devices.schemas import DeviceOut, DevicesOut

bp = ApiBlueprint("devices", __name__, url_prefix="/api/users/v1")


@bp.operation(
    "GET", "/me/devices", summary="Your remembered devices", permission=SIGNED_IN, returns={200: DevicesOut}
)
async def list_devices() -> DevicesOut:
    """The browsers you have signed in with in the last 30 days, last used first."""
    rows = await queries.list_devices(current_database(), current_account()["id"])
    return DevicesOut(items=[DeviceOut(**row) for row in rows])


@bp.operation(
    "DELETE",
    "/me/devices/<uuid:device_id>",
    summary="Forget a device",
    permission=SIGNED_IN,
    returns={204: None},
)
async def forget_device(device_id: UUID) -> None:
    """The device is asked for everything at its next sign-in; it stays signed in until then."""
    async with current_database().transaction() as session:
        await service.forget(session, current_account()["id"], device_id)
