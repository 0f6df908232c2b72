"""Switching an endpoint off that takes nothing any more, and telling whoever set it up."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.events.outbox import database_of
from vitrine_kit.logs import get_logger

from vitrine_users.accounts import queries as accounts
from vitrine_users.audit.log import record
from vitrine_users.mail import outbox
from vitrine_users.roles.models import OWNER
from vitrine_users.webhooks import queries

log = get_logger(__name__)


async def switch_off(session: AsyncSession, endpoint_id: UUID, because: Literal["gone", "failing"]) -> None:
    """Switches the endpoint off, once, and mails a notice to whoever made it, or else to the oldest owner."""
    endpoint = await queries.disable(session, endpoint_id, because)
    if endpoint is None:
        return
    await record(
        session,
        action="webhook.disabled",
        actor_id=None,
        subject_id=None,
        details={"webhook_id": endpoint_id, "because": because},
        address=None,
    )
    log.warning("webhook_disabled", endpoint_id=endpoint_id, because=because)
    person = None
    if endpoint["created_by"] is not None:
        person = await accounts.find_account_in(session, endpoint["created_by"])
    if person is None:
        person = await accounts.find_oldest_holder(database_of(session), OWNER)
    if person is None:
        return
    await outbox.send(
        session,
        template="webhook-disabled",
        to=person["email"],
        locale=person["locale"],
        person_id=person["id"],
        context={
            "name": person["name"],
            "time_zone": person["time_zone"],
            "label": endpoint["url"],
            "kind": because,
        },
    )
